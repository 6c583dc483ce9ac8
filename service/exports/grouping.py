"""Tables of completed runs: in groups with statistics over each, or run by run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json
from sqlalchemy import Connection

from core.statistics import STATISTICS, over_seeds
from service.exports.csv_lines import CsvColumn
from service.http.pagination import page
from store.errors import BadCursor
from store.query import run_ends
from store.query.fields import Field, Kind
from store.query.query import ExperimentQuery
from store.query.run_ends import CompletedExperiment

SETUP = "setup_hash"

Key = tuple[Any, ...]
"""An experiment's values at the fields of a table."""

Row = dict[str, Any]
Page = tuple[Sequence[Row], str | None]
"""The rows of a page, and the cursor of the next one."""

Statistics = dict[str, dict[str, float]]
"""By metric, then by statistic."""


@dataclass(frozen=True)
class TableRequest:
    """The columns and the page of a table to compute."""

    fields: Sequence[Field]
    metrics: Sequence[str]
    statistics: Sequence[str]
    limit: int
    cursor: str | None

    @property
    def field_names(self) -> list[str]:
        """The names of the fields."""
        return [field.name for field in self.fields]


def grouped_rows(tx: Connection, query: ExperimentQuery, request: TableRequest) -> Page:
    """A row for each group of runs that agree in the request's fields."""
    experiments = run_ends.completed_experiments(tx, query, request.fields)
    keys: Sequence[Key] = list(dict.fromkeys(experiment.key for experiment in experiments))
    if request.field_names != [SETUP]:
        keys = sorted(keys, key=lambda key: [_numbers_first(value) for value in key])
    next_cursor = None
    # If no setup is in two groups, the runs of other pages' groups need not be read.
    groups_are_disjoint = all(field.path or field.name == SETUP for field in request.fields)
    if groups_are_disjoint:
        keys, next_cursor = page(keys, _digest, limit=request.limit, cursor=request.cursor)
    rows = _rows(tx, experiments, keys, request)
    if groups_are_disjoint:
        return rows, next_cursor
    return page(
        rows,
        lambda row: _digest(tuple(row["by"].values())),
        limit=request.limit,
        cursor=request.cursor,
    )


def run_rows(tx: Connection, query: ExperimentQuery, request: TableRequest) -> Page:
    """A row for each run, with the request's fields beside it."""
    experiments = run_ends.completed_experiments(tx, query, request.fields)
    first, last_seed = 0, -1
    if request.cursor is not None:
        experiment_id, _, seed = request.cursor.partition("-")
        places = {experiment.id: place for place, experiment in enumerate(experiments)}
        if experiment_id not in places or not seed.isdecimal():
            raise BadCursor(request.cursor)
        first, last_seed = places[experiment_id], int(seed)
    # Every experiment has at least one run; those of the first may be on the previous page.
    page_experiments = experiments[first : first + request.limit + 2]
    runs = run_ends.final_metrics(
        tx, [experiment.id for experiment in page_experiments], request.metrics
    )
    rows = [
        {
            "by": dict(zip(request.field_names, page_experiments[owner].key, strict=True)),
            "experiment": page_experiments[owner].id,
            "seed": seed,
            "outcome": outcome,
            "steps": steps,
            "metrics": dict(zip(request.metrics, numbers, strict=True)),
        }
        for owner, seed, outcome, steps, numbers in zip(
            runs.experiment_index.tolist(),
            runs.seeds.tolist(),
            runs.outcomes.tolist(),
            runs.steps.tolist(),
            runs.values.tolist(),
            strict=True,
        )
        if owner or seed > last_seed
    ]
    last = rows[request.limit - 1] if len(rows) > request.limit else None
    next_cursor = None if last is None else f"{last['experiment']}-{last['seed']}"
    return rows[: request.limit], next_cursor


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


def _rows(
    tx: Connection,
    experiments: Sequence[CompletedExperiment],
    keys: Sequence[Key],
    request: TableRequest,
) -> list[Row]:
    """The rows of the groups with these keys; a group whose runs were all superseded has none."""
    page_keys = set(keys)
    members = [experiment for experiment in experiments if experiment.key in page_keys]
    runs = run_ends.final_metrics(tx, [member.id for member in members], request.metrics)
    counted = run_ends.latest_runs(members, runs)
    groups = run_ends.group_runs([member.key for member in members], runs, counted)
    values = run_ends.values_as_counted(runs, request.metrics)
    statistics = statistics_of(
        {key: values[indices] for key, indices in groups.items()},
        request.metrics,
        request.statistics,
    )
    rows: list[Row] = []
    for key in keys:
        if key not in groups:
            continue
        indices = groups[key]
        newest = members[runs.experiment_index[indices[0]]]
        rows.append(
            {
                "by": dict(zip(request.field_names, newest.key, strict=True)),
                "experiments": len(np.unique(runs.experiment_index[indices])),
                "newest": newest.id,
                "name": newest.name,
                "seeds": len(indices),
                "fitted": int(runs.fitted[indices].sum()),
                "diverged": int(runs.diverged[indices].sum()),
                "metrics": statistics[key],
            }
        )
    return rows


def _numbers_first(value: Any) -> tuple[bool, bool, Any]:
    """A sort key: numbers, then strings, then missing values."""
    return value is None, isinstance(value, str), 0 if value is None else value


def _digest(key: Key) -> str:
    """The name of a group in cursors."""
    return hashlib.sha256(to_json(key)).hexdigest()[:32]
