"""Results of completed experiments, and series from the first recorded point on."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import Column, Connection

from core.arrays import unpack
from core.result import SERIES, BaselineResult, ExperimentResult, RunResult
from store.arrays import runs
from store.arrays import series as chunks
from store.db.tables import AnyRow, experiments
from store.errors import NoArrays, NotReady
from store.experiments import rows
from store.records import ELSEWHERE, Experiment
from store.states import State


def result(tx: Connection, experiment_id: str) -> ExperimentResult:
    """The result of a completed experiment, exactly as computed, with empty series.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
        NoArrays: It was imported.
    """
    row = _get_completed(
        tx,
        experiment_id,
        experiments.c.teacher_response,
        experiments.c.baselines,
        experiments.c.spec,
    )
    run_results = runs.read_results(tx, experiment_id)
    return ExperimentResult(
        teacher_response=_response(row).tolist(),
        runs=[run_results[seed] for seed in row.spec["seeds"]],
        baselines=_baselines(row),
        series={},
    )


def of_import(experiment: Experiment) -> ExperimentResult:
    """The result of an imported experiment: its outcomes and metrics, with empty arrays."""
    runs_without_arrays = [
        RunResult(
            seed=run.seed,
            outcome=run.outcome,
            steps=run.steps,
            response=[],
            eigenvalues=[],
            hankel_singular_values=[],
            parameters={},
            summary=dict(run.summary),
            warnings=list(run.warnings),
        )
        for run in experiment.runs
        if run.outcome is not None and run.steps is not None
    ]
    return ExperimentResult(teacher_response=[], runs=runs_without_arrays, series={})


def responses(tx: Connection, experiment_id: str) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """The teacher's response and each run's by seed, (q,) or (q, p, m), without reading parameters.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
        NoArrays: It was imported.
    """
    row = _get_completed(tx, experiment_id, experiments.c.teacher_response)
    return _response(row), runs.read_responses(tx, experiment_id)


def baselines(tx: Connection, experiment_id: str) -> list[BaselineResult]:
    """The results of the baselines on the data of a completed experiment.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
        NoArrays: It was imported.
    """
    return _baselines(_get_completed(tx, experiment_id, experiments.c.baselines))


def series(
    tx: Connection,
    experiment_id: str,
    trajectories: Iterable[str] = (),
    *,
    names: Iterable[str] = SERIES,
    since_step: int = -1,
) -> dict[str, np.ndarray]:
    """The points recorded so far in long form, by seed and step: ``seed``, ``step`` and ``names``.

    Args:
        tx: An open transaction.
        experiment_id: The experiment.
        trajectories: Columns of ``evaluation.record`` to read too: ``response`` (rows, q, p, m),
            ``eigenvalues`` (rows, d, 2). A column that wasn't requested, or has no points yet, is
            empty.
        names: The metrics to read, of :data:`core.result.SERIES`.
        since_step: Only points after this step; -1 for all.

    Raises:
        NotFound: There is no such experiment.
    """
    rows.get(tx, experiment_id, experiments.c.id)
    return chunks.read(tx, experiment_id, trajectories, names=names, since_step=since_step)


def _get_completed(tx: Connection, experiment_id: str, *columns: Column[Any]) -> AnyRow:
    row = rows.get(tx, experiment_id, experiments.c.state, experiments.c.device, *columns)
    if row.state != State.COMPLETED:
        raise NotReady(row.state)
    if row.device == ELSEWHERE:
        raise NoArrays
    return row


def _response(row: AnyRow) -> np.ndarray:
    return unpack(row.teacher_response)["response"]


def _baselines(row: AnyRow) -> list[BaselineResult]:
    return [BaselineResult.model_validate(baseline) for baseline in row.baselines or ()]
