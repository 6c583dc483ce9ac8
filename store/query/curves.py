"""Whole curves of runs that have ended: recorded points, responses, spectra."""

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Connection, select

from core.arrays import unpack
from store.arrays import series
from store.db.tables import experiments, run_arrays
from store.db.visible import visible_experiments

AT_ONCE = 200
"""Experiments whose arrays are read in one statement."""

Curve = tuple[str, int, np.ndarray, np.ndarray]
"""An experiment's id, a seed, where, and what is there."""


def of_series(tx: Connection, ids: Sequence[str], name: str) -> Iterator[Curve]:
    """A recorded metric of every run of these experiments, by step."""
    for experiment_id, points in series.several(tx, ids, names=[name]):
        seeds, begins = np.unique(points["seed"], return_index=True)
        ends = [*begins, len(points["seed"])][1:]
        for seed, begin, end in zip(seeds.tolist(), begins, ends, strict=True):
            yield (
                experiment_id,
                seed,
                points["step"][begin:end].astype(float),
                points[name][begin:end],
            )


def of_arrays(tx: Connection, ids: Sequence[str], name: str) -> Iterator[Curve]:
    """A final array of every run of these experiments, with its places along the first axis from 0 on."""
    own = run_arrays.c
    query = select(own.experiment_id, own.seed, own.payload).order_by(own.seed)
    for begin in range(0, len(ids), AT_ONCE):
        for row in tx.execute(
            query.where(own.experiment_id.in_(list(ids[begin : begin + AT_ONCE])))
        ):
            array = unpack(row.payload, only=[name])[name]
            yield row.experiment_id, row.seed, np.arange(len(array), dtype=float), array


def teachers(tx: Connection, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """The teachers' responses of these experiments, by id: (q,) or (q, p, m).

    Imported ones have none.
    """
    found: dict[str, np.ndarray] = {}
    query = visible_experiments(experiments.c.id, experiments.c.teacher_response)
    for begin in range(0, len(ids), AT_ONCE):
        rows = tx.execute(query.where(experiments.c.id.in_(list(ids[begin : begin + AT_ONCE]))))
        found |= {
            row.id: unpack(row.teacher_response)["response"]
            for row in rows
            if row.teacher_response is not None
        }
    return found
