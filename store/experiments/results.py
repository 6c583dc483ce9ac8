"""What came out of an experiment: its result once it is completed, its series from the first recorded point on."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import Column, Connection

from core.arrays import unpack
from core.result import SERIES, BaselineResult, ExperimentResult
from store.arrays import runs
from store.arrays import series as chunks
from store.db.tables import AnyRow, experiments
from store.errors import NoArrays, NotReady
from store.experiments import rows
from store.records import ELSEWHERE
from store.states import State


def result(tx: Connection, experiment_id: str) -> ExperimentResult:
    """The result of a completed experiment, exactly as it was computed; its series are left empty.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
        NoArrays: It was imported.
    """
    row = _completed(
        tx,
        experiment_id,
        experiments.c.teacher_response,
        experiments.c.baselines,
        experiments.c.spec,
    )
    ended = runs.read_results(tx, experiment_id)
    return ExperimentResult(
        teacher_response=_response(row).tolist(),
        runs=[ended[seed] for seed in row.spec["seeds"]],
        baselines=_baselines(row),
        series={},
    )


def responses(tx: Connection, experiment_id: str) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """The teacher's response, and each run's by seed: (q,), or (q, p, m).

    Parameters, which may be large, aren't read.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
    """
    row = _completed(tx, experiment_id, experiments.c.teacher_response)
    return _response(row), runs.read_responses(tx, experiment_id)


def baselines(tx: Connection, experiment_id: str) -> list[BaselineResult]:
    """What the baselines of a completed experiment made of its data.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
    """
    return _baselines(_completed(tx, experiment_id, experiments.c.baselines))


def series(
    tx: Connection,
    experiment_id: str,
    trajectories: Iterable[str] = (),
    *,
    names: Iterable[str] = SERIES,
) -> dict[str, np.ndarray]:
    """All recorded points so far in long form, by seed and step: ``seed``, ``step`` and ``names``.

    Args:
        tx: An open transaction.
        experiment_id: Which one.
        trajectories: What else to read of that which ``evaluation.record`` asked for: ``response``
            (rows, q, p, m), ``eigenvalues`` (rows, d, 2). Where nothing is recorded yet, or it
            wasn't asked for, a column has no rows.
        names: The metrics to read, of :data:`core.result.SERIES`.

    Raises:
        NotFound: There is no such experiment.
    """
    rows.one(tx, experiment_id, experiments.c.id)
    return chunks.read(tx, experiment_id, trajectories, names=names)


def _completed(tx: Connection, experiment_id: str, *columns: Column[Any]) -> AnyRow:
    row = rows.one(tx, experiment_id, experiments.c.state, experiments.c.device, *columns)
    if row.state != State.COMPLETED:
        raise NotReady(row.state)
    if row.device == ELSEWHERE:
        raise NoArrays
    return row


def _response(row: AnyRow) -> np.ndarray:
    return unpack(row.teacher_response)["response"]


def _baselines(row: AnyRow) -> list[BaselineResult]:
    return [BaselineResult.model_validate(baseline) for baseline in row.baselines or ()]
