"""Experiments by group: those with equal values of some fields, or seeds of one setup.

A setup is a spec without its seeds. Setups are paged newest first without reading the others.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select

from store.db.database import now
from store.db.tables import experiments, runs
from store.db.visible import visible_experiments
from store.query import cursor as cursors
from store.query import pages
from store.query.ast import EVERYTHING
from store.query.fields import FIELDS, Field
from store.query.query import ExperimentQuery
from store.query.run_ends import MAX_RUNS, check_count
from store.query.sql import value
from store.states import State

IDS_PER_QUERY = 1000
"""Most experiments or setups that one statement reads."""


class FoundExperiment(NamedTuple):
    """A matching experiment; ``key`` has its values at the requested fields, None if missing."""

    id: str
    name: str
    setup_hash: str
    state: str
    created: float
    key: tuple[Any, ...]


def find(
    tx: Connection,
    query: ExperimentQuery,
    fields: Sequence[Field],
    setups: Sequence[str] | None = None,
    *,
    at: float | None = None,
) -> list[FoundExperiment]:
    """All matching experiments, newest first; only those of some setups if these are given.

    Raises:
        BadQuery: More than :data:`store.query.run_ends.MAX_RUNS` match.
    """
    statement, c = pages.select_matching(tx, query, now(tx) if at is None else at)
    if setups is not None:
        statement = statement.where(experiments.c.setup_hash.in_(list(setups)))
    e = experiments.c
    statement = statement.with_only_columns(
        c.id, e.name, e.setup_hash, e.state, e.created_at, *map(value, fields)
    )
    statement = statement.order_by(c.created.desc(), c.id.desc()).limit(MAX_RUNS + 1)
    rows = tx.execute(statement).all()
    found = [FoundExperiment._make((*row[:5], tuple(row[5:]))) for row in rows]
    check_count(len(found), "experiments")
    return found


def newest(
    tx: Connection, query: ExperimentQuery, *, limit: int, cursor: str | None
) -> tuple[list[FoundExperiment], str | None]:
    """All experiments of the setups on a page, newest first, and the cursor of the next page.

    A setup is as new as its newest matching experiment, and keeps its place if an experiment is
    added to another.

    Args:
        tx: An open transaction.
        query: The query, in its order by default.
        limit: The most setups.
        cursor: Where to start; by default at the newest.

    Raises:
        BadCursor: The cursor does not belong to this query.
    """
    members: list[FoundExperiment] = []
    seen: set[str] = set()
    next_cursor, shown = None, 0
    while True:
        positions = pages.read_page(tx, query, cursor=cursor, limit=2 * limit + 2)
        setup_of = _setups(tx, [position.id for position in positions])
        unseen = list({setup_of[position.id]: None for position in positions}.keys() - seen)
        by_newest: dict[str, list[FoundExperiment]] = {}
        of_setup: dict[str, list[FoundExperiment]] = {}
        at = positions[0].at if positions else 0.0
        for found in find(tx, query, [FIELDS["setup_hash"]], unseen, at=at):
            of_one = of_setup.setdefault(found.setup_hash, [])
            of_one.append(found)
            by_newest.setdefault(of_one[0].id, of_one)
        seen.update(unseen)
        for position in positions:
            if position.id not in by_newest:
                continue  # its setup is on an earlier page, or earlier on this one
            if shown == limit:
                return members, next_cursor
            members += by_newest[position.id]
            shown, next_cursor = shown + 1, cursors.encode(position)
        if len(positions) < 2 * limit + 2:
            return members, None
        cursor = cursors.encode(positions[-1])


def count(tx: Connection, query: ExperimentQuery, states: Sequence[State] = tuple(State)) -> int:
    """The number of setups of matching experiments in these states."""
    statement, c = pages.select_matching(tx, query, now(tx))
    # a condition on states in WHERE makes SQLite look up the setup of each experiment
    in_states = case((experiments.c.state.in_(states), experiments.c.setup_hash))
    distinct = func.count(in_states.distinct())
    if query.filter == EVERYTHING:
        return tx.scalars(statement.with_only_columns(distinct)).one()
    # SQLite would otherwise test the filter in the order of setups, far apart in other tables
    matches = statement.with_only_columns(c.id.label("id")).cte("matches")
    matches = matches.prefix_with("MATERIALIZED")
    of_matches = visible_experiments(distinct).join(matches, matches.c.id == experiments.c.id)
    return tx.scalars(of_matches).one()


def count_runs(tx: Connection, ids: Sequence[str]) -> int:
    """The number of ended runs of these experiments."""
    total = 0
    for start in range(0, len(ids), IDS_PER_QUERY):
        batch = list(ids[start : start + IDS_PER_QUERY])
        query = select(func.count()).where(runs.c.experiment_id.in_(batch))
        total += tx.scalars(query).one()
    return total


def seeds(tx: Connection, ids: Sequence[str]) -> dict[str, list[int]]:
    """The seeds of each existing experiment's spec, by its id."""
    query = visible_experiments(experiments.c.id, experiments.c.spec["seeds"])
    by_id: dict[str, list[int]] = {}
    for start in range(0, len(ids), IDS_PER_QUERY):
        batch = list(ids[start : start + IDS_PER_QUERY])
        by_id |= {row[0]: row[1] for row in tx.execute(query.where(experiments.c.id.in_(batch)))}
    return by_id


def _setups(tx: Connection, ids: Sequence[str]) -> dict[str, str]:
    query = visible_experiments(experiments.c.id, experiments.c.setup_hash)
    return {row[0]: row[1] for row in tx.execute(query.where(experiments.c.id.in_(list(ids))))}
