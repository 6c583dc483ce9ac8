"""Lanczos's method for the largest eigenvalue of a symmetric matrix known by its products."""

from collections.abc import Callable

import numpy as np

from core.shapes import Float64

TOLERANCE = 1e-9
"""Largest error, relative to the eigenvalue."""

_MOST_STEPS = 1000
"""Steps after which the estimate is returned as it is."""

_GROWTH = 1.3
"""Ratio of the numbers of steps after which the estimate is examined."""

_ROUNDING = 1e-14
"""Errors below this x the largest absolute eigenvalue are rounding."""

Product = Callable[[Float64[np.ndarray, " n"]], Float64[np.ndarray, " n"]]


def largest_eigenvalue(product: Product, start: Float64[np.ndarray, " n"]) -> float:
    """Returns the largest (algebraic) eigenvalue of a symmetric H, found from x -> H x.

    After n steps H is represented by a tridiagonal T, whose largest eigenvalue θ rises towards H's.
    With the last entry s of its eigenvector, H has an eigenvalue within the residual β_n |s| of θ;
    steps are taken until that is at most 1e-9 |θ|. The vectors are not orthogonalised again: that
    they lose orthogonality only repeats eigenvalues which were found. Source: Parlett, "The
    Symmetric Eigenvalue Problem" (1998), chapter 13.

    Args:
        product: H x for a vector x.
        start: The first vector, with a part along every direction that counts.

    Returns:
        0 if ``start`` is 0, NaN if a number isn't finite.
    """
    size = float(np.linalg.norm(start))
    if size == 0:
        return 0.0
    vector, previous = start / size, np.zeros_like(start)
    diagonal, beside, beta = list[float](), list[float](), 0.0
    examine_at = 2
    while True:
        image = product(vector) - beta * previous
        alpha = float(vector @ image)
        image -= alpha * vector
        beta = float(np.linalg.norm(image))
        diagonal.append(alpha)
        if not np.isfinite(alpha + beta):
            return np.nan
        steps = len(diagonal)
        if steps >= examine_at or beta == 0:
            examine_at = int(steps * _GROWTH) + 2
            eigenvalue, residual, scale = _top(diagonal, beside, beta)
            if (
                residual <= max(TOLERANCE * abs(eigenvalue), _ROUNDING * scale)
                or steps >= _MOST_STEPS
            ):
                return eigenvalue
        beside.append(beta)
        vector, previous = image / beta, vector


def _top(diagonal: list[float], beside: list[float], beta: float) -> tuple[float, float, float]:
    """The largest eigenvalue of T, its residual, and the largest absolute eigenvalue."""
    T = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    values, vectors = np.linalg.eigh(T)
    residual = beta * abs(float(vectors[-1, -1]))
    return float(values[-1]), residual, float(np.abs(values[[0, -1]]).max())
