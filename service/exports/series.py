"""The recorded points of one experiment as a file: thinned, flattened, and written in batches."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from core import thinning
from core.result import SERIES
from core.spec import ExperimentSpec, channels
from service import schemas
from service.exports.encoding import FileFormat, encode
from store.arrays.packed import listed
from store.query.export_rows import Column
from store.query.fields import Kind

Columns = Mapping[str, np.ndarray]

KEYS = ("seed", "step")
NUMBERS_PER_BATCH = 200_000
"""As text or Python objects, numbers take ten times the memory of an array."""

SeriesFormat = Literal["json", "csv", "parquet", "arrow", "arrows"]


def parts(form: SeriesFormat, columns: Columns, spec: ExperimentSpec) -> Iterator[bytes]:
    """The parts of the file."""
    return _json(columns) if form == "json" else _file(form, columns, spec)


def digest(form: SeriesFormat, columns: Columns) -> str:
    """A digest of everything that decides the bytes of the file."""
    hasher = hashlib.sha256(form.encode())
    for name, column in columns.items():
        hasher.update(f"{name} {column.dtype} {column.shape} ".encode())
        hasher.update(np.ascontiguousarray(column).data)
    return hasher.hexdigest()


def of_seeds(columns: Columns, seeds: list[int]) -> Columns:
    """The rows of these seeds."""
    return _rows(columns, np.isin(columns["seed"], seeds))


def thinned(columns: Columns, max_points: int) -> Columns:
    """At most ``max_points`` rows of each seed, with the extremes of its metrics.

    :mod:`core.thinning` chooses them.
    """
    metrics = [name for name in columns if name in SERIES]
    values = (
        np.array([columns[name] for name in metrics]).reshape(len(metrics), len(columns["step"])).T
    )
    kept = [
        rows[thinning.thinned(columns["step"][rows], values[rows], max_points)]
        for rows in rows_by_seed(columns["seed"]).values()
    ]
    return _rows(columns, np.concatenate([np.empty(0, np.int64), *kept]))


def rows_by_seed(seeds: np.ndarray) -> dict[int, np.ndarray]:
    """The indices of each seed's rows, from the seed of each row, sorted."""
    distinct, starts = np.unique(seeds, return_index=True)
    rows = np.split(np.arange(len(seeds)), starts[1:])
    return dict(zip(distinct.tolist(), rows, strict=False))  # without seeds, one empty part


def _rows(columns: Columns, chosen: np.ndarray) -> Columns:
    return {name: column[chosen] for name, column in columns.items()}


def _file(form: FileFormat, columns: Columns, spec: ExperimentSpec) -> Iterator[bytes]:
    flat = _flat(columns, spec)
    file_columns = [Column(name, Kind.WHOLE if name in KEYS else Kind.REAL) for name in flat]
    return encode(form, file_columns, _batches(flat))


def _json(columns: Columns) -> Iterator[bytes]:
    """The columns as one JSON object of lists."""
    for number, (name, column) in enumerate(columns.items()):
        yield (b"," if number else b"{") + schemas.to_json(name) + b":["
        shaped = without_single_channel(column)
        for place, batch in enumerate(_batches({name: shaped})):
            yield (b"," if place else b"") + schemas.to_json(listed(batch[name]))[1:-1]
        yield b"]"
    yield b"}"


def _batches(columns: Columns) -> Iterator[Columns]:
    """The rows in batches of about :data:`NUMBERS_PER_BATCH` numbers."""
    row_count = len(next(iter(columns.values())))
    number_count = sum(column.size for column in columns.values())
    rows_per_batch = max(1, NUMBERS_PER_BATCH * row_count // max(1, number_count))
    for first in range(0, row_count, rows_per_batch):
        yield {name: column[first : first + rows_per_batch] for name, column in columns.items()}


def without_single_channel(column: np.ndarray) -> np.ndarray:
    """Responses (rows, q, p, m) as (rows, q) if p = m = 1; other columns as they are."""
    return column[..., 0, 0] if column.shape[2:] == (1, 1) else column


def _flat(columns: Columns, spec: ExperimentSpec) -> Columns:
    """The columns, with one for each number of a trajectory.

    These are ``response_j``, or ``response_j_o_i`` for output o and input i if there are several
    channels, and ``eigenvalue_i_re``, ``eigenvalue_i_im``.
    """
    m, p = channels(spec.teacher)
    entries = [""] if m * p == 1 else [f"_{o}_{i}" for o in range(p) for i in range(m)]
    names = {
        "response": [f"response_{j}{entry}" for j in range(spec.horizon) for entry in entries],
        "eigenvalues": [
            f"eigenvalue_{i}_{part}" for i in range(spec.student.dim) for part in ("re", "im")
        ],
    }
    flat: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        if name in names:
            flat |= zip(names[name], column.reshape(len(column), len(names[name])).T, strict=True)
        else:
            flat[name] = column
    return flat
