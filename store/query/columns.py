"""Columns of lists: fields of experiments, statistics of their runs, and counts of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from core.errors import Problem
from core.statistics import STATISTICS, over_seeds
from store.db.database import now
from store.db.tables import experiments, sweep_members, sweeps
from store.db.visible import visible_experiments, visible_sweeps
from store.experiments import tags
from store.query import pages, run_ends
from store.query.ast import Aggregate, Count
from store.query.errors import BadQuery
from store.query.fields import FIELDS, Field, Scope
from store.query.names import with_columns
from store.query.pages import Match
from store.query.parser import Term, parse_term
from store.query.query import ExperimentQuery
from store.query.run_ends import MAX_FIELDS
from store.query.sql import value

ROWS_PER_QUERY = 26
"""Experiments read at once: half of a default page and its lookahead."""


@dataclass(frozen=True)
class Column:
    """A column of a list, with its name as the request wrote it.

    A metric alone means its median, as in an order. A field that each run, tag or sweep of an
    experiment has a value of is a list of these values.
    """

    name: str
    term: Term


def parse(text: str) -> list[Column]:
    """The columns in a list such as ``name, median(fit_error), count(outcome = fitted)``.

    Raises:
        BadQuery: A name is unknown or a condition is not valid, or there are too many columns.
    """
    named = dict(with_columns(text))
    if len(named) > MAX_FIELDS:
        message = f"should have at most {MAX_FIELDS} columns, and has {len(named)}"
        raise BadQuery(Problem("", "too_many", message))
    return [Column(name, parse_term(name, at, FIELDS)) for name, at in named.items()]


def walk(
    tx: Connection,
    query: ExperimentQuery,
    columns: Sequence[Column],
    *,
    cursor: str | None = None,
    page_size: int = 100,
) -> Iterator[tuple[Match, Sequence[Any]]]:
    """All matching experiments after the cursor, each with its values at the columns.

    Args:
        tx: An open transaction.
        query: The query.
        columns: The columns.
        cursor: Where to start; by default at the first experiment.
        page_size: Experiments to find in one statement.

    Raises:
        BadCursor: The cursor does not belong to this query.
    """
    matches = pages.walk(tx, query, cursor=cursor, page_size=page_size, batch_size=ROWS_PER_QUERY)
    while batch := list(islice(matches, ROWS_PER_QUERY)):
        values = read(tx, [match.experiment.id for match in batch], columns)
        yield from ((match, values[match.experiment.id]) for match in batch)


def read(tx: Connection, ids: Sequence[str], columns: Sequence[Column]) -> dict[str, Sequence[Any]]:
    """The values of existing experiments at the columns, by id.

    A missing value is None; times are Unix seconds. A statistic is None without ended runs,
    infinite if diverged runs make it so, and NaN if a run lacks the metric.
    """
    by_term: dict[Term, Mapping[str, Any]] = {}
    terms = dict.fromkeys(column.term for column in columns)
    by_term |= _read_scalars(tx, ids, [term for term in terms if _is_scalar(term)])
    by_term |= _read_runs(tx, ids, [term for term in terms if _is_of_runs(term)])
    for term in terms:
        if isinstance(term, Field) and term.scope is Scope.TAG:
            by_term[term] = tags.read(tx, ids)
        if isinstance(term, Field) and term.scope is Scope.SWEEP:
            by_term[term] = _read_sweeps(tx, ids)
    return {
        experiment_id: [
            by_term[column.term].get(experiment_id, _empty(column.term)) for column in columns
        ]
        for experiment_id in ids
    }


def _is_scalar(term: Term) -> bool:
    return isinstance(term, Count) or (isinstance(term, Field) and term.scope is Scope.EXPERIMENT)


def _is_of_runs(term: Term) -> bool:
    return isinstance(term, Aggregate) or (isinstance(term, Field) and term.scope is Scope.RUN)


def _empty(term: Term) -> Any:
    """The value of an experiment without runs, tags or sweeps."""
    return [] if isinstance(term, Field) and term.scope is not Scope.EXPERIMENT else None


def _read_scalars(
    tx: Connection, ids: Sequence[str], terms: Sequence[Term]
) -> dict[Term, Mapping[str, Any]]:
    if not terms:
        return {}
    at = now(tx)
    query = visible_experiments(experiments.c.id, *(value(term, at) for term in terms))
    rows = tx.execute(query.where(experiments.c.id.in_(list(ids)))).all()
    return {term: {row[0]: row[i] for row in rows} for i, term in enumerate(terms, 1)}


def _read_runs(
    tx: Connection, ids: Sequence[str], terms: Sequence[Term]
) -> dict[Term, Mapping[str, Any]]:
    if not terms:
        return {}
    metrics = list(dict.fromkeys(t.field.name for t in terms if isinstance(t, Aggregate)))
    runs = run_ends.final_metrics(tx, ids, metrics)
    groups = run_ends.group_runs(ids, runs)
    values = run_ends.values_as_counted(runs, metrics)
    statistics = over_seeds({name: values[indices] for name, indices in groups.items()})
    each_run = {"seed": runs.seeds, "outcome": runs.outcomes, "steps": runs.steps}
    by_term: dict[Term, Mapping[str, Any]] = {}
    for term in terms:
        if isinstance(term, Aggregate):
            place = STATISTICS.index(term.statistic), metrics.index(term.field.name)
            by_term[term] = {name: float(table[place]) for name, table in statistics.items()}
        elif isinstance(term, Field):
            of_all = each_run[term.name]
            by_term[term] = {name: of_all[indices].tolist() for name, indices in groups.items()}
    return by_term


def _read_sweeps(tx: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    c = sweep_members.c
    query = visible_sweeps(c.experiment_id, sweeps.c.created_at, sweeps.c.id).distinct()
    query = query.join(sweep_members, c.sweep_id == sweeps.c.id)
    query = query.order_by(sweeps.c.created_at, sweeps.c.id)
    by_experiment: dict[str, list[str]] = {}
    for experiment_id, _, sweep_id in tx.execute(query.where(c.experiment_id.in_(list(ids)))):
        by_experiment.setdefault(experiment_id, []).append(sweep_id)
    return by_experiment
