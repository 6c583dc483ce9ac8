"""Statistics over the runs of an experiment, as SQL that has the same answer on SQLite and PostgreSQL.

A diverged run counts as +∞. A statistic is NULL where there are no runs, where it is infinite, and
where a number is NaN or missing.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    FromClause,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)

from core.result import OF_THE_TEACHER, Outcome
from core.statistics import LARGEST
from store.db.tables import experiments, runs
from store.query.ast import Over, Statistic
from store.query.fields import Field

Condition = ColumnElement[bool]
Expression = ColumnElement[Any]

SMALLEST = 5e-324
"""The smallest positive number. PostgreSQL refuses to round half of it to zero."""


def own(table: FromClause) -> Condition:
    """What ties a row to its experiment, in a query on experiments."""
    return table.c.experiment_id == experiments.c.id


def word(field: Field) -> Expression:
    """The word that a run's metric travels as where it is not finite."""
    return runs.c.non_finite[field.name].as_string()


def statistic(term: Over) -> Expression:
    """A statistic of a metric over the runs of the experiment that a row of ``experiments`` is."""
    ranked = _ranked(term.field).where(own(runs)).correlate(experiments).subquery()
    return select(_values(term.statistic, ranked).c.value).scalar_subquery()


def of_each(term: Over, ids: Select[str]) -> FromClause:
    """The same of each of many experiments that has runs, as a table: ``experiment_id``, ``value``."""
    ranked = _ranked(term.field).where(runs.c.experiment_id.in_(ids)).subquery()
    return _values(term.statistic, ranked)


def _ranked(field: Field) -> Select[Any]:
    """Runs with a rank, -1, 0 or 1 as the number is -∞, finite or +∞, and none where it is NaN or missing."""
    number, text = runs.c[field.name], word(field)
    exploded = false() if field.name in OF_THE_TEACHER else runs.c.outcome == Outcome.DIVERGED
    rank = case(
        (or_(exploded, number >= LARGEST), 1),
        (number <= -LARGEST, -1),
        (number.is_not(None), 0),
        (text == "Infinity", 1),
        (text == "-Infinity", -1),
        else_=None,
    )
    return select(
        runs.c.experiment_id,
        rank.label("rank"),
        case((rank == 0, number), else_=None).label("number"),
    )


def _values(chosen: Statistic, ranked: FromClause) -> FromClause:
    c = ranked.c
    known = func.count() == func.count(c.rank)
    lowest, highest = func.min(c.number), func.max(c.number)
    finite = and_(func.min(c.rank) == 0, func.max(c.rank) == 0)
    match chosen:
        case Statistic.MIN:
            found = case((and_(known, func.min(c.rank) == 0), lowest), else_=None)
        case Statistic.MAX:
            found = case((and_(known, func.max(c.rank) == 0), highest), else_=None)
        case Statistic.MEAN:
            mean = _divided(func.sum(c.number), cast(func.count(), Double))
            found = case((and_(known, finite), mean), else_=None)
        case Statistic.MEDIAN:
            return _medians(ranked)
    return select(c.experiment_id, found.label("value")).group_by(c.experiment_id).subquery()


def _divided(total: Expression, count: Expression) -> Expression:
    """A mean of ``count`` numbers; 0 if the division would underflow."""
    return case((func.abs(total) <= SMALLEST * count, 0.0), else_=total / count)


def _medians(ranked: FromClause) -> FromClause:
    """The number in the middle, or the mean of the two that are."""
    one = ranked.c.experiment_id
    place = func.row_number().over(partition_by=one, order_by=[ranked.c.rank, ranked.c.number])
    placed = select(
        ranked,
        place.label("place"),
        func.count().over(partition_by=one).label("count"),
        func.count(ranked.c.rank).over(partition_by=one).label("known"),
    ).subquery()
    c = placed.c
    low, high = func.min(c.number), func.max(c.number)
    half = _divided(low + high, literal(2.0, Double))
    found = case(
        (
            or_(
                func.min(c.rank) != 0, func.max(c.rank) != 0, func.min(c.known) < func.min(c.count)
            ),
            None,
        ),
        (low == high, low),
        else_=half,
    )
    middle = or_(2 * c.place == c.count, 2 * c.place == c.count + 1, 2 * c.place == c.count + 2)
    return (
        select(c.experiment_id, found.label("value"))
        .where(middle)
        .group_by(c.experiment_id)
        .subquery()
    )
