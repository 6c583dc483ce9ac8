"""Linear systems s_{t+1} = A s_t + B x_t, y_t = C s_{t+1}, s_0 = 0, in NumPy.

h_j = C A^j B multiplies the input j steps before the newest one: h_0 = C B belongs to the newest.
(With y_t = C s_t everything would shift by one.) Leading axes, written ``...``, are batch axes
throughout: one entry per seed.

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
    symmetric = (A.swapaxes(-1, -2) == A).all(
        axis=(-2, -1)
    )  # each by itself: no bit depends on the company
    values = np.empty(A.shape[:-1], complex)
    for chosen, method in ((symmetric, np.linalg.eigvalsh), (~symmetric, np.linalg.eigvals)):
        if chosen.any():
            values[chosen] = where_finite(method, A[chosen])
    order = np.lexsort((-values.imag, -values.real, -np.abs(values)), axis=-1)
    return np.take_along_axis(values, order, axis=-1)


def weighted_spectrum(system: LinearSystem) -> tuple[np.ndarray, np.ndarray]:
    """Poles λ_i and weights w_i of h_j = Σ_i w_i λ_i^j: what the response sees of the eigenvalues of A.

    With A = V Λ V⁻¹ w_i = (C V)_i (V⁻¹ B)_i, which for an orthogonal V is the spectral measure of a
    symmetric A. A pole whose weight is 0 is invisible. Weights mean nothing for a defective A (see
    :func:`real_spectrum`), and are NaN where V is singular to the last bit or a number isn't
    finite.

    Returns:
        Poles (..., d) by falling absolute value and weights (..., d, p, m); complex unless every A
        is symmetric.

    Example:
        >>> two_poles = LinearSystem(np.diag([0.5, -0.9]), np.ones((2, 1)), np.array([[2.0, 3.0]]))
        >>> poles, weights = weighted_spectrum(two_poles)
        >>> poles, weights.ravel()
        (array([-0.9,  0.5]), array([3., 2.]))
    """
    batch = np.broadcast_shapes(system.A.shape[:-2], system.B.shape[:-2])
    d, m, p = system.A.shape[-1], system.B.shape[-1], system.C.shape[-2]
    symmetric = np.array_equal(system.A, system.A.swapaxes(-1, -2), equal_nan=True)

    def decompose(matrices: np.ndarray) -> np.ndarray:
        A, B, C = (
            matrices[..., :d],
            matrices[..., d : d + m],
            matrices[..., d + m :].swapaxes(-1, -2),
        )
        if symmetric:
            poles, V = np.linalg.eigh(A)
            rows = V.swapaxes(-1, -2) @ B
        else:
            poles, V = np.linalg.eig(A)
            rows = np.linalg.solve(V, B)
        order = np.lexsort((-poles.imag, -poles.real, -np.abs(poles)), axis=-1)
        weights = np.einsum("...oi,...im->...iom", C @ V, rows).reshape(*poles.shape, -1)
        both = np.concatenate([poles[..., None], weights], axis=-1)
        return np.take_along_axis(both, order[..., None], axis=-2).reshape(*poles.shape[:-1], -1)

    found = where_finite(
        decompose, np.concatenate([system.A, system.B, system.C.swapaxes(-1, -2)], axis=-1)
    )
    found = found.reshape(*batch, d, 1 + p * m)
    return found[..., 0], found[..., 1:].reshape(*batch, d, p, m)


REAL = 1e-9
"""How small, relative to the largest, an imaginary part, or the inverse of a condition number,
counts as zero."""


def real_spectrum(system: LinearSystem) -> tuple[np.ndarray, np.ndarray] | None:
    """The weighted spectrum of one system if it is real, as that of any system with a symmetric realisation is.

    Returns:
        Poles (d,) and weights (d, p, m); None where a pole is complex or A has no eigenbasis.
    """
    poles, directions = np.linalg.eig(system.A)
    if (
        np.abs(poles.imag).max() > REAL * np.abs(poles).max()
        or np.linalg.cond(directions) > 1 / REAL
    ):
        return None
    poles, weights = weighted_spectrum(system)
    return poles.real, weights.real


def visible_spectrum(system: LinearSystem) -> tuple[np.ndarray, np.ndarray] | None:
    """The real spectrum as the response sees it: weights of equal poles added up, poles without weight left out.

    Returns:
        Poles (n,), rising, and weights (n, p, m); None where :func:`real_spectrum` is.
    """
    spectrum = real_spectrum(system)
    if spectrum is None:
        return None
    order = np.argsort(spectrum[0])
    poles, weights = spectrum[0][order], spectrum[1][order]
    new = np.diff(poles, prepend=-np.inf) > REAL * max(1.0, float(np.abs(poles).max()))
    first = np.flatnonzero(new)
    poles, weights = poles[first], np.add.reduceat(weights, first, axis=0)
    size = np.abs(weights).max(axis=(1, 2))
    seen = size > REAL * size.max(initial=0.0)
    return poles[seen], weights[seen]


def hankel_singular_values(system: LinearSystem, horizon: int) -> np.ndarray:
    """Singular values of the n x n block Hankel matrix (h_{r+s}), r, s < n = ⌊q/2⌋: how many states h needs.

    The matrix is the product of the rows C A^r and the columns A^s B. Where there are more of them
    than states, both are first reduced to d x d triangles, which keeps the singular values; those
    past d are zero. O(n d²), not O(n³).

    A finite-horizon stand-in for the square roots of the eigenvalues of the product of the
    Gramians, which exist only for stable systems (Antoulas 2005, section 5.4).

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
    left, right = (
        np.asarray(np.linalg.qr(tall, mode="r")) for tall in (rows, columns.swapaxes(-1, -2))
    )
    values = where_finite(np.linalg.svdvals, left @ right.swapaxes(-1, -2))
    zeros = np.zeros((*values.shape[:-1], count - values.shape[-1]))
    return np.concatenate([values, zeros], axis=-1)


def where_finite(decompose: Callable[[np.ndarray], np.ndarray], matrices: np.ndarray) -> np.ndarray:
    """``decompose`` of a batch of matrices (..., n, m), NaN for those that hold a non-finite number or don't converge.

    LAPACK refuses a whole batch for one bad matrix, and students that diverge are results like any
    other.
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
