"""Facets: the values that matching experiments have at some fields, and how many have each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Connection,
    Double,
    FromClause,
    Select,
    String,
    cast,
    distinct,
    func,
    literal,
    null,
    select,
    union_all,
)

from core.errors import Problem
from store.db.database import now
from store.query import pages
from store.query.collation import bytewise
from store.query.errors import BadQuery, find_field
from store.query.fields import FIELDS, NAMES, Field, Kind, Scope
from store.query.names import split_names
from store.query.order import Key
from store.query.query import ExperimentQuery
from store.query.sql import SCOPE_TABLES
from store.query.statistics import Expression

MAX_FACETS = 12

MAX_VALUES = 1_000
"""The most values of one facet."""

FACET_FIELDS = tuple(
    name
    for name, field in FIELDS.items()
    if field.kind is not Kind.TIME and not field.is_metric and name not in {"id", "notes"}
)
"""The fields whose values can be counted."""

_VALUE_TYPES = (String, Double, BigInteger)

FacetValue = str | float | int | bool


@dataclass(frozen=True)
class Counted:
    """A value, and the number of matching experiments that have it."""

    value: FacetValue
    count: int


@dataclass(frozen=True)
class Facet:
    """The values of a field among matching experiments.

    Attributes:
        field: The field.
        values: The most frequent values; equally frequent ones in ascending order.
        distinct: The number of different values.
        missing: The number of experiments without a value.
    """

    field: Field
    values: tuple[Counted, ...]
    distinct: int
    missing: int

    @property
    def more(self) -> int:
        """The number of different values that are left out."""
        return self.distinct - len(self.values)


@dataclass(frozen=True)
class Facets:
    """The number of experiments that were counted, and their facets."""

    count: int
    facets: tuple[Facet, ...]


def parse_fields(text: str) -> list[Field]:
    """The fields in a comma-separated list.

    Raises:
        BadQuery: A name is empty, unknown or of a field whose values can't be counted, or there are
            too many.
    """
    names = split_names(text, "")
    if len(names) > MAX_FACETS:
        message = f"should name at most {MAX_FACETS} fields, and names {len(names)}"
        raise BadQuery(Problem("", "too_many", message))
    return [find_facet_field(name) for name in names]


def find_facet_field(name: str) -> Field:
    """The field of that name.

    Raises:
        BadQuery: No field has the name, or its values can't be counted.
    """
    if name in NAMES and NAMES[name].name not in FACET_FIELDS:
        message = f"{name} has a value of its own in nearly every experiment; choose another field"
        raise BadQuery(Problem("", "not_countable", message, name))
    return find_field(name, among=FACET_FIELDS)


def read(
    tx: Connection,
    query: ExperimentQuery,
    fields: Sequence[Field],
    *,
    limit: int = 20,
    prefix: str = "",
    newest: int | None = None,
) -> Facets:
    """The facets of a query, in one pass over its matches.

    An experiment counts once for each different value of its runs, tags or sweeps.

    Args:
        tx: An open transaction.
        query: The query.
        fields: The fields, each among :data:`FACET_FIELDS`.
        limit: The most values of each.
        prefix: Only text that starts with this, ignoring the case of ASCII letters.
        newest: Count only this many of the newest matches; by default all.
    """
    matches = _matches(tx, query, fields, now(tx), newest)
    combinations = _combinations(matches)
    statement = union_all(
        _total(combinations),
        *(
            _top(i, field, _counts(matches, combinations, i, field), limit, prefix)
            for i, field in enumerate(fields)
        ),
    )
    total, found = 0, [_Found() for _ in fields]
    for index, text, real, whole, count, different in tx.execute(statement):
        if index < 0:
            total = count
            continue
        value = next((v for v in (text, real, whole) if v is not None), None)
        if value is None:
            found[index].missing = count
        else:
            found[index].distinct = different
            counted = bool(value) if fields[index].kind is Kind.FLAG else value
            found[index].values.append(Counted(counted, count))
    facets = (f.facet(field, limit) for f, field in zip(found, fields, strict=True))
    return Facets(total, tuple(facets))


class _Found:
    """A facet as its rows are read."""

    def __init__(self) -> None:
        self.values: list[Counted] = []
        self.distinct = self.missing = 0

    def facet(self, field: Field, limit: int) -> Facet:
        ordered = sorted(self.values, key=lambda counted: (-counted.count, counted.value))
        return Facet(field, tuple(ordered[:limit]), self.distinct, self.missing)


def _matches(
    tx: Connection, query: ExperimentQuery, fields: Sequence[Field], at: float, newest: int | None
) -> CTE:
    """The matches, with the values of the fields that have one per experiment."""
    statement, c = pages.select_matching(tx, query, at)
    values = [
        Key(field, descending=False).expression.label(f"value_{i}")
        for i, field in enumerate(fields)
        if field.scope is Scope.EXPERIMENT
    ]
    if newest is not None:
        statement = statement.order_by(c.created.desc(), c.id.desc()).limit(newest)
    matches = statement.with_only_columns(c.id.label("id"), *values)
    # SQLite would otherwise look up each match in the index of a field rather than scan one index
    return matches.cte("matches").prefix_with("MATERIALIZED")


def _combinations(matches: CTE) -> CTE:
    """The numbers of matches with equal values at all fields, far fewer rows than matches."""
    values = [column for column in matches.c if column.name != "id"]
    counts = select(*values, func.count().label("count")).group_by(*values)
    return counts.cte("combinations").prefix_with("MATERIALIZED")


def _total(combinations: CTE) -> Select[Any]:
    """One row with the index -1 and the number of matches."""
    total = _whole(func.coalesce(func.sum(combinations.c["count"]), 0))
    empty = [cast(null(), type_) for type_ in _VALUE_TYPES]
    return select(literal(-1), *empty, total, _whole(literal(0)))


def _counts(matches: CTE, combinations: CTE, index: int, field: Field) -> Select[Any]:
    """The values of a field, each with the number of matches that have it."""
    if field.scope is Scope.EXPERIMENT:
        value: Expression = combinations.c[f"value_{index}"]
        value = bytewise(value) if field.kind is Kind.TEXT else value
        count = _whole(func.sum(combinations.c["count"]))
        source: FromClause = combinations
    else:
        value = Key(field, descending=False).expression
        table = SCOPE_TABLES[field.scope]
        # only tags have one row per experiment and value
        count = func.count() if field.scope is Scope.TAG else func.count(distinct(matches.c.id))
        source = matches.outerjoin(table, table.c.experiment_id == matches.c.id)
    return select(value.label("value"), count.label("count")).select_from(source).group_by(value)


def _top(index: int, field: Field, counts: Select[Any], limit: int, prefix: str) -> Select[Any]:
    """Rows of one facet: index, value as text, real or integer, count, number of values.

    The row without a value counts the matches that have none.
    """
    if prefix and field.kind is Kind.TEXT:
        value = counts.selected_columns.value
        counts = counts.where(value.istartswith(prefix, autoescape=True))
    c = counts.subquery().c
    own_type = type(Key(field, descending=False).type)
    values = [c.value if type_ is own_type else cast(null(), type_) for type_ in _VALUE_TYPES]
    rows = select(
        literal(index).label("index"),
        *(value.label(f"as_{i}") for i, value in enumerate(values)),
        c["count"],
        func.count(c.value).over().label("distinct"),
    )
    missing_first = (c.value.is_not(None), c["count"].desc(), c.value)
    return select(rows.order_by(*missing_first).limit(limit + 1).subquery())


def _whole(number: Expression) -> Expression:
    return cast(number, BigInteger)  # a sum is a decimal on PostgreSQL
