"""Text for people and JSON for programs: consoles, and how states, numbers and times are written."""

import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import typer
from pydantic import BaseModel
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

WIDTH_OF_A_FILE = 240
"""Columns where the output is no terminal."""

WIDTH_OF_A_TABLE = 100_000
"""Columns of a file that a table may have: it is not to be folded for grep."""

GAP = 2
"""Columns of a terminal between those of a table."""

LEAST_FOLDED = 18
"""Columns that text needs to be read in when it is folded."""

MOST_NAMED = 5
"""Columns that had no room and are named."""

STYLES = {
    "completed": "green",
    "fitted": "green",
    "holds": "bold green",
    "running": "cyan",
    "failed": "bold red",
    "fails": "bold red",
    "diverged": "yellow",
    "step_budget_spent": "yellow",
    "cancelled": "dim",
    "paused": "yellow",
    "busy": "cyan",
    "draining": "yellow",
    "drained": "yellow",
    "stale": "bold red",
}
"""Colours of states, outcomes and verdicts; only on a terminal."""


def console(*, stderr: bool = False) -> Console:
    """A console that takes text as it is: names with brackets stay what they are."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if is_terminal else WIDTH_OF_A_FILE
    return Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=not is_terminal,
        width=width,
    )


def print_json(value: BaseModel) -> None:
    """One JSON document on standard output; non-finite numbers as "NaN", "Infinity", "-Infinity"."""
    typer.echo(value.model_dump_json(indent=2 if sys.stdout.isatty() else None))


def styled(word: str) -> Text:
    """A state, outcome or verdict in its colour."""
    return Text(word.replace("_", " "), style=STYLES.get(word, ""))


def number(value: float | None) -> str:
    """Three significant digits, or a dash for nothing.

    Example:
        >>> number(0.000123456), number(12.0), number(float("nan")), number(None)
        ('0.000123', '12', 'nan', '-')
    """
    return "-" if value is None else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Example:
        >>> duration(0.25), duration(75), duration(3 * 3600 + 120)
        ('0.2 s', '1:15', '3:02:00')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = str(timedelta(seconds=round(seconds)))
    return whole.removeprefix("0:").removeprefix("0") or whole


def table(*columns: str, folding: Collection[str] = ()) -> Table:
    """An empty table in the house's style.

    Args:
        columns: What matters most comes first: on a terminal too narrow for all, the last ones are
            left out.
        folding: Those of them whose text may be folded.
    """
    empty = _Fitted(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for column in columns:
        empty.add_column(column, overflow="fold", ratio=1 if column in folding else None)
    return empty


class _Fitted(Table):
    """A table that fits its terminal: it loses columns before it breaks a word, and says which."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            yield from super().__rich_console__(console, options.update(max_width=WIDTH_OF_A_TABLE))
            return
        widths = [_widths(column, console) for column in self.columns]
        kept = len(widths)
        while kept > 1 and sum(least + GAP for least, _ in widths[:kept]) - GAP > options.max_width:
            kept -= 1
        spare = options.max_width + GAP - sum(least + GAP for least, _ in widths[:kept])
        fitted = Table(
            box=None, header_style=self.header_style, pad_edge=False, padding=(0, GAP, 0, 0)
        )
        fitted.rows = self.rows
        for column, (least, most) in zip(self.columns[:kept], widths[:kept], strict=True):
            more = max(0, min(most - least, spare))
            spare -= more
            fitted.columns.append(
                replace(column, header=_words(column), width=least + more, ratio=None)
            )
        yield fitted
        if left_out := [
            _words(column) for column in self.columns[kept:] if any(map(str, column.cells))
        ]:
            rest = [f"and {len(left_out) - MOST_NAMED} more"] if len(left_out) > MOST_NAMED else []
            yield Text(f"no room for: {', '.join([*left_out[:MOST_NAMED], *rest])}", style="dim")


def _words(column: Column) -> str:
    """A column's header, the name of a number so that it can stand in several lines."""
    header = str(column.header)
    return header if column.ratio is not None else header.replace("_", " ").replace(".", " ")


def _widths(column: Column, console: Console) -> tuple[int, int]:
    """The least that a column needs, and the most that it can use."""
    cells = [console.measure(cell).maximum for cell in column.cells]
    longest = max([0, *map(len, _words(column).split()), *cells])
    folds = column.ratio is not None
    return min(longest, LEAST_FOLDED) if folds else longest, max(longest, len(str(column.header)))


def moment(time: datetime) -> str:
    """A time as this machine's clock shows it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"
