"""What came out of an experiment: its result once it is completed, its series from the first recorded point on."""

from collections.abc import Iterable

import numpy as np
from sqlalchemy import Connection

from core.arrays import unpack
from core.result import BaselineResult, ExperimentResult
from store import chunks, rows, runs
from store.errors import NotReady
from store.states import State
from store.tables import experiments


def result(tx: Connection, experiment_id: str) -> ExperimentResult:
    """The result of a completed experiment, exactly as it was computed; its series are left empty.

    Raises:
        NotFound: There is no such experiment.
        NotReady: It isn't completed.
    """
    columns = experiments.c
    row = rows.one(tx, experiment_id, columns.state, columns.teacher_response, columns.baselines, columns.spec)
    if row.state != State.COMPLETED:
        raise NotReady(row.state)
    ended = runs.results(tx, experiment_id)
    return ExperimentResult(
        teacher_response=unpack(row.teacher_response)["response"].tolist(),
        runs=[ended[seed] for seed in row.spec["seeds"]],
        baselines=[BaselineResult.model_validate(baseline) for baseline in row.baselines or ()],
        series={},
    )


def series(tx: Connection, experiment_id: str, trajectories: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """All recorded points so far in long form, by seed and step: ``seed``, ``step`` and :data:`core.result.SERIES`.

    Args:
        tx: An open transaction.
        experiment_id: Which one.
        trajectories: What else to read of that which ``evaluation.record`` asked for: ``response`` (rows, q, p, m),
            ``eigenvalues`` (rows, d, 2). Where nothing is recorded yet, or it wasn't asked for, a column has no rows.

    Raises:
        NotFound: There is no such experiment.
    """
    rows.one(tx, experiment_id, experiments.c.id)
    return chunks.read(tx, experiment_id, trajectories)
