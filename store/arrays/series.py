"""The recorded points of an experiment: immutable chunks in long form, in the order in which they were recorded.

A checkpoint remembers how many chunks came before it. A resumed attempt cuts the later ones and
records them again.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, bindparam, delete, insert, select

from core.arrays import unpack
from core.result import SERIES
from store.arrays.packed import COLUMNS, KEYS, SeriesChunk, column_dtype
from store.db.tables import series_chunks

IDS_PER_QUERY = 25
"""Experiments whose points are read in one statement; those of some take megabytes."""

_own = series_chunks.c.experiment_id == bindparam("experiment")
_LAST = select(series_chunks).where(_own).order_by(series_chunks.c.number.desc()).limit(1)
_APPEND = insert(series_chunks)
_CUT = delete(series_chunks).where(_own, series_chunks.c.number >= bindparam("first"))


def append(tx: Connection, experiment_id: str, attempt: int, chunk: SeriesChunk | None) -> int:
    """Stores the next chunk, if there is one; returns the number of chunks.

    A chunk that is sent twice, because the answer to the first was lost, is stored once.
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
    """Keeps the first so many chunks and drops the rest."""
    tx.execute(_CUT, {"experiment": experiment_id, "first": chunks})


def read(
    tx: Connection,
    experiment_id: str,
    trajectories: Iterable[str] = (),
    *,
    names: Iterable[str] = SERIES,
) -> dict[str, np.ndarray]:
    """All points, by seed and step: ``seed``, ``step``, ``names``, and those ``trajectories`` that were recorded.

    NaN stands for a metric that the software which recorded a point didn't have yet.
    """
    names = (*KEYS, *names, *trajectories)
    payloads = tx.scalars(
        select(series_chunks.c.payload)
        .where(series_chunks.c.experiment_id == experiment_id)
        .order_by(series_chunks.c.number)
    )
    return _joined(payloads, names)


def read_many(
    tx: Connection, experiment_ids: Sequence[str], *, names: Iterable[str]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The same of several experiments that have points, in no order, some of them in each statement."""
    names, c = (*KEYS, *names), series_chunks.c
    query = select(c.experiment_id, c.payload).order_by(c.experiment_id, c.number)
    for begin in range(0, len(experiment_ids), IDS_PER_QUERY):
        rows = tx.execute(
            query.where(c.experiment_id.in_(list(experiment_ids[begin : begin + IDS_PER_QUERY])))
        )
        for experiment_id, own in itertools.groupby(rows, key=lambda row: row.experiment_id):
            yield experiment_id, _joined((row.payload for row in own), names)


def _joined(payloads: Iterable[bytes], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The columns of chunks, by seed and step."""
    parts = [_of(unpack(payload, only=names), names) for payload in payloads] or [_EMPTY]
    columns = {
        name: np.concatenate([part[name] for part in parts]) for name in names if name in parts[0]
    }
    order = np.lexsort((columns["step"], columns["seed"]))
    return {name: column[order] for name, column in columns.items()}


def _of(part: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, np.ndarray]:
    unknown = np.full(part["step"].shape, np.nan)
    return {name: part.get(name, unknown) for name in names if name in part or name in COLUMNS}


_EMPTY = {name: np.empty(0, column_dtype(name)) for name in COLUMNS}
