"""The least loss of a balanced student: least squares over nonnegative weights.

The response of a student with C = Bᵀ and symmetric A is h_j = Σ_i w_i λ_i^j with w_i >= 0, so no
such student, of whatever dimension, has a smaller loss than the nearest such sequence to ĥ.
"""

import numpy as np

from core.shapes import Float64

REACH, POLES = 1.5, 3001
"""The poles of the search: evenly spaced on [-1.5, 1.5]."""

_TOLERANCE = 1e-9
_STEPS = 1000


def least_balanced_loss(response: Float64[np.ndarray, " k"]) -> float:
    """The least Σ_j (h_j - ĥ_j)² over h_j = Σ_i w_i λ_i^j, w_i >= 0, λ_i on the search's poles.

    By the active-set method of Lawson and Hanson (1974, chapter 23). SciPy has it too, but the API
    judges claims and never loads SciPy, for its memory.

    Args:
        response: ĥ_0 .. ĥ_{k-1}, (k,).

    Raises:
        ArithmeticError: The active set did not settle.

    Example:
        >>> least_balanced_loss(np.array([-1.0, 0.0, 0.0]))
        1.0
        >>> least_balanced_loss(0.7 * 0.9 ** np.arange(5)) < 1e-12
        True
    """
    V = np.vander(np.linspace(-REACH, REACH, POLES), len(response), increasing=True).T
    V /= np.linalg.norm(V, axis=0)
    chosen: list[int] = []
    weights = np.zeros(0)
    for _ in range(_STEPS):
        residual = response - V[:, chosen] @ weights
        gains = V.T @ residual
        gains[chosen] = -np.inf
        best = int(gains.argmax())
        if gains[best] <= _TOLERANCE * np.abs(response).max():
            return float(residual @ residual)
        chosen, weights = _nonnegative(V, response, [*chosen, best], np.append(weights, 0.0))
    raise ArithmeticError("the active set of the nonnegative least squares did not settle")


def _nonnegative(
    V: Float64[np.ndarray, "k n"],
    response: Float64[np.ndarray, " k"],
    chosen: list[int],
    weights: np.ndarray,
) -> tuple[list[int], np.ndarray]:
    """The least squares over the chosen columns; drops those that would get negative weights."""
    while True:
        target = np.linalg.lstsq(V[:, chosen], response, rcond=None)[0]
        if (target > 0).all():
            return chosen, target
        falling = target <= 0
        steps = weights[falling] / (weights[falling] - target[falling])
        weights = weights + steps.min() * (target - weights)
        kept = weights > _TOLERANCE * weights.max()
        chosen = [column for column, stays in zip(chosen, kept, strict=True) if stays]
        weights = weights[kept]
