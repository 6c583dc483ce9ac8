"""Text for people and JSON for programs: consoles, and how states, numbers and times are written."""

import sys
from datetime import datetime, timedelta

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_OF_A_FILE = 240
"""Columns where the output is no terminal: a table is not to be folded for grep."""

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
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=not is_terminal, width=width)


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


def table(*columns: str) -> Table:
    """An empty table in the house's style."""
    empty = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        empty.add_column(column, overflow="fold")
    return empty


def moment(time: datetime) -> str:
    """A time as this machine's clock shows it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"
