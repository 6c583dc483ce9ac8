"""Linear systems s_{t+1} = A s_t + B x_t, y_t = C s_{t+1}, s_0 = 0, in NumPy.

h_j = C A^j B multiplies the input j steps before the newest one: h_0 = C B belongs to the newest. (With y_t = C s_t
everything would shift by one.) Leading axes, written ``...``, are batch axes throughout: one entry per seed.

Sources: Antoulas, "Approximation of Large-Scale Dynamical Systems" (2005), chapters 4 and 5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearSystem:
    """(A, B, C) with A (..., d, d), B (..., d, m), C (..., p, d)."""

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray


def impulse_response(system: LinearSystem, horizon: int) -> np.ndarray:
    """h_j = C A^j B for j < ``horizon``, shape (..., horizon, p, m).

    Example:
        >>> one_pole = LinearSystem(np.array([[0.5]]), np.array([[1.0]]), np.array([[2.0]]))
        >>> impulse_response(one_pole, 3).ravel()
        array([2. , 1. , 0.5])
    """
    return np.stack([system.C @ column for column in _powers(system.A, system.B, horizon)], axis=-3)


def observability_rows(system: LinearSystem, count: int) -> np.ndarray:
    """C A^r for r < ``count``, shape (..., count, p, d)."""
    rows = _powers(system.A.swapaxes(-1, -2), system.C.swapaxes(-1, -2), count)
    return np.stack([row.swapaxes(-1, -2) for row in rows], axis=-3)


def controllability_columns(system: LinearSystem, count: int) -> np.ndarray:
    """A^s B for s < ``count``, shape (..., count, d, m)."""
    return np.stack(_powers(system.A, system.B, count), axis=-3)


def _powers(A: np.ndarray, B: np.ndarray, count: int) -> list[np.ndarray]:
    powers = [B]
    for _ in range(count - 1):
        powers.append(A @ powers[-1])
    return powers


def eigenvalues(A: np.ndarray) -> np.ndarray:
    """Eigenvalues of A by falling absolute value (ties: larger real, then imaginary part first), complex, (..., d)."""
    symmetric = np.array_equal(A, A.swapaxes(-1, -2))
    values = where_finite(np.linalg.eigvalsh if symmetric else np.linalg.eigvals, A).astype(complex)
    order = np.lexsort((-values.imag, -values.real, -np.abs(values)), axis=-1)
    return np.take_along_axis(values, order, axis=-1)


def hankel_singular_values(system: LinearSystem, horizon: int) -> np.ndarray:
    """Singular values of the n x n block Hankel matrix (h_{r+s}), r, s < n = ⌊q/2⌋: how many states h needs.

    The matrix is the product of the rows C A^r and the columns A^s B. Where there are more of them than states, both
    are first reduced to d x d triangles, which keeps the singular values; those past d are zero. O(n d²), not O(n³).

    A finite-horizon stand-in for the square roots of the eigenvalues of the product of the Gramians, which exist only
    for stable systems (Antoulas 2005, section 5.4).

    Returns:
        Falling, shape (..., n min(p, m)).

    Example:
        >>> one_pole = LinearSystem(np.array([[0.5]]), np.array([[1.0]]), np.array([[1.0]]))
        >>> hankel_singular_values(one_pole, 4).round(12)
        array([1.25, 0.  ])
    """
    n, d = horizon // 2, system.A.shape[-1]
    rows = observability_rows(system, n)
    columns = controllability_columns(system, n).swapaxes(-3, -2)
    *batch, _, p, _ = rows.shape
    rows, columns = rows.reshape(*batch, n * p, d), columns.reshape(*batch, d, -1)
    count = n * min(p, system.B.shape[-1])
    if count <= d:
        return where_finite(np.linalg.svdvals, rows @ columns)[..., :count]
    left, right = (np.asarray(np.linalg.qr(tall, mode="r")) for tall in (rows, columns.swapaxes(-1, -2)))
    values = where_finite(np.linalg.svdvals, left @ right.swapaxes(-1, -2))
    zeros = np.zeros((*values.shape[:-1], count - values.shape[-1]))
    return np.concatenate([values, zeros], axis=-1)


def where_finite(decompose: Callable[[np.ndarray], np.ndarray], matrices: np.ndarray) -> np.ndarray:
    """``decompose`` of a batch of matrices (..., n, m), NaN for those that hold a non-finite number or don't converge.

    LAPACK refuses a whole batch for one bad matrix, and students that diverge are results like any other.
    """
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    finite = np.isfinite(flat).all(axis=(1, 2))
    try:
        values = decompose(np.where(finite[:, None, None], flat, 0.0))
    except np.linalg.LinAlgError:
        if len(flat) == 1:
            values = np.full_like(decompose(np.zeros_like(flat)), np.nan)
        else:
            values = np.concatenate([where_finite(decompose, matrix[None]) for matrix in flat])
    values[~finite] = np.nan
    return values.reshape(*matrices.shape[:-2], -1)
