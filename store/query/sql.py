"""From the typed tree to SQL, the same on SQLite and PostgreSQL: bound values, correlated subqueries, no text.

Where nothing is negated, SQL's "unknown" is as good as false, and an index can be used; below a
``not`` it is made false.
"""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from store.db.indexed_fields import USUAL, name_of
from store.db.tables import experiments, runs, sweep_members, tags
from store.query.ast import (
    Ago,
    And,
    At,
    Comparison,
    Constant,
    Contains,
    Count,
    Every,
    Missing,
    Node,
    Not,
    NotFinite,
    Odd,
    OneOf,
    Op,
    Or,
    Over,
    Some,
    Term,
)
from store.query.fields import FIELDS, Field, Kind, Scope
from store.query.statistics import Condition, Expression, own, statistic, word
from store.query.text import plain
from store.records import ELSEWHERE, Source

_OPERATORS: Mapping[Op, Callable[[Any, Any], Any]] = MappingProxyType(
    {Op.EQUAL: eq, Op.UNEQUAL: ne, Op.LESS: lt, Op.AT_MOST: le, Op.MORE: gt, Op.AT_LEAST: ge}
)
_COLUMNS: Mapping[str, Expression] = MappingProxyType(
    {
        "failure": experiments.c.failure_kind,
        "source": case(
            (experiments.c.device == ELSEWHERE, Source.IMPORT.value), else_=Source.LAB.value
        ),
        "attempts": experiments.c.attempt,
        "seeds": func.json_array_length(experiments.c.spec["seeds"]),
        "created": experiments.c.created_at,
        "started": experiments.c.started_at,
        "finished": experiments.c.finished_at,
        "tag": tags.c.tag,
        "sweep": sweep_members.c.sweep_id,
        **{name: runs.c[name] for name, field in FIELDS.items() if field.scope is Scope.RUN},
    }
)
"""Fields that aren't called as their column is."""

_TABLES: Mapping[Scope, Any] = MappingProxyType(
    {Scope.RUN: runs, Scope.TAG: tags, Scope.SWEEP: sweep_members}
)


def condition(node: Node, now: float) -> Condition:
    """The condition that a row of ``experiments`` fulfils; ``now`` is the time that "-7d" is before."""
    return _Compiler(now).condition(node, exact=False)


def value(term: Field | Over, now: float = 0.0) -> Expression:
    """What an experiment has at a field of its own, or as a statistic; NULL where it is missing or not finite."""
    return _Compiler(now).value(term)


class _Compiler:
    def __init__(self, now: float) -> None:
        self._now = now

    def condition(self, node: Node, *, exact: bool) -> Condition:  # noqa: PLR0911  # one for each kind of node
        """The condition; an ``exact`` one is never unknown."""
        match node:
            case And(parts):
                return and_(true(), *(self.condition(part, exact=exact) for part in parts))
            case Or(parts):
                return or_(false(), *(self.condition(part, exact=exact) for part in parts))
            case Not(part):
                return ~self.condition(part, exact=True)
            case Some(scope, inner):
                return self._exists(scope, self.condition(inner, exact=False))
            case Every(inner):
                broken = self._exists(Scope.RUN, ~self.condition(inner, exact=True))
                return and_(self._exists(Scope.RUN, true()), ~broken)
            case Missing(term):
                return self._missing(term)
            case NotFinite(field, odd):
                return _not_finite(field, odd)
            case _:
                found = self._leaf(node)
                return func.coalesce(found, false()) if exact else found

    def value(self, term: Term) -> Expression:
        """The expression of a term."""
        match term:
            case Field():
                return _column(term)
            case Over():
                return statistic(term)
            case Count(None):
                return (
                    select(func.count()).where(own(runs)).correlate(experiments).scalar_subquery()
                )
            case Count(inner):
                assert inner is not None  # noqa: S101  # the case above
                fulfilled = self.condition(inner, exact=False)
                counted = select(func.count()).where(own(runs), fulfilled)
                return counted.select_from(runs).correlate(experiments).scalar_subquery()
            case _:
                return self._constant(term)

    def _leaf(self, node: Comparison | Contains | OneOf) -> Condition:
        match node:
            case Comparison(left, op, right):
                found: Condition = _OPERATORS[op](self.value(left), self.value(right))
            case Contains(field, text):
                found = plain(_column(field)).icontains(text, autoescape=True)
            case OneOf(term, constants):
                found = self.value(term).in_([self._constant(constant) for constant in constants])
        return found

    def _exists(self, scope: Scope, inner: Condition) -> Condition:
        table = _TABLES[scope]
        return exists(select(1).select_from(table).where(own(table), inner).correlate(experiments))

    def _missing(self, term: Term) -> Condition:
        absent = self.value(term).is_(None)
        if isinstance(term, Field) and term.is_metric:
            return and_(absent, word(term).is_(None))
        return absent

    def _constant(self, constant: Constant) -> Expression:
        match constant:
            case Ago(seconds):
                return literal(self._now - seconds, Double)
            case At(seconds):
                return literal(seconds, Double)
            case bool():
                return literal(constant)
            case int():
                return literal(constant, BigInteger)
            case float():
                return literal(constant, Double)
            case str():
                return literal(constant, String)


def _column(field: Field) -> Expression:
    if not field.path:
        return _COLUMNS[field.name] if field.name in _COLUMNS else experiments.c[field.name]
    if field.name in USUAL:
        return experiments.c[name_of(field.name)]
    inner = experiments.c.spec[field.path]
    match field.kind:
        case Kind.FLAG:
            return inner.as_boolean()
        case Kind.REAL:
            return inner.as_float()
        case Kind.WHOLE:
            return cast(inner.as_string(), BigInteger)
        case _:
            return inner.as_string()


def _not_finite(field: Field, odd: Odd) -> Condition:
    words = ["NaN"] if odd is Odd.NAN else ["Infinity", "-Infinity"]
    return func.coalesce(word(field).in_(words), false())
