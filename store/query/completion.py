"""Completion of half-typed filters: what can be typed at the cursor, with counts of values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from store.query import facets
from store.query.expectation import Expectation, Mistake, expected_at, mistake_in, written
from store.query.fields import FIELDS, Field, Kind
from store.query.query import ExperimentQuery

NEWEST = 5_000
"""The newest experiments whose values are suggested, so that each keystroke is answered at once."""

_FUNCTIONS = {
    "any": "some run satisfies a condition",
    "all": "every run satisfies a condition",
    "count": "number of runs that satisfy a condition",
    "median": "median of a metric over runs",
    "mean": "mean of a metric over runs",
    "min": "smallest value of a metric over runs",
    "max": "largest value of a metric over runs",
    "is_nan": "a metric of some run is undefined",
    "is_infinite": "a metric of some run is infinite",
}
_OPERATORS = {
    "=": "equals",
    "!=": "differs from",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
    "~": "contains",
    "in": "is one of",
    "between": "lies between two values, both included",
    "is null": "has no value",
    "is not null": "has a value",
}
_KEYWORDS = {
    "and": "both conditions hold",
    "or": "one of the conditions holds",
    "not": "the condition does not hold",
    "null": "has no value",
    "not null": "has a value",
}
_TIMES = {
    "-1h": "an hour ago",
    "-1d": "a day ago",
    "-7d": "a week ago",
    "-30d": "30 days ago",
    "now": "now",
}


class SuggestionKind(StrEnum):
    """The kinds of suggestions."""

    FIELD = "field"
    FUNCTION = "function"
    OPERATOR = "operator"
    VALUE = "value"
    KEYWORD = "keyword"


@dataclass(frozen=True)
class Suggestion:
    """Text that can be typed at the cursor.

    Attributes:
        text: The text, as a filter writes it.
        kind: What it is.
        meaning: What it means; empty for values that speak for themselves.
        count: For a value, how many of the :data:`NEWEST` experiments have it.
    """

    text: str
    kind: SuggestionKind
    meaning: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Completion:
    """Suggestions for the piece of a filter from ``start`` to ``end``, and the first mistake."""

    start: int
    end: int
    suggestions: tuple[Suggestion, ...]
    mistake: Mistake | None


def complete(tx: Connection, text: str, cursor: int, *, limit: int) -> Completion:
    """Suggestions for a cursor, best first.

    Args:
        tx: An open transaction.
        text: The filter; no longer than :data:`~store.query.parser.MAX_CHARACTERS`.
        cursor: An offset into it, which may be its length.
        limit: The most suggestions.
    """
    expected = expected_at(text, cursor)
    ranked = [
        (rank, suggestion)
        for suggestion in _words(expected)
        if (rank := _rank(suggestion.text, expected.typed)) is not None
    ]
    ranked.sort(key=lambda entry: entry[0])  # stable
    words = [suggestion for _, suggestion in ranked]
    field = expected.values_of
    values = [] if field is None else [*_values(tx, field, expected.typed, limit)]
    return Completion(
        expected.start, expected.end, tuple([*values, *words][:limit]), mistake_in(text)
    )


def _words(expected: Expectation) -> Iterator[Suggestion]:
    """Everything expected but values."""
    for name in expected.operators:
        yield Suggestion(name, SuggestionKind.OPERATOR, _OPERATORS[name])
    for name in expected.fields:
        yield Suggestion(name, SuggestionKind.FIELD, FIELDS[name].meaning)
    for label in expected.labels:
        yield Suggestion(label, SuggestionKind.FIELD, FIELDS[label[:-1]].meaning)
    for name in expected.functions:
        yield Suggestion(f"{name}(", SuggestionKind.FUNCTION, _FUNCTIONS[name])
    for word in expected.keywords:
        yield Suggestion(word, SuggestionKind.KEYWORD, _KEYWORDS[word])


def _rank(text: str, typed: str) -> int | None:
    """0 if the text starts as typed, 1 if a word in it does, 2 if it contains it, else None."""
    lower, sought = text.lower(), typed.lower()
    if lower.startswith(sought):
        return 0
    if any(word.startswith(sought) for word in re.split(r"[._]", lower)):
        return 1
    return 2 if sought in lower else None


def _values(tx: Connection, field: Field, typed: str, limit: int) -> Iterator[Suggestion]:
    """Values of a field that start as typed: the most frequent first."""
    if field.kind is Kind.TIME:
        for text, meaning in _TIMES.items():
            if text.startswith(typed):
                yield Suggestion(text, SuggestionKind.VALUE, meaning)
        return
    counts: dict[str, int] = {}
    if field.name in facets.FACET_FIELDS:
        counts = dict(_counted(tx, field, typed, limit))
    known = ("true", "false") if field.kind is Kind.FLAG else tuple(map(str, field.choices))
    texts = [*counts, *(text for text in known if text not in counts)]
    for text in texts:
        if text.strip('"').lower().startswith(typed.lower()):
            yield Suggestion(text, SuggestionKind.VALUE, count=counts.get(text, 0))


def _counted(tx: Connection, field: Field, typed: str, limit: int) -> Iterator[tuple[str, int]]:
    most = limit if field.kind is Kind.TEXT else facets.MAX_VALUES  # filtered by text below
    (facet,) = facets.read(
        tx, ExperimentQuery.parse(), [field], limit=most, prefix=typed, newest=NEWEST
    ).facets
    for counted in facet.values:
        value = counted.value
        if isinstance(value, str):
            yield written(value), counted.count
        else:
            yield str(value).lower() if isinstance(value, bool) else repr(value), counted.count
