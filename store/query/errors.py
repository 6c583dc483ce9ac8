"""A question that isn't understood: where, what was found, what was expected, and what may have been meant."""

import difflib
from collections.abc import Iterable, Sequence

from core.errors import Problem
from store.errors import StoreError
from store.query.fields import FIELDS, Field

NEAREST = 3
"""Names that are suggested."""


class BadQuery(StoreError):
    """A filter, an order or a list of fields isn't understood."""

    def __init__(self, *problems: Problem) -> None:
        """Keeps the reasons; the message lists them all."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    def at(self, pointer: str) -> "BadQuery":
        """The same about the part of a request that ``pointer`` names."""
        return BadQuery(
            *(
                Problem(pointer, p.code, p.message, p.given, p.allowed, p.column)
                for p in self.problems
            )
        )


def named(name: str, column: int | None = None, among: Iterable[str] = FIELDS) -> Field:
    """The field of that name.

    Raises:
        BadQuery: There is none, or it isn't ``among`` those that are allowed here; the nearest are
            named.
    """
    allowed = list(among)
    if name in allowed:
        return FIELDS[name]
    close = nearest(name, allowed)
    message = f"{_place(column)}unknown field" + (
        f"; did you mean {' or '.join(close)}?" if close else ""
    )
    raise BadQuery(
        Problem("", "unknown_name", message, _shown(name), _brief(allowed, close), column)
    )


def refuse(column: int, found: str, expected: str, *, close: Sequence[str] = ()) -> BadQuery:
    """The error of a word that can't stand where it does."""
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return BadQuery(
        Problem(
            "",
            "not_understood",
            f"{_place(column)}expected {expected}{hint}",
            _shown(found),
            column=column,
        )
    )


def nearest(name: str, allowed: Sequence[str]) -> list[str]:
    """Names that may have been meant: alike as a whole or in their last part, or longer (``scale``, ``loss``)."""
    plain = name.lower()
    last = plain.rpartition(".")[2]
    by_end = [other for other in allowed if other.rpartition(".")[2].lower() == last]
    alike = difflib.get_close_matches(plain, allowed, n=NEAREST, cutoff=0.6)
    ends = difflib.get_close_matches(
        last, {other.rpartition(".")[2] for other in allowed}, n=1, cutoff=0.75
    )
    by_likeness = [other for other in allowed if other.rpartition(".")[2] in ends]
    longer = [other for other in allowed if len(plain) > 2 and plain in other]
    return list(dict.fromkeys([*by_end, *alike, *by_likeness, *longer]))[:NEAREST]


def _place(column: int | None) -> str:
    return "" if column is None else f"column {column}: "


def _shown(text: str) -> str:
    shown = ascii(str(text))
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _brief(allowed: Sequence[str], close: Sequence[str]) -> str:
    """All names where they are few; else the nearest, and where the others are listed."""
    return (
        ", ".join(allowed)
        if len(allowed) <= 24
        else ", ".join([*close, "..."]) + " (GET /v1/fields lists all)"
    )
