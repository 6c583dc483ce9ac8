"""The rows of groups in a table: counts, and statistics over the runs of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from core.statistics import STATISTICS, over_seeds
from service.exports import table_order
from service.exports.csv_lines import CsvColumn
from service.exports.table_request import MAX_RUNS_PER_ROW, Key, TableRequest
from service.schemas.base import instant
from store.arrays.packed import listed
from store.query import run_ends, setups
from store.query.fields import Kind
from store.query.run_ends import FinalMetrics
from store.query.setups import FoundExperiment
from store.states import State

Row = dict[str, Any]

Statistics = dict[str, dict[str, float]]
"""By metric, then by statistic."""

_NO_RUNS = np.empty(0, np.int64)


def read(
    tx: Connection,
    experiments: Sequence[FoundExperiment],
    keys: Sequence[Key],
    request: TableRequest,
) -> list[Row]:
    """The rows of the groups with these keys; a group whose runs were all superseded has none.

    Args:
        tx: An open transaction.
        experiments: All experiments of the groups, newest first, and those that may supersede them.
        keys: The values at the request's fields that each group shares.
        request: The metrics and statistics to show, and whether to list the runs.
    """
    completed, runs, groups = _group(tx, experiments, request)
    statistics = _statistics(runs, groups, request)
    none = _no_statistics(request)
    members: dict[Key, list[FoundExperiment]] = {key: [] for key in keys}
    for one in experiments:
        if one.key in members:
            members[one.key].append(one)
    pending = [o.id for of_one in members.values() for o in of_one if o.state != State.COMPLETED]
    planned = setups.seeds(tx, pending)
    unfinished = {one.setup_hash for one in experiments if one.id in planned}
    is_unfinished = np.array([one.setup_hash in unfinished for one in completed], bool)
    fitted, diverged = runs.fitted, runs.diverged
    rows: list[Row] = []
    for key, of_one in members.items():
        indices = groups.get(key, _NO_RUNS)
        owners = runs.experiment_index[indices]
        shown = {completed[i].id for i in np.unique(owners)} | {
            one.id for one in of_one if one.id in planned
        }
        if not shown:
            continue
        newest = next(one for one in of_one if one.id in shown)
        concerned = is_unfinished[owners]
        ended = {
            (completed[i].setup_hash, seed)
            for i, seed in zip(
                owners[concerned].tolist(), runs.seeds[indices[concerned]].tolist(), strict=True
            )
        }
        expected = {(o.setup_hash, seed) for o in of_one for seed in planned.get(o.id, ())}
        row = {
            "by": dict(zip(request.field_names, newest.key, strict=True)),
            "experiments": len(shown),
            "newest": newest.id,
            "name": newest.name,
            "created": instant(newest.created),
            "seeds": len(indices),
            "fitted": int(fitted[indices].sum()),
            "diverged": int(diverged[indices].sum()),
            "missing": len(expected - ended),
            "states": dict(Counter(one.state for one in of_one)),
            "metrics": statistics.get(key, none),
        }
        if request.with_runs:
            listed = indices[:MAX_RUNS_PER_ROW].tolist()
            row["runs"] = run_rows(runs, [one.id for one in completed], listed, request.metrics)
        rows.append(row)
    return rows


def read_for_order(
    tx: Connection,
    experiments: Sequence[FoundExperiment],
    keys: Sequence[Key],
    request: TableRequest,
) -> list[Row]:
    """The rows of disjoint groups with no more than the request's order reads."""
    if table_order.needs_counts(request.sort):
        return read(tx, experiments, keys, request)
    newest: dict[Key, FoundExperiment] = {}
    for one in experiments:
        newest.setdefault(one.key, one)
    statistics: dict[Key, Statistics] = {}
    if request.metrics:
        _, runs, groups = _group(tx, experiments, request)
        statistics = _statistics(runs, groups, request)
    none = _no_statistics(request)
    return [
        {
            "by": dict(zip(request.field_names, key, strict=True)),
            "newest": newest[key].id,
            "name": newest[key].name,
            "created": newest[key].created,
            "metrics": statistics.get(key, none),
        }
        for key in keys
    ]


def run_rows(
    runs: FinalMetrics, ids: Sequence[str], indices: Sequence[int], metrics: Sequence[str]
) -> list[Row]:
    """A row for each of these runs, with its metrics as stored; ``ids`` are their experiments'."""
    return [
        {
            "experiment": ids[runs.experiment_index[i]],
            "seed": int(runs.seeds[i]),
            "outcome": str(runs.outcomes[i]),
            "steps": int(runs.steps[i]),
            "metrics": dict(zip(metrics, listed(runs.values[i]), strict=True)),
        }
        for i in indices
    ]


def statistics_of(
    values: Mapping[Any, np.ndarray], metrics: Sequence[str], statistics: Sequence[str]
) -> dict[Any, Statistics]:
    """Statistics of the values (runs, metrics) of each group."""
    chosen = [STATISTICS.index(name) for name in statistics]
    return {
        group: {
            metric: dict(zip(statistics, column, strict=True))
            for metric, column in zip(metrics, table[chosen].T.tolist(), strict=True)
        }
        for group, table in over_seeds(values).items()
    }


def statistic_columns(
    rows: Sequence[Statistics | None], metrics: Sequence[str], statistics: Sequence[str]
) -> list[CsvColumn]:
    """A CSV column for each statistic of each metric; the cells of a row without any are empty."""
    return [
        CsvColumn(
            f"{metric}.{statistic}",
            Kind.REAL,
            [None if row is None else row[metric][statistic] for row in rows],
        )
        for metric in metrics
        for statistic in statistics
    ]


def _group(
    tx: Connection, experiments: Sequence[FoundExperiment], request: TableRequest
) -> tuple[list[FoundExperiment], FinalMetrics, dict[Key, np.ndarray]]:
    """The completed experiments, their runs, and the indices of those that count, by key."""
    completed = [one for one in experiments if one.state == State.COMPLETED]
    runs = run_ends.final_metrics(tx, [one.id for one in completed], request.metrics)
    counted = run_ends.latest_runs(completed, runs)
    return completed, runs, run_ends.group_runs([one.key for one in completed], runs, counted)


def _statistics(
    runs: FinalMetrics, groups: Mapping[Key, np.ndarray], request: TableRequest
) -> dict[Key, Statistics]:
    values = run_ends.values_as_counted(runs, request.metrics)
    of_groups = {key: values[indices] for key, indices in groups.items()}
    return statistics_of(of_groups, request.metrics, request.statistics)


def _no_statistics(request: TableRequest) -> Statistics:
    """The statistics of a group of which nothing is completed."""
    return {metric: dict.fromkeys(request.statistics, np.nan) for metric in request.metrics}
