"""The order of an answer: several keys, each up or down; what is missing or not finite comes last either way.

Experiments that are equal in all keys are in the order of their ids, so that no two have the same
place.
"""

import re
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
from store.db.tables import experiments
from store.query.ast import Over, Statistic
from store.query.errors import BadQuery, named
from store.query.fields import FIELDS, Field, Kind, Scope
from store.query.names import with_columns
from store.query.sql import value
from store.query.statistics import Condition, Expression
from store.query.text import plain

NEWEST_FIRST = "-created"
MOST_KEYS = 8

Place = tuple[float | int | str | None, ...]
"""Where an experiment is in an order: its value at each key."""

_KEY = re.compile(r"(?P<sign>[+-]?)(?P<name>[\w.]+)(?:\((?P<metric>[\w.]+)\))?")
_MAY_BE_MISSING = frozenset({"failure", "step", "started", "finished"})
"""What an experiment may be without; so it may be without any field of its spec."""


@dataclass(frozen=True)
class Key:
    """One key of an order."""

    term: Field | Over
    descending: bool

    @property
    def always(self) -> bool:
        """Whether every experiment has a value there."""
        return (
            isinstance(self.term, Field)
            and not self.term.path
            and self.term.name not in _MAY_BE_MISSING
        )

    @property
    def kind(self) -> Kind:
        """What its values are."""
        return Kind.REAL if isinstance(self.term, Over) else self.term.kind

    @property
    def expression(self) -> Expression:
        """The value as SQL; what is true comes after what is false."""
        found = value(self.term)
        match self.kind:
            case Kind.TEXT:
                return plain(found)
            case Kind.FLAG:
                return case((found, 1), (~found, 0), else_=None)
            case _:
                return found

    @property
    def type(self) -> TypeEngine[float] | TypeEngine[int] | TypeEngine[str]:
        """What a value is bound as."""
        match self.kind:
            case Kind.TEXT:
                return String()
            case Kind.WHOLE | Kind.FLAG:
                return BigInteger()
            case _:
                return Double()

    def fits(self, given: object) -> bool:
        """Whether a value from a cursor can be one of this key's."""
        match self.kind:
            case Kind.TEXT:
                sound = isinstance(given, str) and "\0" not in given
            case Kind.WHOLE | Kind.FLAG:
                sound = type(given) is int and -(2**63) <= given < 2**63
            case _:
                sound = type(given) is float
        return sound or (given is None and not self.always)


@dataclass(frozen=True)
class Own:
    """Where an experiment's id and time are read: of a tag's rows, so that its newest are one range of an index.

    And where its statistics are, which are computed of all experiments at once: one by one takes
    fifty times as long.
    """

    id: Expression = experiments.c.id
    created: Expression = experiments.c.created_at
    statistics: Mapping[Over, Expression] = field(default_factory=dict)

    def value(self, key: Key) -> Expression:
        """An experiment's value at a key."""
        if isinstance(key.term, Over):
            return self.statistics[key.term]
        return self.created if key.term.name == "created" else key.expression


def parse(text: str) -> tuple[Key, ...]:
    """The keys of an order, such as ``-created,name``; a metric is sorted by its median over seeds.

    Raises:
        BadQuery: It names something else, or something twice.
    """
    keys = [_key(name, column) for name, column in with_columns(text)]
    terms = [key.term for key in keys]
    if len(keys) > MOST_KEYS:
        raise BadQuery(
            Problem("", "too_many", f"should have at most {MOST_KEYS} keys, and has {len(keys)}")
        )
    if repeated := next((term for term in terms if terms.count(term) > 1), None):
        name = repeated.field.name if isinstance(repeated, Over) else repeated.name
        raise BadQuery(Problem("", "repeated", f"{name} should be named once"))
    return tuple(keys)


def ordering(
    keys: Sequence[Key], values: Sequence[Expression], own: Own
) -> list[ColumnElement[object]]:
    """The clauses of ORDER BY, where an experiment has ``values`` at the keys."""
    clauses: list[ColumnElement[object]] = []
    for key, found in zip(keys, values, strict=True):
        clause = found.desc() if key.descending else found.asc()
        clauses.append(clause if key.always else clause.nulls_last())
    return [*clauses, own.id.desc() if keys[0].descending else own.id.asc()]


def behind(keys: Sequence[Key], place: Place, experiment_id: str, own: Own) -> Condition:
    """The condition of what comes after the given place."""
    last = literal(experiment_id, String)
    if all(
        key.always and key.descending == keys[0].descending for key in keys
    ):  # one range of an index
        here = tuple_(*map(own.value, keys), own.id)
        there = tuple_(*(literal(v, key.type) for key, v in zip(keys, place, strict=True)), last)
        return here < there if keys[0].descending else here > there
    alternatives: list[Condition] = []
    equal: list[Condition] = []
    for key, at in zip(keys, place, strict=True):
        alternatives.append(and_(*equal, _beyond(key, at, own)))
        equal.append(
            own.value(key).is_(None) if at is None else own.value(key) == literal(at, key.type)
        )
    return or_(*alternatives, and_(*equal, own.id < last if keys[0].descending else own.id > last))


def _beyond(key: Key, at: float | int | str | None, own: Own) -> Condition:
    if at is None:  # the missing are the last
        return false()
    there = literal(at, key.type)
    beyond: Condition = own.value(key) < there if key.descending else own.value(key) > there
    return beyond if key.always else or_(beyond, own.value(key).is_(None))


def _key(text: str, column: int) -> Key:
    match = _KEY.fullmatch(text)
    if match is None:
        message = f"column {column}: expected a field or statistic, such as -created or median(train_loss)"
        raise BadQuery(Problem("", "not_understood", message, ascii(text[:40]), column=column))
    descending, name = match["sign"] == "-", match["name"]
    column += len(match["sign"])
    metrics = [field.name for field in FIELDS.values() if field.is_metric]
    if match["metric"] is not None:
        if name not in set(Statistic):
            message = f"column {column}: expected one of {', '.join(Statistic)} before '('"
            raise BadQuery(Problem("", "not_understood", message, ascii(name), column=column))
        return Key(
            Over(Statistic(name), named(match["metric"], column + len(name) + 1, metrics)),
            descending,
        )
    single = [field.name for field in FIELDS.values() if field.scope is Scope.EXPERIMENT]
    field = named(name, column, [*single, *metrics])
    return Key(Over(Statistic.MEDIAN, field) if field.is_metric else field, descending)
