"""Errors of the filter language: the column, what was given, what is expected, and suggestions."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.errors import Problem
from store.errors import StoreError
from store.query.fields import FIELDS, NAMES, Field

MAX_SUGGESTIONS = 3

_MAX_LISTED_NAMES = 24
_MAX_SHOWN_CHARACTERS = 80


class BadQuery(StoreError):
    """A filter, an order or a list of fields is not valid."""

    def __init__(self, *problems: Problem) -> None:
        """Keeps the problems; the message lists them all."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    def at(self, pointer: str) -> "BadQuery":
        """The same error, with every problem at the part of the request that ``pointer`` names."""
        return BadQuery(*(replace(problem, pointer=pointer) for problem in self.problems))


def find_field(
    name: str,
    column: int | None = None,
    among: Iterable[str] = FIELDS,
    *,
    others: Iterable[str] = (),
) -> Field:
    """The field of that name or alias.

    Args:
        name: The name as written.
        column: Where it stands.
        among: The names of the allowed fields.
        others: What else may be meant, for the message.

    Raises:
        BadQuery: No allowed field has the name; the message suggests similar ones.
    """
    allowed = list(among)
    field = NAMES.get(name)
    if field is not None and field.name in allowed:
        return field
    allowed = list(dict.fromkeys([*allowed, *others]))
    close = closest_names(name, allowed)
    message = f"{_prefix(column)}unknown field{_hint(close)}"
    raise BadQuery(
        Problem("", "unknown_name", message, _shown(name), _summary(allowed, close), column)
    )


def syntax_error(column: int, given: str, expected: str, *, close: Sequence[str] = ()) -> BadQuery:
    """The error for text at a column that should be something else."""
    message = f"{_prefix(column)}expected {expected}{_hint(close)}"
    return BadQuery(Problem("", "not_understood", message, _shown(given), column=column))


def closest_names(name: str, allowed: Sequence[str]) -> list[str]:
    """Names that may be meant: similar as a whole or in their last part, or containing ``name``."""
    lower = name.lower()
    last_part = lower.rpartition(".")[2]
    last_parts = {other: other.rpartition(".")[2] for other in allowed}
    same_last_part = [other for other, part in last_parts.items() if part.lower() == last_part]
    similar = difflib.get_close_matches(lower, allowed, n=MAX_SUGGESTIONS, cutoff=0.6)
    similar_parts = difflib.get_close_matches(last_part, set(last_parts.values()), n=1, cutoff=0.75)
    similar_last_part = [other for other, part in last_parts.items() if part in similar_parts]
    longer = [other for other in allowed if len(lower) > 2 and lower in other]
    candidates = dict.fromkeys([*same_last_part, *similar, *similar_last_part, *longer])
    return list(candidates)[:MAX_SUGGESTIONS]


def _prefix(column: int | None) -> str:
    return "" if column is None else f"column {column}: "


def _hint(close: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _shown(text: str) -> str:
    shown = ascii(str(text))
    if len(shown) <= _MAX_SHOWN_CHARACTERS:
        return shown
    return shown[: _MAX_SHOWN_CHARACTERS - 3] + "..."


def _summary(allowed: Sequence[str], close: Sequence[str]) -> str:
    """All allowed names if they are few; otherwise the closest, and where to find the rest."""
    if len(allowed) <= _MAX_LISTED_NAMES:
        return ", ".join(allowed)
    return ", ".join([*close, "..."]) + " (GET /v1/fields lists all)"
