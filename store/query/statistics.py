"""Statistics over the runs of an experiment in SQL, with the same result on SQLite and PostgreSQL.

Medians are stored with the runs; others are computed when asked for. A diverged run counts as +∞. A
statistic is NULL if it has no runs, is infinite, or covers a NaN or missing number.
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
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from core.result import TEACHER_METRICS, Outcome
from core.statistics import LARGEST
from store.db.tables import experiments, medians, runs
from store.query.ast import Aggregate, Statistic
from store.query.fields import Field

Condition = ColumnElement[bool]
Expression = ColumnElement[Any]

SMALLEST = 5e-324
"""The smallest positive number; PostgreSQL raises an error on underflow."""


class sum_by_seed(FunctionElement[float]):  # noqa: N801  # reads as a SQL function
    """The sum of numbers, added up in the order of their seeds, so that it is always the same.

    SQLite reads an experiment's runs in this order, by their primary key.
    """

    inherit_cache = True
    type = Double()

    def __init__(self, number: ColumnElement[Any], seed: ColumnElement[Any]) -> None:
        super().__init__(number, seed)


@compiles(sum_by_seed)
def _compile(element: sum_by_seed, compiler: SQLCompiler, **options: Any) -> str:
    number, _ = element.clauses
    return f"sum({compiler.process(number, **options)})"


@compiles(sum_by_seed, "postgresql")
def _compile_for_postgresql(element: sum_by_seed, compiler: SQLCompiler, **options: Any) -> str:
    number, seed = (compiler.process(part, **options) for part in element.clauses)
    return f"sum({number} ORDER BY {seed})"


def of_experiment(table: FromClause) -> Condition:
    """The condition that joins a row to its experiment, in a query on experiments."""
    return table.c.experiment_id == experiments.c.id


def non_finite_word(field: Field) -> Expression:
    """The JSON word for a run's metric if it is not finite, such as "NaN"; otherwise NULL."""
    return runs.c.non_finite[field.name].as_string()


def aggregate(term: Aggregate) -> Expression:
    """A statistic of a metric over the runs of the current row of ``experiments``."""
    if term.statistic is Statistic.MEDIAN:
        stored = select(medians.c[term.field.name]).where(of_experiment(medians))
        return stored.correlate(experiments).scalar_subquery()
    ranked = _ranked(term.field).where(of_experiment(runs)).correlate(experiments).subquery()
    return select(_values(term.statistic, ranked).c.value).scalar_subquery()


def per_experiment(term: Aggregate, ids: Select[str]) -> FromClause:
    """The statistic for each experiment that has runs: columns ``experiment_id`` and ``value``."""
    if term.statistic is Statistic.MEDIAN:
        c = medians.c
        return select(c.experiment_id, c[term.field.name].label("value")).subquery()
    ranked = _ranked(term.field).where(runs.c.experiment_id.in_(ids)).subquery()
    return _values(term.statistic, ranked)


def _ranked(field: Field) -> Select[Any]:
    """Runs with a rank: -1, 0 or 1 for -∞, finite or +∞, and NULL for NaN or missing."""
    number, word = runs.c[field.name], non_finite_word(field)
    diverged = runs.c.outcome == Outcome.DIVERGED
    counts_as_infinite = false() if field.name in TEACHER_METRICS else diverged
    rank = case(
        (or_(counts_as_infinite, number >= LARGEST), 1),
        (number <= -LARGEST, -1),
        (number.is_not(None), 0),
        (word == "Infinity", 1),
        (word == "-Infinity", -1),
        else_=None,
    )
    return select(
        runs.c.experiment_id,
        runs.c.seed,
        rank.label("rank"),
        case((rank == 0, number), else_=None).label("number"),
    )


def _values(statistic: Statistic, ranked: FromClause) -> FromClause:
    """A statistic that is computed: any but the median."""
    c = ranked.c
    none_missing = func.count() == func.count(c.rank)
    lowest_rank, highest_rank = func.min(c.rank), func.max(c.rank)
    is_finite: Condition
    number: Expression
    match statistic:
        case Statistic.MIN:
            is_finite, number = lowest_rank == 0, func.min(c.number)
        case Statistic.MAX:
            is_finite, number = highest_rank == 0, func.max(c.number)
        case Statistic.MEAN:
            is_finite = and_(lowest_rank == 0, highest_rank == 0)
            number = _quotient(sum_by_seed(c.number, c.seed), cast(func.count(), Double))
        case Statistic.MEDIAN:
            raise AssertionError(statistic)
    value = case((and_(none_missing, is_finite), number), else_=None)
    return select(c.experiment_id, value.label("value")).group_by(c.experiment_id).subquery()


def _quotient(total: Expression, count: Expression) -> Expression:
    """The mean of ``count`` numbers, or 0 if the division would underflow."""
    return case((func.abs(total) <= SMALLEST * count, 0.0), else_=total / count)
