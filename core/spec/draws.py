"""Draws of axes: numbers in [0, 1) that depend on a seed and on paths alone, on every machine.

The first numbers stay when more are drawn, and those of one path whichever others there are.

Sobol points are those of Joe and Kuo (2008), shifted digit by digit at random, so that they keep
their low discrepancy. They are made here because clients have no SciPy.
"""

from collections.abc import Sequence

import numpy as np

BITS = 32
"""Binary digits of a coordinate of a Sobol point."""

# For each dimension after the first: the coefficients of its primitive polynomial, as the bits
# between the first and the last, and its initial direction numbers.
_POLYNOMIALS = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
    (4, (1, 3, 5, 13)),
    (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)),
    (11, (1, 1, 5, 1, 1)),
    (13, (1, 1, 1, 3, 11)),
    (14, (1, 3, 5, 5, 31)),
    (1, (1, 3, 3, 9, 7, 49)),
    (13, (1, 1, 1, 15, 21, 21)),
    (16, (1, 3, 1, 13, 27, 49)),
)

MAX_DIMENSIONS = 1 + len(_POLYNOMIALS)
"""Most dimensions of Sobol points."""


def random_numbers(seed: int, path: str, count: int) -> np.ndarray:
    """Independent uniform numbers, (count,)."""
    return (_stream(seed, path).random_raw(count) >> np.uint64(11)) * 2.0**-53


def sobol_numbers(seed: int, paths: Sequence[str], count: int) -> np.ndarray:
    """Scrambled Sobol points, (count, paths), with at most :data:`MAX_DIMENSIONS` paths."""
    shifts = [_stream(seed, path).random_raw() >> (64 - BITS) for path in paths]
    return (sobol_bits(len(paths), count) ^ np.array(shifts, np.uint64)) * 2.0**-BITS


def sobol_bits(dimensions: int, count: int) -> np.ndarray:
    """Sobol points times 2^32, (count, dimensions), in the order of the Gray code."""
    index = np.arange(count, dtype=np.uint64)
    gray = index ^ (index >> np.uint64(1))
    points = np.zeros((count, dimensions), np.uint64)
    for dimension in range(dimensions):
        for bit, direction in enumerate(_directions(dimension)[: count.bit_length()]):
            points[:, dimension] ^= (gray >> np.uint64(bit) & np.uint64(1)) * np.uint64(direction)
    return points


def _stream(seed: int, path: str) -> np.random.PCG64:
    return np.random.PCG64(np.random.SeedSequence([seed, *path.encode()]))


def _directions(dimension: int) -> list[int]:
    """The direction numbers of a dimension, times 2^32."""
    if dimension == 0:
        return [1 << (BITS - 1 - i) for i in range(BITS)]
    coefficients, initial = _POLYNOMIALS[dimension - 1]
    degree = len(initial)
    directions = [number << (BITS - 1 - i) for i, number in enumerate(initial)]
    for i in range(degree, BITS):
        last = directions[i - degree]
        direction = last ^ (last >> degree)
        for k in range(1, degree):
            if coefficients >> (degree - 1 - k) & 1:
                direction ^= directions[i - k]
        directions.append(direction)
    return directions
