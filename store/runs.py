"""The runs of an experiment, one row per seed: outcome, steps, summary in columns, final arrays in a blob."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from sqlalchemy import Connection, bindparam, delete, insert, select

from core.arrays import pack, unpack
from core.result import METRICS, Outcome, RunResult
from store.records import RunRecord
from store.tables import AnyRow, runs

PARAMETER = "parameters/"
"""What the names of parameters begin with among the final arrays."""

_SHORT = [column for column in runs.c if column.name != "arrays"]
_OF_EXPERIMENTS = select(*_SHORT).where(runs.c.experiment_id.in_(bindparam("ids", expanding=True)))
_WRITE = insert(runs)
_DROP = delete(runs).where(runs.c.experiment_id == bindparam("experiment"))


def write(tx: Connection, experiment_id: str, results: Iterable[RunResult]) -> None:
    """Stores how each seed ended, in place of what was there before.

    Raises:
        ValueError: A summary has a metric that :data:`core.result.METRICS` doesn't name.
    """
    drop(tx, experiment_id)
    rows = [{"experiment_id": experiment_id, **_row(result)} for result in results]
    if rows:
        tx.execute(_WRITE, rows)


def records(tx: Connection, experiment_ids: Iterable[str]) -> dict[str, dict[int, RunRecord]]:
    """The runs that have ended of each experiment, by seed."""
    found: dict[str, dict[int, RunRecord]] = {}
    for row in tx.execute(_OF_EXPERIMENTS, {"ids": list(experiment_ids)}):
        run = RunRecord(row.seed, Outcome(row.outcome), row.steps, _summary(row), tuple(row.warnings))
        found.setdefault(row.experiment_id, {})[row.seed] = run
    return found


def results(tx: Connection, experiment_id: str) -> dict[int, RunResult]:
    """The runs of an experiment with their final arrays, by seed."""
    rows = tx.execute(select(runs).where(runs.c.experiment_id == experiment_id))
    return {row.seed: _result(row) for row in rows}


def responses(tx: Connection, experiment_id: str) -> dict[int, np.ndarray]:
    """h_0 .. h_{q-1} of each run of an experiment, by seed: (q,) or (q, p, m)."""
    query = select(runs.c.seed, runs.c.arrays).where(runs.c.experiment_id == experiment_id)
    return {row.seed: unpack(row.arrays, only=["response"])["response"] for row in tx.execute(query)}


def parameters(tx: Connection, experiment_id: str, seeds: Iterable[int]) -> dict[int, dict[str, np.ndarray]]:
    """The final parameters of some runs of an experiment, by seed and name."""
    query = select(runs.c.seed, runs.c.arrays).where(runs.c.experiment_id == experiment_id)
    wanted = set(seeds)  # which may be more than a query has room for
    return {row.seed: _parameters(unpack(row.arrays)) for row in tx.execute(query) if row.seed in wanted}


def drop(tx: Connection, experiment_id: str) -> None:
    """Forgets how the seeds ended."""
    tx.execute(_DROP, {"experiment": experiment_id})


def _row(run: RunResult) -> dict[str, object]:
    if unknown := run.summary.keys() - METRICS.keys():
        raise ValueError(f"summary of seed {run.seed} has unknown metrics: {', '.join(sorted(unknown))}")
    return {
        "seed": run.seed,
        "outcome": run.outcome,
        "steps": run.steps,
        **{name: value if math.isfinite(value := run.summary.get(name, math.nan)) else None for name in METRICS},
        "non_finite": {name: _word(value) for name, value in run.summary.items() if not math.isfinite(value)},
        "warnings": run.warnings,
        "arrays": pack(
            {
                "response": np.array(run.response, np.float64),
                "eigenvalues": np.array(run.eigenvalues, np.float64).reshape(-1, 2),
                "hankel_singular_values": np.array(run.hankel_singular_values, np.float64),
                **{PARAMETER + name: np.array(matrix, np.float64) for name, matrix in run.parameters.items()},
            }
        ),
    }


def _word(value: float) -> str:
    """The word that a non-finite number travels as."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _summary(row: AnyRow) -> dict[str, float]:
    non_finite: Mapping[str, str] = row.non_finite
    values = {name: getattr(row, name) if name not in non_finite else float(non_finite[name]) for name in METRICS}
    return {name: value for name, value in values.items() if value is not None}


def _result(row: AnyRow) -> RunResult:
    arrays = unpack(row.arrays)
    return RunResult(
        seed=row.seed,
        outcome=Outcome(row.outcome),
        steps=row.steps,
        parameters={name: array.tolist() for name, array in _parameters(arrays).items()},
        summary=_summary(row),
        warnings=row.warnings,
        **{name: array.tolist() for name, array in arrays.items() if not name.startswith(PARAMETER)},
    )


def _parameters(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(PARAMETER): array for name, array in arrays.items() if name.startswith(PARAMETER)}
