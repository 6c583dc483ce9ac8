"""Lanczos's method for the largest eigenvalues of Hessians, from their products."""

import numpy as np

from core.metrics.hessian import Hessians
from core.pulse import beat
from core.shapes import Float64

TOLERANCE = 1e-9
"""Largest error, relative to the eigenvalue."""

_MOST_STEPS = 1000
"""Steps after which the estimate is returned as it is."""

_GROWTH = 1.3
"""Ratio of the numbers of steps after which the estimate is examined."""

_ROUNDING = 1e-14
"""Errors below this x the largest absolute eigenvalue are rounding."""


def largest_eigenvalues(
    matrices: Hessians, start: Float64[np.ndarray, "N n"]
) -> Float64[np.ndarray, " N"]:
    """Returns the largest (algebraic) eigenvalue of each of N symmetric matrices H, (N,).

    After n steps H is represented by a tridiagonal T, whose largest eigenvalue θ rises towards H's.
    With the last entry s of its eigenvector, H has an eigenvalue within the residual β_n |s| of θ;
    steps are taken until that is at most 1e-9 |θ|. The vectors are not orthogonalised again: that
    they lose orthogonality only repeats eigenvalues which were found. Source: Parlett, "The
    Symmetric Eigenvalue Problem" (1998), chapter 13.

    No bit depends on the other matrices: each ends at its own step, and all take the same steps.

    Args:
        matrices: The matrices.
        start: The first vectors, with a part along every direction that counts.

    Returns:
        0 where ``start`` is 0, NaN where a number isn't finite.
    """
    result = np.zeros(len(start))
    size = np.linalg.norm(start, axis=-1)
    running = np.flatnonzero(size)
    matrices, vector = matrices.keep(size != 0), start[running] / size[running, None]
    previous, beta = np.zeros_like(vector), np.zeros(len(running))
    diagonal = beside = np.zeros((len(running), 0))
    examine_at = 2
    while len(running):
        beat("the sharpness")
        image = matrices @ vector - beta[:, None] * previous
        alpha = (vector * image).sum(axis=-1)
        image -= alpha[:, None] * vector
        beta = np.linalg.norm(image, axis=-1)
        diagonal = np.column_stack([diagonal, alpha])
        steps = diagonal.shape[1]
        is_finite = np.isfinite(alpha + beta)
        result[running[~is_finite]] = np.nan
        ended, is_examined = ~is_finite, is_finite & ((beta == 0) | (steps >= examine_at))
        if is_examined.any():
            estimate, residual, scale = _top(
                diagonal[is_examined], beside[is_examined], beta[is_examined]
            )
            result[running[is_examined]] = estimate
            tolerated = np.maximum(TOLERANCE * np.abs(estimate), _ROUNDING * scale)
            ended[is_examined] = (residual <= tolerated) | (steps >= _MOST_STEPS)
        if steps >= examine_at:
            examine_at = int(steps * _GROWTH) + 2
        if ended.any():
            kept = ~ended
            running, matrices = running[kept], matrices.keep(kept)
            image, vector, beta = image[kept], vector[kept], beta[kept]
            diagonal, beside = diagonal[kept], beside[kept]
        beside = np.column_stack([beside, beta])
        vector, previous = image / beta[:, None], vector
    return result


def _top(
    diagonal: np.ndarray, beside: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest eigenvalue of each T, its residual, and the largest absolute eigenvalue."""
    steps = diagonal.shape[1]
    T, i = np.zeros((len(diagonal), steps, steps)), np.arange(steps)
    T[:, i, i] = diagonal
    T[:, i[1:], i[:-1]] = T[:, i[:-1], i[1:]] = beside
    values, vectors = np.linalg.eigh(T)
    residual = beta * np.abs(vectors[:, -1, -1])
    return values[:, -1], residual, np.abs(values[:, [0, -1]]).max(axis=1)
