"""Curves of ended runs: recorded points, responses and spectra."""

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Connection, select

from core.arrays import unpack
from store.arrays import series
from store.db.tables import experiments, run_arrays
from store.db.visible import visible_experiments

IDS_PER_QUERY = 200
"""Most experiments whose arrays one statement reads."""

Curve = tuple[str, int, np.ndarray, np.ndarray]
"""An experiment's id, a seed, the positions and the values at them."""


def read_series(tx: Connection, ids: Sequence[str], name: str, x: str = "step") -> Iterator[Curve]:
    """A recorded metric of each run of the experiments, by step or by training time.

    Points without a place on ``x``, ``step`` or ``time``, are left out.
    """
    names = [name] if x == "step" else [name, x]
    for experiment_id, points in series.read_many(tx, ids, names=names):
        seeds, starts = np.unique(points["seed"], return_index=True)
        ends = [*starts[1:], len(points["seed"])]
        for seed, start, end in zip(seeds.tolist(), starts, ends, strict=True):
            positions, values = points[x][start:end].astype(float), points[name][start:end]
            known = np.isfinite(positions)
            if known.any():
                yield experiment_id, seed, positions[known], values[known]


def read_arrays(tx: Connection, ids: Sequence[str], name: str) -> Iterator[Curve]:
    """A final array of each run of the experiments, by index along its first axis."""
    c = run_arrays.c
    query = select(c.experiment_id, c.seed, c.payload).order_by(c.seed)
    for batch in _batches(ids):
        for row in tx.execute(query.where(c.experiment_id.in_(batch))):
            array = unpack(row.payload, only=[name])[name]
            yield row.experiment_id, row.seed, np.arange(len(array), dtype=float), array


def read_teachers(tx: Connection, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """The responses of the experiments' teachers by experiment id: (q,) or (q, p, m).

    Imported experiments have none.
    """
    responses: dict[str, np.ndarray] = {}
    query = visible_experiments(experiments.c.id, experiments.c.teacher_response)
    for batch in _batches(ids):
        for row in tx.execute(query.where(experiments.c.id.in_(batch))):
            if row.teacher_response is not None:
                responses[row.id] = unpack(row.teacher_response)["response"]
    return responses


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), IDS_PER_QUERY):
        yield list(ids[start : start + IDS_PER_QUERY])
