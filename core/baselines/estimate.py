"""The estimate that a baseline makes, and what the methods share."""

from dataclasses import dataclass

import numpy as np

from core.losses import Target
from core.shapes import Float64
from core.systems import LinearSystem, impulse_response


@dataclass(frozen=True)
class Estimate:
    """The estimate of one method.

    Attributes:
        response: h_0 .. h_{q-1}, (q, p, m).
        order: The number of its states.
        A: Its transition matrix; 0 x 0 if it has none.
        note: The choices that the method made, in a sentence.
    """

    response: Float64[np.ndarray, "q p m"]
    order: int
    A: Float64[np.ndarray, "d d"]
    note: str

    @classmethod
    def of_system(cls, system: LinearSystem, horizon: int, note: str) -> "Estimate":
        """The estimate by a system; one without states has a zero response."""
        order = len(system.A)
        if order:
            response = impulse_response(system, horizon)
        else:
            response = np.zeros((horizon, len(system.C), system.B.shape[1]))
        return cls(response, order, system.A, note)

    @classmethod
    def missing(cls, target: Target, note: str) -> "Estimate":
        """No estimate, for the reason in the note."""
        return cls(np.full(target.response.shape, np.nan), 0, np.zeros((0, 0)), note)

    @classmethod
    def too_long(cls, target: Target, longest: int) -> "Estimate":
        """No estimate, as the training length exceeds the longest that the method takes."""
        return cls.missing(target, f"It is computed up to k = {longest}; k = {target.length}.")


def numerical_rank(values: Float64[np.ndarray, " n"], tolerance: float) -> int:
    """The number of singular values, in falling order, above ``tolerance`` x the first."""
    return int((values > tolerance * values[0]).sum()) if values.size and values[0] > 0 else 0


def order_by_gap(values: Float64[np.ndarray, " n"], tolerance: float) -> int:
    """The number of singular values, in falling order, before their largest relative fall.

    It is at most :func:`numerical_rank`, which needs no fall.
    """
    rank = numerical_rank(values, tolerance)
    if rank < 2:
        return rank
    kept = values[:rank]
    return int(np.argmax(kept[:-1] / kept[1:])) + 1


def hankel(
    response: Float64[np.ndarray, "n p m"], rows: int, columns: int
) -> Float64[np.ndarray, "{rows}*p {columns}*m"]:
    """The block Hankel matrix (h_{r+s}), r < rows, s < columns, of h (n, p, m).

    It is (rows p) x (columns m).
    """
    p, m = response.shape[1:]
    blocks = response[np.arange(rows)[:, None] + np.arange(columns)]
    return blocks.transpose(0, 2, 1, 3).reshape(rows * p, columns * m)
