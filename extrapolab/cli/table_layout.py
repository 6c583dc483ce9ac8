"""Tables that fit a terminal, and how their cells are formatted."""

# ruff: noqa: PLC0415  # Rich, whose import is a tenth of a command's start, follows the answer

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.labels import brief
from core.result import Outcome
from extrapolab.client.answers.formats import format_number

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

GAP = 2
"""Spaces between columns."""

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


def styled(word: str) -> "Text":
    """Returns a state, outcome or verdict in its colour."""
    return text((word.replace("_", " "), STYLES.get(word, "")))


def text(*parts: "str | tuple[str, str] | Text") -> "Text":
    """Joins parts, plain or with their styles."""
    from rich.text import Text

    return Text.assemble(*parts)


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


def table(*columns: str, folding: Collection[str] = ()) -> "Table":
    """Returns an empty table.

    Args:
        columns: Most important first: a terminal that is too narrow loses the last ones.
        folding: The columns whose text may be folded.
    """
    from extrapolab.cli.fitted_table import FittedTable

    empty = FittedTable(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for column in columns:
        empty.add_column(column, overflow="fold", ratio=1 if column in folding else None)
    return empty


def grid() -> "Table":
    """Returns an empty table of names and values, without a header."""
    from rich.table import Table

    return Table.grid(padding=(0, GAP))
