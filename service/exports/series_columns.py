"""The recorded points of an experiment in columns over one axis of steps, as charts need them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from core.errors import Problem
from core.result import SERIES
from core.thinning import thinned
from service import schemas
from service.exports.series import Columns, of_seeds, rows_by_seed, without_single_channel
from service.http.errors import Invalid
from store.arrays.packed import TRAJECTORIES, listed
from store.experiments import results

MAX_NUMBERS = 2_000_000
"""Most numbers of an answer in columns: some 40 MB of JSON."""

MAX_CELLS = 20_000_000
"""Most steps x seeds x metrics that are aligned to choose which steps to keep."""


def read(
    tx: Connection,
    experiment_id: str,
    names: Sequence[str],
    *,
    seeds: Iterable[int] | None = None,
    since_step: int = -1,
    max_points: int | None = None,
) -> schemas.SeriesColumns:
    """The points of an experiment in columns.

    Args:
        tx: An open transaction.
        experiment_id: The experiment.
        names: Metrics and recorded trajectories.
        seeds: The seeds to read; None for all.
        since_step: Only points after this step; -1 for all.
        max_points: Most steps to keep, at least 2; None for all.

    Raises:
        NotFound: There is no such experiment.
        Invalid: There are too many numbers.
    """
    trajectories = [name for name in names if name in TRAJECTORIES]
    metrics = [name for name in names if name in SERIES]
    points: Columns = results.series(
        tx, experiment_id, trajectories, names=metrics, since_step=since_step
    )
    if seeds is not None:
        points = of_seeds(points, [*seeds])
    return in_columns(points, names, max_points)


def in_columns(
    points: Columns, names: Sequence[str], max_points: int | None
) -> schemas.SeriesColumns:
    """Points in long form, as columns over all their steps; raises Invalid if they are too many."""
    steps, place = np.unique(points["step"], return_inverse=True)
    rows = rows_by_seed(points["seed"])
    metrics = [name for name in names if name in SERIES]
    kept = np.arange(len(steps))
    if max_points is not None and len(steps) > max_points:
        check_cells(len(steps) * len(rows) * len(metrics))
        values = np.full((len(steps), len(rows), len(metrics)), np.nan)
        for seed, of_seed in enumerate(rows.values()):
            for metric, name in enumerate(metrics):
                values[place[of_seed], seed, metric] = points[name][of_seed]
        ends = [place[of_seed[end]] for of_seed in rows.values() for end in (0, -1)]
        flat = values.reshape(len(steps), len(rows) * len(metrics))
        kept = thinned(steps, flat, max_points, ends=np.array(ends))
    numbers = len(kept) * sum(points[name][:1].size for name in names if name in points) * len(rows)
    if numbers > MAX_NUMBERS:
        most = MAX_NUMBERS * len(kept) // numbers
        message = f"the answer would have {numbers:,} numbers: name fewer metrics or seeds" + (
            f", or ask for at most {most} points" if most >= 2 else ""
        )
        raise Invalid(
            Problem("/query/max_points", "too_many_numbers", message, allowed=f"{MAX_NUMBERS:,}")
        )
    position = np.full(len(steps), -1)
    position[kept] = np.arange(len(kept))
    return schemas.SeriesColumns(
        step=steps[kept].tolist(),
        seeds={
            str(seed): {
                name: _aligned(points.get(name), of_seed, position[place[of_seed]], len(kept))
                for name in names
            }
            for seed, of_seed in rows.items()
        },
        thinned=len(kept) < len(steps),
        of=len(steps),
    )


def _aligned(
    column: np.ndarray | None, rows: np.ndarray, positions: np.ndarray, length: int
) -> list[Any]:
    """The rows of a column at their positions, -1 for none; None elsewhere and where missing."""
    aligned: list[Any] = [None] * length
    if column is not None:
        is_kept = positions >= 0
        kept = without_single_channel(column[rows[is_kept]])
        for position, value in zip(positions[is_kept].tolist(), listed(kept), strict=True):
            aligned[position] = value
    return aligned


def check_cells(cells: int) -> None:
    """Raises Invalid for more than :data:`MAX_CELLS` numbers, before they are aligned."""
    if cells > MAX_CELLS:
        message = f"thinning would align {cells:,} numbers: name fewer metrics or seeds"
        raise Invalid(
            Problem("/query/names", "too_many_numbers", message, allowed=f"{MAX_CELLS:,}")
        )
