"""Query results, one page at a time.

A page starts after the position at which the last one ended, which no insert shifts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from store.db.database import now
from store.db.tables import experiments, sweep_members, tags
from store.db.visible import visible_experiments
from store.errors import BadCursor
from store.experiments import rows
from store.query import cursor as cursors
from store.query.ast import Aggregate, And, Comparison, Count, Exists, Node, Op
from store.query.cursor import Position
from store.query.fields import Scope
from store.query.order import Key, OrderColumns, after, order_by
from store.query.parser import Term
from store.query.query import ExperimentQuery
from store.query.resolution import resolved
from store.query.sql import condition, value
from store.query.statistics import Expression, per_experiment
from store.records import Experiment


@dataclass(frozen=True)
class Match:
    """An experiment in a query result, and the cursor for the page after it."""

    experiment: Experiment
    cursor: str


def walk(
    tx: Connection,
    query: ExperimentQuery,
    *,
    cursor: str | None = None,
    page_size: int = 100,
    batch_size: int = 26,
) -> Iterator[Match]:
    """All matching experiments after the cursor.

    Args:
        tx: An open transaction.
        query: The query.
        cursor: Where to start; by default at the first experiment.
        page_size: Experiments to find in one statement.
        batch_size: Experiments to load in one statement.

    Raises:
        BadCursor: The cursor does not belong to this query.
    """
    while True:
        positions = read_page(tx, query, cursor=cursor, limit=page_size)
        for start in range(0, len(positions), batch_size):
            batch = positions[start : start + batch_size]
            loaded = rows.to_experiments(tx, rows.get_many(tx, [position.id for position in batch]))
            for experiment, position in zip(loaded, batch, strict=True):
                yield Match(experiment, cursors.encode(position))
        if len(positions) < page_size:
            return
        cursor = cursors.encode(positions[-1])


def read_page(
    tx: Connection, query: ExperimentQuery, *, cursor: str | None, limit: int
) -> list[Position]:
    """The positions of up to ``limit`` matching experiments after the cursor.

    Raises:
        BadCursor: The cursor does not belong to this query.
    """
    query = resolved(tx, query)
    previous = None if cursor is None else _decode(cursor, query)
    at = now(tx) if previous is None else previous.at
    statement, columns = select_matching(tx, query, at)
    statement, columns = _with_statistics(statement, columns, query.keys, at)
    if previous is not None:
        statement = statement.where(after(query.keys, previous.values, previous.id, columns))
    # ORDER BY names the labels, so that the database computes each value once
    values = [columns.value(key).label(f"key_{i}") for i, key in enumerate(query.keys)]
    page = (
        statement.with_only_columns(columns.id, *values)
        .order_by(*order_by(query.keys, values, columns))
        .limit(limit)
    )
    return [Position(query.digest, at, tuple(row)[1:], row[0]) for row in tx.execute(page)]


def ids(tx: Connection, query: ExperimentQuery) -> list[str]:
    """The ids of all matching experiments, in no particular order."""
    statement, columns = select_matching(tx, query, now(tx))
    return list(tx.scalars(statement.with_only_columns(columns.id)))


def count(tx: Connection, query: ExperimentQuery) -> int:
    """The number of matching experiments."""
    statement, _ = select_matching(tx, query, now(tx))
    return tx.scalars(statement.with_only_columns(func.count())).one()


def select_matching(
    tx: Connection, query: ExperimentQuery, at: float
) -> tuple[Select[Any], OrderColumns]:
    """The SELECT of the experiments that match at a given time.

    If the filter requires a tag or a sweep, it starts from the experiments that have it, rather
    than test every experiment.

    Raises:
        BadQuery: A reference of the filter means several, or something of another kind.
    """
    required, rest = _required(resolved(tx, query).filter)
    statement = visible_experiments(experiments).where(condition(rest, at))
    match required:
        case Scope.TAG, tag:
            statement = statement.join(tags, tags.c.experiment_id == experiments.c.id)
            columns = OrderColumns(tags.c.experiment_id, tags.c.created_at)
            return statement.where(tags.c.tag == tag), columns
        case Scope.SWEEP, sweep_id:
            member_ids = select(sweep_members.c.experiment_id).distinct()
            members = member_ids.where(sweep_members.c.sweep_id == sweep_id).subquery()
            is_member = members.c.experiment_id == experiments.c.id
            return statement.join(members, is_member), OrderColumns()
    return statement, OrderColumns()


def _with_statistics(
    statement: Select[Any], columns: OrderColumns, keys: Sequence[Key], at: float
) -> tuple[Select[Any], OrderColumns]:
    """Joins the statistics that the keys order by, and adds their counts."""
    matching_ids = statement.with_only_columns(columns.id)
    statistics: dict[Term, Expression] = {}
    for key in keys:
        if isinstance(key.term, Aggregate):
            table = per_experiment(key.term, matching_ids)
            statement = statement.outerjoin(table, table.c.experiment_id == experiments.c.id)
            statistics[key.term] = table.c.value
        elif isinstance(key.term, Count):
            statistics[key.term] = value(key.term, at)
    return statement, replace(columns, statistics=statistics)


def _required(node: Node) -> tuple[tuple[Scope, str] | None, Node]:
    """Splits off a tag or sweep that every match must have, if the filter requires any."""
    parts = list(node.parts) if isinstance(node, And) else [node]
    for i, part in enumerate(parts):
        before, after = parts[:i], parts[i + 1 :]
        match part:
            case Exists(Scope.TAG | Scope.SWEEP as scope, Comparison(_, Op.EQUAL, str(name))):
                return (scope, name), And((*before, *after))
            case And():
                required, rest = _required(part)
                if required is not None:
                    return required, And((*before, rest, *after))
    return None, node


def _decode(cursor: str, query: ExperimentQuery) -> Position:
    position = cursors.decode(cursor)
    if position.query_digest != query.digest:
        reason = "belongs to another filter or order: repeat those of the page before"
        raise BadCursor(cursor, reason)
    if len(position.values) != len(query.keys):
        raise BadCursor(cursor)
    for key, key_value in zip(query.keys, position.values, strict=True):
        if not key.accepts(key_value):
            raise BadCursor(cursor)
    return position
