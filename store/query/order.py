"""The order of a result: several keys, each ascending or descending.

Missing and non-finite values come last in either direction. Experiments with equal keys are in the
order of their submission. An id, which says nothing of time, is the last key, so that no two share
a position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    String,
    and_,
    case,
    false,
    literal,
    or_,
    tuple_,
)
from sqlalchemy.types import TypeEngine

from core.errors import Problem
from core.result import METRICS
from store.db.tables import experiments
from store.query.ast import Aggregate, Count
from store.query.collation import bytewise
from store.query.errors import BadQuery
from store.query.fields import EXPERIMENT_FIELDS, FIELDS, Field, Kind
from store.query.names import with_columns
from store.query.parser import Term, parse_term
from store.query.sql import value
from store.query.statistics import Condition, Expression

NEWEST_FIRST = "-created"
_SUBMISSION = FIELDS["created"]
MAX_KEYS = 8

KeyValue = float | int | str | None
"""An experiment's value at one key of an order."""

_OPTIONAL_FIELDS = frozenset(
    {
        "failure",
        "failure_message",
        "max_seconds",
        "max_memory_mb",
        "step",
        "progress.of",
        "steps_per_second",
        "eta_seconds",
        "not_before",
        "started",
        "finished",
    }
)
"""Record fields that an experiment may lack; it may lack any field of the spec."""


@dataclass(frozen=True)
class Key:
    """One key of an order."""

    term: Term
    descending: bool

    @property
    def name(self) -> str:
        """The name of what the key orders by."""
        if isinstance(self.term, Count):
            return "count(...)"
        return self.term.field.name if isinstance(self.term, Aggregate) else self.term.name

    @property
    def is_required(self) -> bool:
        """Whether every experiment has a value at the key."""
        if isinstance(self.term, Field):
            return not self.term.path and self.term.name not in _OPTIONAL_FIELDS
        return isinstance(self.term, Count)

    @property
    def kind(self) -> Kind:
        """The type of its values."""
        if isinstance(self.term, Field):
            return self.term.kind
        return Kind.WHOLE if isinstance(self.term, Count) else Kind.REAL

    @property
    def expression(self) -> Expression:
        """The value in SQL; false sorts before true."""
        expression = value(self.term)
        match self.kind:
            case Kind.TEXT:
                return bytewise(expression)
            case Kind.FLAG:
                return case((expression, 1), (~expression, 0), else_=None)
            case _:
                return expression

    @property
    def type(self) -> TypeEngine[float] | TypeEngine[int] | TypeEngine[str]:
        """The SQL type of its values as bound parameters."""
        match self.kind:
            case Kind.TEXT:
                return String()
            case Kind.WHOLE | Kind.FLAG:
                return BigInteger()
            case _:
                return Double()

    def accepts(self, key_value: object) -> bool:
        """Whether a value from a cursor can be a value at this key."""
        if key_value is None:
            return not self.is_required
        match self.kind:
            case Kind.TEXT:
                return isinstance(key_value, str) and "\0" not in key_value
            case Kind.WHOLE | Kind.FLAG:
                return type(key_value) is int and -(2**63) <= key_value < 2**63
            case _:
                return type(key_value) is float


@dataclass(frozen=True)
class OrderColumns:
    """The columns that an order reads from.

    A query by tag reads id and time from the tag's rows, so that its newest experiments are one
    range of an index.

    Attributes:
        id: The experiment's id.
        created: The time of its submission.
        statistics: Counts, and statistics computed for all experiments at once, which is fifty
            times as fast as one by one.
    """

    id: Expression = experiments.c.id
    created: Expression = experiments.c.created_at
    statistics: Mapping[Term, Expression] = field(default_factory=dict)

    def value(self, key: Key) -> Expression:
        """An experiment's value at a key."""
        if not isinstance(key.term, Field):
            return self.statistics[key.term]
        return self.created if key.term.name == "created" else key.expression


def parse(text: str) -> tuple[Key, ...]:
    """The keys of an order such as ``-created,name``; a metric is ordered by its median over seeds.

    The time of submission is added as the last key.

    Raises:
        BadQuery: A name can't be ordered by, or is repeated.
    """
    keys = tuple(_parse_key(name, column) for name, column in with_columns(text))
    if len(keys) > MAX_KEYS:
        message = f"should have at most {MAX_KEYS} keys, and has {len(keys)}"
        raise BadQuery(Problem("", "too_many", message))
    terms = [key.term for key in keys]
    for key in keys:
        if terms.count(key.term) > 1:
            raise BadQuery(Problem("", "repeated", f"{key.name} should be named once"))
    if _SUBMISSION in terms:
        return keys
    return *keys, Key(_SUBMISSION, keys[0].descending)


def order_by(
    keys: Sequence[Key], values: Sequence[Expression], columns: OrderColumns
) -> list[ColumnElement[object]]:
    """The clauses of ORDER BY, for the experiments' ``values`` at the keys."""
    clauses: list[ColumnElement[object]] = []
    for key, expression in zip(keys, values, strict=True):
        clause = expression.desc() if key.descending else expression.asc()
        clauses.append(clause if key.is_required else clause.nulls_last())
    return [*clauses, columns.id.desc() if keys[0].descending else columns.id.asc()]


def after(
    keys: Sequence[Key], values: Sequence[KeyValue], experiment_id: str, columns: OrderColumns
) -> Condition:
    """The condition for experiments that come after the one with these values and id."""
    descending = keys[0].descending
    last_id = literal(experiment_id, String)
    if all(key.is_required and key.descending == descending for key in keys):
        # one comparison of tuples is one range of an index
        bounds = [literal(v, key.type) for key, v in zip(keys, values, strict=True)]
        left = tuple_(*map(columns.value, keys), columns.id)
        right = tuple_(*bounds, last_id)
        return left < right if descending else left > right
    alternatives: list[Condition] = []
    equal: list[Condition] = []
    for key, key_value in zip(keys, values, strict=True):
        expression = columns.value(key)
        alternatives.append(and_(*equal, _beyond(key, key_value, expression)))
        equal.append(
            expression.is_(None)
            if key_value is None
            else expression == literal(key_value, key.type)
        )
    id_after = columns.id < last_id if descending else columns.id > last_id
    return or_(*alternatives, and_(*equal, id_after))


def _beyond(key: Key, key_value: KeyValue, expression: Expression) -> Condition:
    """The condition that an experiment's value at the key comes strictly after this one."""
    if key_value is None:  # missing values are last
        return false()
    bound = literal(key_value, key.type)
    beyond: Condition = expression < bound if key.descending else expression > bound
    return beyond if key.is_required else or_(beyond, expression.is_(None))


def _parse_key(text: str, column: int) -> Key:
    sign = text[:1] if text[:1] in {"+", "-"} else ""
    term = parse_term(text[len(sign) :], column + len(sign), [*EXPERIMENT_FIELDS, *METRICS])
    return Key(term, descending=sign == "-")
