"""Named arrays as bytes and back: NumPy's npz, exact, never pickled. So are checkpoints, series and results stored."""

import io
from collections.abc import Collection, Mapping

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


def unpack(data: bytes, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays that :func:`pack` packed, or those of these names, without the work of reading the others.

    Raises:
        ValueError: Something would need pickle.

    Example:
        >>> unpack(pack({"x": np.array([1.0]), "y": np.array([2.0])}), only=["y", "z"])
        {'y': array([2.])}
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if only is None or name in only}
