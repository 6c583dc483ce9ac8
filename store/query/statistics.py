"""Statistics over the runs of an experiment, as SQL that has the same answer on SQLite and PostgreSQL.

A diverged run counts as +∞. A statistic is NULL where there are no runs, where it is infinite, and where a number is
NaN or missing.
"""

from typing import Any

from sqlalchemy import ColumnElement, Double, FromClause, and_, case, cast, func, literal, or_, select

from core.result import Outcome
from store.query.fields import Field
from store.query.tree import Over, Statistic
from store.tables import experiments, runs

Condition = ColumnElement[bool]
Expression = ColumnElement[Any]

LARGEST = 1e300
"""Numbers beyond count as infinite, so that no sum of them overflows."""

SMALLEST = 1e-300
"""A sum of two that is smaller isn't halved: PostgreSQL refuses what underflows."""


def own(table: FromClause) -> Condition:
    """What ties a row to its experiment, in a query on experiments."""
    return table.c.experiment_id == experiments.c.id


def word(field: Field) -> Expression:
    """The word that a run's metric travels as where it is not finite."""
    return runs.c.non_finite[field.name].as_string()


def statistic(term: Over) -> Expression:
    """A statistic of a metric over the runs of the experiment that a row of ``experiments`` is.

    Every run has a rank, -1, 0 or 1 as it is -∞, finite or +∞, and what is NaN or missing none.
    """
    number, text = runs.c[term.field.name], word(term.field)
    rank = case(
        (or_(runs.c.outcome == Outcome.DIVERGED, number >= LARGEST), 1),
        (number <= -LARGEST, -1),
        (number.is_not(None), 0),
        (text == "Infinity", 1),
        (text == "-Infinity", -1),
        else_=None,
    )
    ranked = select(rank.label("rank"), case((rank == 0, number), else_=None).label("number"))
    of_one = ranked.where(own(runs)).correlate(experiments).subquery()
    known = func.count() == func.count(of_one.c.rank)
    lowest, highest = func.min(of_one.c.number), func.max(of_one.c.number)
    finite = and_(func.min(of_one.c.rank) == 0, func.max(of_one.c.rank) == 0)
    match term.statistic:
        case Statistic.MIN:
            found = case((and_(known, func.min(of_one.c.rank) == 0), lowest), else_=None)
        case Statistic.MAX:
            found = case((and_(known, func.max(of_one.c.rank) == 0), highest), else_=None)
        case Statistic.MEAN:
            found = case((and_(known, finite), func.sum(of_one.c.number) / cast(func.count(), Double)), else_=None)
        case Statistic.MEDIAN:
            return _median(of_one)
    return select(found).select_from(of_one).scalar_subquery()


def _median(of_one: Any) -> Expression:
    """The number in the middle, or the mean of the two that are."""
    place = func.row_number().over(order_by=[of_one.c.rank, of_one.c.number])
    placed = select(
        of_one.c.rank,
        of_one.c.number,
        place.label("place"),
        func.count().over().label("count"),
        func.count(of_one.c.rank).over().label("known"),
    ).subquery()
    c = placed.c
    low, high = func.min(c.number), func.max(c.number)
    half = case((func.abs(low + high) < SMALLEST, low), else_=(low + high) * literal(0.5, Double))
    found = case(
        (or_(func.min(c.rank) != 0, func.max(c.rank) != 0, func.min(c.known) < func.min(c.count)), None),
        (low == high, low),
        else_=half,
    )
    middle = or_(2 * c.place == c.count, 2 * c.place == c.count + 1, 2 * c.place == c.count + 2)
    return select(found).select_from(placed).where(middle).scalar_subquery()
