"""Tables that fit a terminal, and how their cells are formatted."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from core.labels import brief
from core.result import Outcome
from extrapolab.client.formats import format_number

FILE_TABLE_WIDTH = 100_000
"""Width of a table in a file, in characters, so that no row is folded and grep finds it."""

GAP = 2
"""Spaces between columns."""

MIN_FOLDED_WIDTH = 18
"""Least width of a column whose text is folded."""

MAX_NAMED_COLUMNS = 5
"""Most omitted columns that are named; the others are counted."""

STYLES = {
    "completed": "green",
    "fitted": "green",
    "holds": "bold green",
    "running": "cyan",
    "failed": "bold red",
    "fails": "bold red",
    "diverged": "yellow",
    "not fitted": "yellow",
    "cancelled": "dim",
    "paused": "yellow",
    "busy": "cyan",
    "draining": "yellow",
    "drained": "yellow",
    "stale": "bold red",
}
"""Colours of states, outcomes and verdicts on a terminal."""


def styled(word: str) -> Text:
    """Returns a state, outcome or verdict in its colour."""
    return Text(word.replace("_", " "), style=STYLES.get(word, ""))


def outcome_counts(counts: Mapping[str, int]) -> str:
    """Returns numbers of runs by outcome, such as ``4 fitted, 1 not fitted``."""
    return ", ".join(f"{count} {Outcome(outcome).words}" for outcome, count in counts.items())


def fit_count(fitted: int | None, seeds: int) -> str:
    """Returns how many of how many seeds fit, such as ``4/5``; a dash before that is known."""
    return f"{'-' if fitted is None else fitted}/{seeds}"


def format_cell(value: Any) -> str:
    """Formats any value of a spec or a statistic; None is a dash."""
    if value is None:
        return "-"
    return format_number(value) if isinstance(value, float) else brief(value)


def all_keys(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the keys of all mappings, in the order in which they first occur."""
    keys: dict[str, None] = {}
    for mapping in mappings:
        keys.update(dict.fromkeys(mapping))
    return [*keys]


def table(*columns: str, folding: Collection[str] = ()) -> Table:
    """Returns an empty table.

    Args:
        columns: Most important first: a terminal that is too narrow loses the last ones.
        folding: The columns whose text may be folded.
    """
    empty = _FittedTable(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for column in columns:
        empty.add_column(column, overflow="fold", ratio=1 if column in folding else None)
    return empty


class _FittedTable(Table):
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
