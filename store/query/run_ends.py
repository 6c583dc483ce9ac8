"""The ends of matching experiments' runs: outcomes and final metrics in columns, without arrays."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from pydantic_core import from_json
from sqlalchemy import Connection, Text, bindparam, cast, select

from core.errors import Problem
from core.result import Outcome
from core.statistics import as_counted
from store.arrays.packed import MISSING
from store.db.database import now
from store.db.tables import experiments, runs
from store.query import pages
from store.query.errors import BadQuery, find_field
from store.query.fields import EXPERIMENT_FIELDS, Field
from store.query.names import split_names
from store.query.query import ExperimentQuery
from store.query.sql import value
from store.states import State

Key = TypeVar("Key", bound=Hashable)

MAX_RUNS = 1_000_000
"""The most runs, or experiments, in one table; exports are unlimited."""

MAX_FIELDS = 32

IDS_PER_QUERY = 1000
"""Most experiments whose runs one statement reads."""

_EMPTY_OBJECT = "{}"


class CompletedExperiment(NamedTuple):
    """A completed experiment; ``key`` has its values at the requested fields, None if missing."""

    id: str
    name: str
    setup_hash: str
    key: tuple[Any, ...]


class OfSetup(Protocol):
    """A record of an experiment that knows its setup."""

    @property
    def setup_hash(self) -> str:
        """The hash of the spec without its seeds."""


class CompletedRuns(NamedTuple):
    """The runs of one completed experiment.

    Attributes:
        setup_hash: The hash of its setup.
        outcomes: (runs,).
        values: (runs, metrics), as statistics count them.
    """

    setup_hash: str
    outcomes: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class FinalMetrics:
    """The ends of runs in columns of equal length, ordered by experiment and then by seed.

    Attributes:
        experiment_index: The index of each run's experiment in the sequence that was read.
        seeds: The seeds.
        outcomes: The outcomes.
        steps: The numbers of training steps.
        values: (runs, metrics), as stored; a missing one is MISSING.
    """

    experiment_index: np.ndarray
    seeds: np.ndarray
    outcomes: np.ndarray
    steps: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.experiment_index)

    @property
    def fitted(self) -> np.ndarray:
        """A mask of the runs that fit."""
        return self.outcomes == str(Outcome.FITTED)

    @property
    def diverged(self) -> np.ndarray:
        """A mask of the runs that diverged."""
        return self.outcomes == str(Outcome.DIVERGED)


def parse_fields(text: str) -> list[Field]:
    """The fields of experiments in a comma-separated list.

    Raises:
        BadQuery: A name is empty or unknown, or there are too many.
    """
    return find_fields(split_names(text, ""))


def find_fields(names: Sequence[str]) -> list[Field]:
    """The fields of experiments with these names; raises BadQuery as :func:`parse_fields` does."""
    if len(names) > MAX_FIELDS:
        message = f"should name at most {MAX_FIELDS} fields, and names {len(names)}"
        raise BadQuery(Problem("", "too_many", message))
    return list(dict.fromkeys(find_field(name, among=EXPERIMENT_FIELDS) for name in names))


def completed_experiments(
    tx: Connection, query: ExperimentQuery, fields: Sequence[Field]
) -> list[CompletedExperiment]:
    """All completed experiments that match, newest first.

    Raises:
        BadQuery: More than :data:`MAX_RUNS` match.
    """
    statement, c = pages.select_matching(tx, query.where_in("state", [State.COMPLETED]), now(tx))
    statement = statement.with_only_columns(
        c.id, experiments.c.name, experiments.c.setup_hash, *map(value, fields)
    )
    statement = statement.order_by(c.created.desc(), c.id.desc()).limit(MAX_RUNS + 1)
    completed = [
        CompletedExperiment(row[0], row[1], row[2], tuple(row[3:])) for row in tx.execute(statement)
    ]
    check_count(len(completed), "experiments")
    return completed


def final_metrics(tx: Connection, ids: Sequence[str], metrics: Sequence[str]) -> FinalMetrics:
    """The outcomes and final metrics of these experiments' runs.

    Raises:
        BadQuery: There are more than :data:`MAX_RUNS` runs.
    """
    c = runs.c
    unparsed = cast(c.non_finite, Text)  # rarely anything but {}, so that parsing each is a waste
    query = select(
        c.experiment_id, c.seed, c.outcome, c.steps, unparsed, *(c[name] for name in metrics)
    ).where(c.experiment_id.in_(bindparam("ids", expanding=True)))
    rows: list[Sequence[Any]] = []
    for start in range(0, len(ids), IDS_PER_QUERY):
        batch = list(ids[start : start + IDS_PER_QUERY])
        rows += tx.execute(query, {"ids": batch}).all()
        check_count(len(rows), "runs")
    columns = list(zip(*rows, strict=True)) or [()] * (5 + len(metrics))
    index_of = {experiment_id: index for index, experiment_id in enumerate(ids)}
    experiment_index = np.array([index_of[name] for name in columns[0]], np.int64)
    seeds = np.array(columns[1], np.int64)
    outcomes = np.array(columns[2], np.str_)
    steps = np.array(columns[3], np.int64)
    by_metric = np.array(columns[5:], np.float64)
    by_metric[np.isnan(by_metric)] = MISSING  # None became NaN; columns have finite numbers only
    values = by_metric.reshape(len(metrics), len(rows)).T
    for i, text in enumerate(columns[4]):
        if text != _EMPTY_OBJECT:
            words = from_json(text)
            for place, name in enumerate(metrics):
                values[i, place] = words.get(name, values[i, place])
    order = np.lexsort((seeds, experiment_index))
    return FinalMetrics(
        experiment_index[order], seeds[order], outcomes[order], steps[order], values[order]
    )


def unfinished_experiments(
    tx: Connection, query: ExperimentQuery, fields: Sequence[Field]
) -> list[tuple[State, tuple[Any, ...]]]:
    """The states and field values of up to :data:`MAX_RUNS` matches that are not completed."""
    states = [state for state in State if state is not State.COMPLETED]
    statement, c = pages.select_matching(tx, query.where_in("state", states), now(tx))
    statement = statement.with_only_columns(experiments.c.state, *map(value, fields))
    statement = statement.order_by(c.created.desc(), c.id.desc()).limit(MAX_RUNS)
    return [(State(row[0]), tuple(row[1:])) for row in tx.execute(statement)]


def latest_runs(experiments: Sequence[OfSetup], runs: FinalMetrics) -> np.ndarray:
    """The indices of the runs that count: for each setup and seed, that of the newest experiment.

    Args:
        experiments: The experiments whose runs were read, newest first.
        runs: Their outcomes and final metrics.
    """
    setups = {hash_: n for n, hash_ in enumerate(dict.fromkeys(e.setup_hash for e in experiments))}
    setup_of = np.array([setups[experiment.setup_hash] for experiment in experiments], np.int64)
    setup = setup_of[runs.experiment_index]
    order = np.lexsort((runs.seeds, setup))  # stable: the newest stays first
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(setup[order]) != 0) | (np.diff(runs.seeds[order]) != 0)
    return np.sort(order[is_first])


def completed_runs(
    tx: Connection, query: ExperimentQuery, metrics: Sequence[str]
) -> dict[str, CompletedRuns]:
    """The runs of each completed experiment, by its id.

    Raises:
        BadQuery: The query matches more than :data:`MAX_RUNS` experiments or runs.
    """
    experiments = completed_experiments(tx, query, [])
    runs = final_metrics(tx, [experiment.id for experiment in experiments], metrics)
    return runs_by_experiment(experiments, runs, metrics)


def group_runs(
    keys: Sequence[Key], runs: FinalMetrics, indices: np.ndarray | None = None
) -> dict[Key, np.ndarray]:
    """The indices of the runs whose experiments have equal keys, by key.

    Args:
        keys: The key of each experiment whose runs were read.
        runs: Their outcomes and final metrics.
        indices: The runs to group, by default all. Groups keep their order.
    """
    if indices is None:
        indices = np.arange(len(runs))
    if not len(indices):
        return {}
    distinct = list(dict.fromkeys(keys))
    number_of = {key: number for number, key in enumerate(distinct)}
    group_of_experiment = np.array([number_of[key] for key in keys], np.int64)
    group = group_of_experiment[runs.experiment_index[indices]]
    order = np.argsort(group, kind="stable")
    group = group[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    groups = np.split(indices[order], starts[1:])
    names = (distinct[number] for number in group[starts])
    return dict(zip(names, groups, strict=True))


def values_as_counted(runs: FinalMetrics, metrics: Sequence[str]) -> np.ndarray:
    """The metrics (runs, metrics) as statistics count them: infinite for diverged runs."""
    return as_counted(runs.values, runs.diverged, metrics)


def runs_by_experiment(
    experiments: Sequence[CompletedExperiment], runs: FinalMetrics, metrics: Sequence[str]
) -> dict[str, CompletedRuns]:
    """The runs of each experiment, by its id.

    Args:
        experiments: The experiments whose runs were read.
        runs: Their outcomes and final metrics.
        metrics: The metrics that were read.
    """
    values = values_as_counted(runs, metrics)
    setup_of = {experiment.id: experiment.setup_hash for experiment in experiments}
    groups = group_runs([experiment.id for experiment in experiments], runs)
    return {
        name: CompletedRuns(setup_of[name], runs.outcomes[indices], values[indices])
        for name, indices in groups.items()
    }


def metric_value(stored: float | None, word: str | None) -> float | None:
    """A run's metric, from its column or its word in ``non_finite``; None if it is missing."""
    return float(word) if stored is None and word else stored


def check_count(count: int, noun: str) -> None:
    """Raises BadQuery for more than :data:`MAX_RUNS` of them."""
    if count > MAX_RUNS:
        message = f"matches more than {MAX_RUNS} {noun}: narrow it, or use /v1/export"
        raise BadQuery(Problem("/query/q", "too_many", message))
