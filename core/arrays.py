"""Named arrays as bytes and back: NumPy's npz, exact, never pickled. So are checkpoints, series and results stored."""

import io
from collections.abc import Mapping

import numpy as np


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as a compressed npz.

    Example:
        >>> unpack(pack({"x": np.array([1.0, np.nan])}))["x"]
        array([ 1., nan])
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))  # type: ignore[arg-type]  # its stub takes a name for allow_pickle
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays that :func:`pack` packed; raises ValueError for anything that would need pickle."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)
