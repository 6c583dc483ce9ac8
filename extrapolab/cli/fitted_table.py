"""Rich's table, which breaks no word on a terminal and folds no row in a file."""

from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from extrapolab.cli.table_layout import GAP

FILE_TABLE_WIDTH = 100_000
"""Width of a table in a file, in characters, so that no row is folded and grep finds it."""

MIN_FOLDED_WIDTH = 18
"""Least width of a column whose text is folded."""

MAX_NAMED_COLUMNS = 5
"""Most omitted columns that are named; the others are counted."""


class FittedTable(Table):
    """A table that omits and names columns rather than breaking a word."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            yield from super().__rich_console__(console, options.update(max_width=FILE_TABLE_WIDTH))
            return
        widths = [_width_range(column, console) for column in self.columns]
        shown = len(widths)
        while shown > 1 and _total_least_width(widths[:shown]) > options.max_width:
            shown -= 1
        spare = options.max_width - _total_least_width(widths[:shown])
        fitted = Table(
            box=None, header_style=self.header_style, pad_edge=False, padding=(0, GAP, 0, 0)
        )
        fitted.rows = self.rows
        for column, (least, most) in zip(self.columns[:shown], widths[:shown], strict=True):
            extra = max(0, min(most - least, spare))
            spare -= extra
            fitted.columns.append(
                replace(column, header=_header(column), width=least + extra, ratio=None)
            )
        yield fitted
        omitted = [
            _header(column) for column in self.columns[shown:] if any(map(str, column.cells))
        ]
        if omitted:
            named = omitted[:MAX_NAMED_COLUMNS]
            if len(omitted) > len(named):
                named.append(f"and {len(omitted) - len(named)} more")
            yield Text(f"no room for: {', '.join(named)}", style="dim")


def _header(column: Column) -> str:
    """Returns the header; a metric's name is split so that it can be folded."""
    header = str(column.header)
    return header if column.ratio is not None else header.replace("_", " ").replace(".", " ")


def _width_range(column: Column, console: Console) -> tuple[int, int]:
    """Returns the least width that a column needs, and the most that it can use."""
    cells = [console.measure(cell).maximum for cell in column.cells]
    longest = max([0, *map(len, _header(column).split()), *cells])
    folds = column.ratio is not None
    least = min(longest, MIN_FOLDED_WIDTH) if folds else longest
    return least, max(longest, len(str(column.header)))


def _total_least_width(widths: Iterable[tuple[int, int]]) -> int:
    return sum(least + GAP for least, _ in widths) - GAP
