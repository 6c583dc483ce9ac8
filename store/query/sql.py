"""The compiler from a typed tree to SQL, with the same result on SQLite and PostgreSQL.

Constants become bound parameters; runs, tags and sweeps become correlated subqueries. Outside a
``not``, NULL is as good as false and lets the database use an index; inside one, conditions are
made exact.
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

from store.db.indexed_fields import INDEXED_FIELDS, column_name
from store.db.tables import experiments, runs, sweep_members, tags
from store.query.ast import (
    Aggregate,
    Ago,
    AllRuns,
    And,
    At,
    Comparison,
    Constant,
    Contains,
    Count,
    Exists,
    IsNonFinite,
    Missing,
    Node,
    NonFinite,
    Not,
    OneOf,
    Op,
    Or,
    Term,
)
from store.query.collation import bytewise
from store.query.fields import FIELDS, Field, Kind, Scope
from store.query.statistics import Condition, Expression, aggregate, non_finite_word, of_experiment
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
        "progress.of": experiments.c.of,
        "seeds": func.json_array_length(experiments.c.spec["seeds"]),
        "created": experiments.c.created_at,
        "started": experiments.c.started_at,
        "finished": experiments.c.finished_at,
        "tag": tags.c.tag,
        "sweep": sweep_members.c.sweep_id,
        **{name: runs.c[name] for name, field in FIELDS.items() if field.scope is Scope.RUN},
    }
)
"""The columns of fields that are not columns of experiments by the same name."""

SCOPE_TABLES: Mapping[Scope, Any] = MappingProxyType(
    {Scope.RUN: runs, Scope.TAG: tags, Scope.SWEEP: sweep_members}
)
"""The tables with a row for each run, tag or sweep of an experiment."""


def condition(node: Node, now: float) -> Condition:
    """The condition on a row of ``experiments``; times such as "-7d" count back from ``now``."""
    return _Compiler(now).condition(node, exact=False)


def value(term: Field | Aggregate | Count, now: float = 0.0) -> Expression:
    """An experiment's value at a field, a statistic or a count; NULL if missing or non-finite."""
    return _Compiler(now).value(term)


class _Compiler:
    def __init__(self, now: float) -> None:
        self._now = now

    def condition(self, node: Node, *, exact: bool) -> Condition:
        """The condition; if ``exact``, it is never NULL."""
        match node:
            case And(parts):
                return and_(true(), *(self.condition(part, exact=exact) for part in parts))
            case Or(parts):
                return or_(false(), *(self.condition(part, exact=exact) for part in parts))
            case Not(part):
                return ~self.condition(part, exact=True)
            case Exists(scope, inner):
                return self._exists(scope, self.condition(inner, exact=False))
            case AllRuns(inner):
                violated = self._exists(Scope.RUN, ~self.condition(inner, exact=True))
                return and_(self._exists(Scope.RUN, true()), ~violated)
            case Missing(term):
                return self._missing(term)
            case IsNonFinite(field, kind):
                return _is_non_finite(field, kind)
            case _:
                leaf = self._leaf(node)
                return func.coalesce(leaf, false()) if exact else leaf

    def value(self, term: Term) -> Expression:
        """The SQL expression of a term."""
        match term:
            case Field():
                return _column(term)
            case Aggregate():
                return aggregate(term)
            case Count(inner):
                count = select(func.count()).select_from(runs).where(of_experiment(runs))
                if inner is not None:
                    count = count.where(self.condition(inner, exact=False))
                return count.correlate(experiments).scalar_subquery()
            case _:
                return self._constant(term)

    def _leaf(self, node: Comparison | Contains | OneOf) -> Condition:
        match node:
            case Comparison(left, op, right):
                leaf: Condition = _OPERATORS[op](self.value(left), self.value(right))
            case Contains(field, text):
                leaf = bytewise(_column(field)).icontains(text, autoescape=True)
            case OneOf(term, constants):
                leaf = self.value(term).in_([self._constant(constant) for constant in constants])
        return leaf

    def _exists(self, scope: Scope, inner: Condition) -> Condition:
        table = SCOPE_TABLES[scope]
        rows = select(1).select_from(table).where(of_experiment(table), inner)
        return exists(rows.correlate(experiments))

    def _missing(self, term: Term) -> Condition:
        is_null = self.value(term).is_(None)
        if isinstance(term, Field) and term.is_metric:
            return and_(is_null, non_finite_word(term).is_(None))
        return is_null

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
    if field.name in INDEXED_FIELDS:
        return experiments.c[column_name(field.name)]
    element = experiments.c.spec[field.path]
    match field.kind:
        case Kind.FLAG:
            return element.as_boolean()
        case Kind.REAL:
            return element.as_float()
        case Kind.WHOLE:
            return cast(element.as_string(), BigInteger)
        case _:
            return element.as_string()


def _is_non_finite(field: Field, kind: NonFinite) -> Condition:
    words = ["NaN"] if kind is NonFinite.NAN else ["Infinity", "-Infinity"]
    return func.coalesce(non_finite_word(field).in_(words), false())
