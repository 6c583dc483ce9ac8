"""Named arrays as bytes and back, exact and never pickled.

So are checkpoints, series and results stored.

A number of 4 bytes, so many bytes of header, then the arrays, each deflated by itself, so that some
can be read without the work of the others. The header, deflated too, is JSON: name, type, shape and
number of bytes of each, and a 1 where the array is so short that it stands there as it is. NumPy's
npz, which holds the same, takes seven times as long where arrays are short, and 180 bytes more for
each.
"""

import json
import math
import zlib
from collections.abc import Collection, Mapping

import numpy as np

_NUMBERS = "biuf"
"""Kinds of types: booleans, whole numbers with and without sign, floating-point numbers."""

LARGEST = 4 * 2**30
"""Bytes of one array: as much as a whole experiment may take."""

_LONGEST_HEADER = 2**20

_FAST = 1
"""The level of compression; higher ones take several times as long for a few per cent."""

_SHORT = 512
"""Bytes that aren't worth deflating: it takes as long for ten numbers as for a thousand."""


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as bytes.

    Raises:
        TypeError: One of them doesn't hold numbers.

    Example:
        >>> unpack(pack({"x": np.array([1.0, np.nan])}))["x"]
        array([ 1., nan])
    """
    header, bodies = [], []
    for name, array in arrays.items():
        if array.dtype.kind not in _NUMBERS:
            raise TypeError(f"arrays of numbers can be packed; {name} is of type {array.dtype}")
        plain = array.nbytes <= _SHORT
        bodies.append(array.tobytes() if plain else zlib.compress(array.tobytes(), _FAST))
        header.append(
            [name, array.dtype.str, array.shape, len(bodies[-1]), *([1] if plain else [])]
        )
    described = zlib.compress(json.dumps(header).encode(), _FAST)
    return b"".join([len(described).to_bytes(4), described, *bodies])


def unpack(data: bytes, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays that :func:`pack` packed, or those of these names, without the work of reading the others.

    No more memory is taken than the arrays say that they need, nor any for one of more than
    :data:`LARGEST` bytes.

    Raises:
        ValueError: The bytes are damaged.

    Example:
        >>> unpack(pack({"x": np.array([1.0]), "y": np.array([2.0])}), only=["y", "z"])
        {'y': array([2.])}
    """
    view = memoryview(data)
    place = 4 + int.from_bytes(view[:4])
    found: dict[str, np.ndarray] = {}
    try:
        for name, kind, shape, length, *plain in json.loads(
            _inflated(view[4:place], _LONGEST_HEADER)
        ):
            if only is None or name in only:
                body, size = (
                    view[place : place + length],
                    np.dtype(kind).itemsize * math.prod(shape),
                )
                content = bytearray(
                    body if plain else _inflated(body, size)
                )  # one that may be changed
                found[name] = np.frombuffer(content, np.dtype(kind)).reshape(shape)
            place += length
    except (zlib.error, ValueError, TypeError) as error:
        raise ValueError(f"packed arrays are damaged: {error}") from error
    return found


def _inflated(body: memoryview, most: int) -> bytes:
    """What was deflated, if it is whole and at most so long; raises ValueError."""
    if not 0 <= most <= LARGEST:
        raise ValueError(f"an array would be of {most} bytes")
    inflate = zlib.decompressobj()
    content = inflate.decompress(body, most + 1)
    if len(content) > most or not inflate.eof:
        raise ValueError(f"something isn't whole, or longer than {most} bytes")
    return content
