"""The runs of an experiment: per seed a row of outcome, steps and summary, and a blob of arrays.

With them the median of each metric is stored, by which many thousand experiments are searched.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, delete, insert, select

from core.arrays import unpack
from core.result import METRICS, Outcome, RunResult
from core.statistics import as_counted, median
from store.arrays.packed import PARAMETER, PackedRun, split_summary
from store.db.tables import AnyRow, medians, run_arrays, runs
from store.records import RunRecord

_OF_EXPERIMENTS = select(runs).where(runs.c.experiment_id.in_(bindparam("ids", expanding=True)))
# faster than a list of one id: SQLAlchemy expands a list in every call
_OF_ONE = select(runs).where(runs.c.experiment_id == bindparam("id"))
_ARRAYS_OF_ONE = select(run_arrays.c.seed, run_arrays.c.payload).where(
    run_arrays.c.experiment_id == bindparam("id")
)
_WRITE, _WRITE_ARRAYS, _WRITE_MEDIANS = insert(runs), insert(run_arrays), insert(medians)
_DROPS = [
    delete(table).where(table.c.experiment_id == bindparam("experiment"))
    for table in (runs, run_arrays, medians)
]


def write(tx: Connection, experiment_id: str, packed: Sequence[PackedRun]) -> None:
    """Stores how each seed ended; the experiment may not have runs yet."""
    if not packed:
        return
    _write_rows(tx, experiment_id, [_row(run, run.metrics, run.non_finite) for run in packed])
    arrays = [
        {"experiment_id": experiment_id, "seed": run.seed, "payload": run.arrays} for run in packed
    ]
    tx.execute(_WRITE_ARRAYS, arrays)


def write_records(tx: Connection, experiment_id: str, records: Iterable[RunRecord]) -> None:
    """Stores how seeds ended that ran elsewhere and have no arrays here.

    Raises:
        ValueError: A summary has a metric that :data:`core.result.METRICS` doesn't name.
    """
    rows = [_row(run, *split_summary(run.seed, run.summary)) for run in records]
    _write_rows(tx, experiment_id, rows)


def read_records(tx: Connection, experiment_ids: Iterable[str]) -> dict[str, dict[int, RunRecord]]:
    """The ended runs of each experiment that has any, by experiment id and seed."""
    ids, by_experiment = list(experiment_ids), dict[str, dict[int, RunRecord]]()
    rows = (
        tx.execute(_OF_ONE, {"id": ids[0]})
        if len(ids) == 1
        else tx.execute(_OF_EXPERIMENTS, {"ids": ids})
    )
    for row in rows:
        run = RunRecord(
            row.seed, Outcome(row.outcome), row.steps, _summary(row), tuple(row.warnings)
        )
        by_experiment.setdefault(row.experiment_id, {})[row.seed] = run
    return by_experiment


def read_results(tx: Connection, experiment_id: str) -> dict[int, RunResult]:
    """The runs of an experiment with their final arrays, by seed."""
    arrays = {seed: unpack(payload) for seed, payload in _payloads(tx, experiment_id)}
    rows = tx.execute(_OF_ONE, {"id": experiment_id})
    return {row.seed: _result(row, arrays[row.seed]) for row in rows}


def read_responses(tx: Connection, experiment_id: str) -> dict[int, np.ndarray]:
    """h_0 .. h_{q-1} of each run of an experiment, by seed: (q,) or (q, p, m)."""
    return {
        seed: unpack(payload, only=["response"])["response"]
        for seed, payload in _payloads(tx, experiment_id)
    }


def read_parameters(
    tx: Connection, experiment_id: str, seeds: Iterable[int]
) -> dict[int, dict[str, np.ndarray]]:
    """The final parameters of an experiment's runs with these seeds, by seed and name."""
    requested = set(seeds)  # filtered here, since they may be more than a query can name
    return {
        seed: _parameters(unpack(payload))
        for seed, payload in _payloads(tx, experiment_id)
        if seed in requested
    }


def drop(tx: Connection, experiment_ids: Sequence[str]) -> None:
    """Removes all runs of experiments."""
    for statement in _DROPS:
        if experiment_ids:
            tx.execute(statement, [{"experiment": found} for found in experiment_ids])


def _write_rows(tx: Connection, experiment_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    tx.execute(_WRITE, [{"experiment_id": experiment_id, **row} for row in rows])
    tx.execute(_WRITE_MEDIANS, {"experiment_id": experiment_id, **medians_of(rows)})


def medians_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """The median of each metric over the rows of an experiment's runs; None unless it is finite."""
    numbers = [[row["non_finite"].get(name, row[name]) for name in METRICS] for row in rows]
    diverged = np.array([row["outcome"] == Outcome.DIVERGED for row in rows], bool)
    over_runs = median(as_counted(np.array(numbers, float), diverged, [*METRICS]))
    return {
        name: value if np.isfinite(value) else None
        for name, value in zip(METRICS, over_runs.tolist(), strict=True)
    }


def _payloads(tx: Connection, experiment_id: str) -> Iterator[tuple[int, bytes]]:
    return ((row.seed, row.payload) for row in tx.execute(_ARRAYS_OF_ONE, {"id": experiment_id}))


def _row(
    run: PackedRun | RunRecord, metrics: Mapping[str, float], non_finite: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "outcome": run.outcome,
        "steps": run.steps,
        **{name: metrics.get(name) for name in METRICS},
        "non_finite": non_finite,
        "warnings": list(run.warnings),
    }


def _summary(row: AnyRow) -> dict[str, float]:
    non_finite: Mapping[str, str] = row.non_finite
    values = {
        name: getattr(row, name) if name not in non_finite else float(non_finite[name])
        for name in METRICS
    }
    return {name: value for name, value in values.items() if value is not None}


def _result(row: AnyRow, arrays: Mapping[str, np.ndarray]) -> RunResult:
    return RunResult(
        seed=row.seed,
        outcome=Outcome(row.outcome),
        steps=row.steps,
        parameters={name: array.tolist() for name, array in _parameters(arrays).items()},
        summary=_summary(row),
        warnings=row.warnings,
        **{
            name: array.tolist() for name, array in arrays.items() if not name.startswith(PARAMETER)
        },
    )


def _parameters(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(PARAMETER): array
        for name, array in arrays.items()
        if name.startswith(PARAMETER)
    }
