"""Setups in an order, found in one statement that reads no runs.

A setup that pools the runs of several experiments has its medians in the table ``setups``. They
hold where a query matches all completed experiments of the setup, or none; where it matches one of
several, the medians of that one do.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, FromClause, Select, Subquery, and_, case, func, literal, select

from core.result import METRICS
from store.db.tables import experiments, medians, setups
from store.query import order, pages
from store.query.collation import bytewise
from store.query.fields import Field
from store.query.query import ExperimentQuery
from store.query.statistics import Expression
from store.states import State

COUNTS = frozenset({"seeds", "fitted", "diverged"})
POOLED = COUNTS | set(METRICS)
COLUMNS = COUNTS | {"created", "name", "setup_hash"}
"""Keys of setups besides fields and metrics; the name is that of the newest experiment."""


@dataclass(frozen=True)
class SetupKey:
    """One key of an order of setups.

    Attributes:
        column: A field of the spec, a metric for its median over the runs, or one of
            :data:`COLUMNS`.
        descending: Whether the largest comes first.
    """

    column: Field | str
    descending: bool


def read(
    tx: Connection,
    query: ExperimentQuery,
    keys: Sequence[SetupKey],
    *,
    at: float,
    states: Collection[State] = tuple(State),
    limit: int | None = None,
) -> list[str] | None:
    """The hashes of the setups of matching experiments, in an order.

    Missing and non-finite values come last, and equal ones in the order of the newest experiment.

    Args:
        tx: An open transaction.
        query: The query; its own order is not used.
        keys: The order.
        at: The time from which relative times in the query count back.
        states: The experiments are in one of these.
        limit: The most setups; by default all.

    Returns:
        None if only the runs can tell: the query matches several completed experiments of a setup,
        and leaves out others.
    """
    matching, created, newest = _matching(tx, query, at, states)
    groups = _groups(matching, keys, created, newest)
    newest_first = matching.order_by(created.desc(), newest.desc())
    tables: FromClause = groups
    needs_runs: Expression = literal(0)
    columns = {key.column for key in keys}
    if columns & POOLED:
        tables = _with_pooled(groups)
        is_known = setups.c.setup_hash.is_not(None) | (groups.c.completed == 0)
        if not columns & COUNTS:
            is_known = is_known | medians.c.experiment_id.is_not(None)
        needs_runs = case((is_known, 0), else_=1)
    clauses = [needs_runs.desc()]
    for number, key in enumerate(keys):
        expression = _value(key.column, number, groups, newest_first)
        clause = expression.desc() if key.descending else expression.asc()
        clauses.append(clause.nulls_last())
    ordered = (
        select(groups.c.setup_hash, needs_runs.label("needs_runs"))
        .select_from(tables)
        .order_by(*clauses, groups.c.created.desc(), groups.c.newest.desc())
        .limit(limit)
    )
    rows = tx.execute(ordered).all()
    if rows and rows[0].needs_runs:
        return None
    return [row.setup_hash for row in rows]


def _with_pooled(groups: Subquery) -> FromClause:
    """Joins what is stored of the pooled runs, or of the only one of several experiments."""
    of_setup = and_(
        setups.c.setup_hash == groups.c.setup_hash, setups.c.experiments == groups.c.completed
    )
    is_alone = and_(groups.c.completed == 1, setups.c.setup_hash.is_(None))
    # null for most, so that SQLite need not look it up
    only = case((is_alone, groups.c.last_completed))
    return groups.outerjoin(setups, of_setup).outerjoin(medians, medians.c.experiment_id == only)


def _matching(
    tx: Connection, query: ExperimentQuery, at: float, states: Collection[State]
) -> tuple[Select[Any], Expression, Expression]:
    """The SELECT of the matching experiments, with their times of submission and ids."""
    statement, c = pages.select_matching(tx, query, at)
    if set(states) != set(State):
        # an expression: by the index of states, SQLite would look up the setup of each experiment
        statement = statement.where(case((experiments.c.state.in_(states), 1)) == 1)
    return statement, c.created, c.id


def _groups(
    matching: Select[Any], keys: Sequence[SetupKey], created: Expression, experiment_id: Expression
) -> Subquery:
    """The setups of the matching experiments, with what the experiments themselves tell."""
    is_completed = experiments.c.state == State.COMPLETED
    fields = [
        func.max(order.Key(key.column, descending=False).expression).label(f"field_{number}")
        for number, key in enumerate(keys)
        if isinstance(key.column, Field)
    ]
    return (
        matching.with_only_columns(
            experiments.c.setup_hash,
            func.count(case((is_completed, 1))).label("completed"),
            func.max(case((is_completed, experiments.c.id))).label("last_completed"),
            func.max(created).label("created"),
            func.max(experiment_id).label("newest"),
            *fields,
        )
        .group_by(experiments.c.setup_hash)
        .subquery("groups")
    )


def _value(
    column: Field | str, number: int, groups: Subquery, newest_first: Select[Any]
) -> Expression:
    """The value of a setup at the key of this number."""
    if isinstance(column, Field):
        return groups.c[f"field_{number}"]
    if column in COUNTS:
        return func.coalesce(setups.c[column], 0)
    match column:
        case "created" | "setup_hash":
            return groups.c[column]
        case "name":
            of_setup = newest_first.where(experiments.c.setup_hash == groups.c.setup_hash)
            names = of_setup.with_only_columns(bytewise(experiments.c.name))
            return names.limit(1).scalar_subquery()
    return func.coalesce(setups.c[column], medians.c[column])
