"""What a method found."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from core.losses import Target
from core.systems import LinearSystem, impulse_response


@dataclass(frozen=True)
class Estimate:
    """A method's answer.

    Attributes:
        response: h_0 .. h_{q-1}, (q, p, m).
        order: How many states it took.
        A: Its transition matrix; 0 x 0 where it has none.
        note: What was chosen on the way, in a sentence.
    """

    response: np.ndarray
    order: int
    A: np.ndarray
    note: str

    @classmethod
    def of(cls, system: LinearSystem, horizon: int, note: str) -> Self:
        """The answer is a system; one without states is silent."""
        order = len(system.A)
        shape = (horizon, len(system.C), system.B.shape[1])
        return cls(
            impulse_response(system, horizon) if order else np.zeros(shape), order, system.A, note
        )

    @classmethod
    def none(cls, target: Target, note: str) -> Self:
        """There is no answer, for the reason in the note."""
        return cls(np.full(target.response.shape, np.nan), 0, np.zeros((0, 0)), note)


def order_of(values: np.ndarray, tolerance: float) -> int:
    """How many of the falling singular values are above ``tolerance`` x the first."""
    return int((values > tolerance * values[0]).sum()) if values.size and values[0] > 0 else 0


def hankel(response: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The block Hankel matrix (h_{r+s}), r < rows, s < columns, of h (n, p, m): (rows p) x (columns m)."""
    p, m = response.shape[1:]
    blocks = response[np.arange(rows)[:, None] + np.arange(columns)]
    return blocks.transpose(0, 2, 1, 3).reshape(rows * p, columns * m)
