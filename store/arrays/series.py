"""The recorded points of an experiment: immutable chunks in long form, in recording order.

A checkpoint records the number of chunks before it. A resumed attempt drops the later ones and
records them again.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select

from core.arrays import unpack
from core.result import SERIES
from store.arrays.packed import COLUMNS, KEYS, MISSING, SeriesChunk, column_dtype
from store.db.tables import series_chunks

IDS_PER_QUERY = 25
"""Most experiments whose points one statement reads; one can have megabytes."""

LIVE_METRICS = (
    "train_loss",
    "fit_error",
    "extrapolation_error",
    "relative_extrapolation_error",
)
"""The metrics of :func:`newest`."""

MAX_LIVE_SEEDS = 100
"""Most seeds whose newest points are read: they are read at every poll, for every reader."""

MAX_LIVE_ROWS = 20_000
"""Most points of a chunk that is unpacked to find the newest."""

_EARLIER_NAMES = {"gauss_newton_sharpness": "sharpness"}
"""The name that a metric had in chunks without a column of its present name."""

_of_experiment = series_chunks.c.experiment_id == bindparam("experiment")
_LAST = select(series_chunks).where(_of_experiment).order_by(series_chunks.c.number.desc()).limit(1)
_PAYLOADS = (
    select(series_chunks.c.payload)
    .where(_of_experiment, series_chunks.c.last_step > bindparam("since_step"))
    .order_by(series_chunks.c.number)
)
_APPEND = insert(series_chunks)
_TRUNCATE = delete(series_chunks).where(
    _of_experiment, series_chunks.c.number >= bindparam("first")
)


def append(tx: Connection, experiment_id: str, attempt: int, chunk: SeriesChunk | None) -> int:
    """Stores the next chunk, if there is one; returns the number of chunks.

    A chunk that is sent again, because the first answer was lost, is stored once.
    """
    last = tx.execute(_LAST, {"experiment": experiment_id}).first()
    count = 0 if last is None else int(last.number) + 1
    if chunk is None:
        return count
    values = {"attempt": attempt, **vars(chunk)}
    if last is not None and all(getattr(last, name) == value for name, value in values.items()):
        return count
    tx.execute(_APPEND, {"experiment_id": experiment_id, "number": count, **values})
    return count + 1


def truncate(tx: Connection, experiment_id: str, chunks: int) -> None:
    """Keeps the first ``chunks`` chunks and drops the rest."""
    tx.execute(_TRUNCATE, {"experiment": experiment_id, "first": chunks})


def read(
    tx: Connection,
    experiment_id: str,
    trajectories: Iterable[str] = (),
    *,
    names: Iterable[str] = SERIES,
    since_step: int = -1,
) -> dict[str, np.ndarray]:
    """The recorded points in long form, sorted by seed and then by step.

    Args:
        tx: An open transaction.
        experiment_id: The experiment.
        trajectories: Trajectories to read, if they were recorded.
        names: Metrics to read; one that is newer than the recording is MISSING.
        since_step: Only points after this step; chunks without any are not read.

    Returns:
        Columns of equal length: ``seed``, ``step``, the metrics and the trajectories.
    """
    names = (*KEYS, *names, *trajectories)
    payloads = tx.scalars(_PAYLOADS, {"experiment": experiment_id, "since_step": since_step})
    columns = _joined(payloads, names)
    if since_step < 0:
        return columns
    is_after = columns["step"] > since_step
    return {name: column[is_after] for name, column in columns.items()}


def read_many(
    tx: Connection, experiment_ids: Sequence[str], *, names: Iterable[str]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The points of each experiment that has any, as :func:`read` returns them, in no order."""
    names, c = (*KEYS, *names), series_chunks.c
    query = select(c.experiment_id, c.payload).order_by(c.experiment_id, c.number)
    for start in range(0, len(experiment_ids), IDS_PER_QUERY):
        batch = list(experiment_ids[start : start + IDS_PER_QUERY])
        rows = tx.execute(query.where(c.experiment_id.in_(batch)))
        for experiment_id, chunks in itertools.groupby(rows, key=lambda row: row.experiment_id):
            yield experiment_id, _joined((chunk.payload for chunk in chunks), names)


def newest(tx: Connection, experiment_ids: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """The newest recorded point of each seed that was still running when a chunk was last stored.

    Returns:
        By experiment, columns of equal length: ``seed``, ``step`` and :data:`LIVE_METRICS`, sorted
        by seed. Experiments without points, with more than :data:`MAX_LIVE_SEEDS` such seeds or a
        chunk of more than :data:`MAX_LIVE_ROWS` points have none.
    """
    names, c = (*KEYS, *LIVE_METRICS), series_chunks.c
    last = select(c.experiment_id, func.max(c.number).label("number")).group_by(c.experiment_id)
    points: dict[str, dict[str, np.ndarray]] = {}
    for start in range(0, len(experiment_ids), IDS_PER_QUERY):
        batch = list(experiment_ids[start : start + IDS_PER_QUERY])
        newest_chunks = last.where(c.experiment_id.in_(batch)).subquery()
        is_newest = and_(
            c.experiment_id == newest_chunks.c.experiment_id, c.number == newest_chunks.c.number
        )
        query = select(c.experiment_id, c.payload).join(newest_chunks, is_newest)
        for row in tx.execute(query.where(c.rows <= MAX_LIVE_ROWS)):
            columns = _joined([row.payload], names)
            is_last = np.append(np.diff(columns["seed"]) != 0, True)
            if is_last.sum() <= MAX_LIVE_SEEDS:
                points[row.experiment_id] = {
                    name: column[is_last] for name, column in columns.items()
                }
    return points


def _joined(payloads: Iterable[bytes], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The columns of all chunks, sorted by seed and then by step."""
    stored = {*names, *(_EARLIER_NAMES[name] for name in names if name in _EARLIER_NAMES)}
    chunks = [_columns(unpack(payload, only=stored), names) for payload in payloads] or [_EMPTY]
    columns = {
        name: np.concatenate([chunk[name] for chunk in chunks])
        for name in names
        if name in chunks[0]
    }
    order = np.lexsort((columns["step"], columns["seed"]))
    return {name: column[order] for name, column in columns.items()}


def _columns(chunk: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, np.ndarray]:
    """The named columns of a chunk, with MISSING for metrics that it lacks."""
    missing = np.full(chunk["step"].shape, MISSING)
    for name, earlier in _EARLIER_NAMES.items():
        if name not in chunk and earlier in chunk:
            chunk = {**chunk, name: chunk[earlier], earlier: missing}
    return {name: chunk.get(name, missing) for name in names if name in chunk or name in COLUMNS}


_EMPTY = {name: np.empty(0, column_dtype(name)) for name in COLUMNS}
