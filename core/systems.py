"""Linear systems s_{t+1} = A s_t + B x_t, y_t = C s_{t+1}, s_0 = 0, in NumPy.

h_j = C A^j B multiplies the input j steps before the newest one; h_0 = C B multiplies the newest.
(With y_t = C s_t, everything would shift by one.) Leading axes, written ``...``, are batch axes:
one entry per seed.

Sources: Antoulas, "Approximation of Large-Scale Dynamical Systems" (2005), chapters 4 and 5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.shapes import Complex128, Float64, Inexact

ZERO_TOLERANCE = 1e-9
"""Quantities below this, relative to the largest, count as zero: imaginary parts, differences of
poles, weights, inverse condition numbers."""

past_float64 = np.errstate(all="ignore")
"""Decorates functions whose numbers may leave the range of float64, which is a result."""


@dataclass(frozen=True)
class LinearSystem:
    """(A, B, C) with A (..., d, d), B (..., d, m), C (..., p, d)."""

    A: Float64[np.ndarray, "... d d"]
    B: Float64[np.ndarray, "... d m"]
    C: Float64[np.ndarray, "... p d"]


@past_float64
def impulse_response(
    system: LinearSystem, horizon: int
) -> Float64[np.ndarray, "... {horizon} p m"]:
    """h_j = C A^j B for j < ``horizon``, shape (..., horizon, p, m).

    Infinite where it exceeds the range of float64, NaN if a parameter is not finite.

    Example:
        >>> one_pole = LinearSystem(np.array([[0.5]]), np.array([[1.0]]), np.array([[2.0]]))
        >>> impulse_response(one_pole, 3).ravel()
        array([2. , 1. , 0.5])
    """
    columns = _powers(system.A, system.B, horizon)
    response = np.stack([system.C @ column for column in columns], axis=-3)
    if np.isnan(response).any():  # inf - inf or 0 inf, of columns that have overflowed
        finite = [np.isfinite(part).all(axis=(-2, -1)) for part in vars(system).values()]
        overflowed = np.logical_and.reduce(np.broadcast_arrays(*finite))[..., None, None, None]
        response[np.isnan(response) & overflowed] = np.inf
    return response


@past_float64
def observability_rows(system: LinearSystem, count: int) -> Float64[np.ndarray, "... {count} p d"]:
    """C A^r for r < ``count``, shape (..., count, p, d)."""
    rows = _powers(system.A.swapaxes(-1, -2), system.C.swapaxes(-1, -2), count)
    return np.stack([row.swapaxes(-1, -2) for row in rows], axis=-3)


@past_float64
def controllability_columns(
    system: LinearSystem, count: int
) -> Float64[np.ndarray, "... {count} d m"]:
    """A^s B for s < ``count``, shape (..., count, d, m)."""
    return np.stack(_powers(system.A, system.B, count), axis=-3)


def _powers(A: np.ndarray, B: np.ndarray, count: int) -> list[np.ndarray]:
    powers = [B]
    for _ in range(count - 1):
        powers.append(A @ powers[-1])
    return powers


def eigenvalues(A: Float64[np.ndarray, "*batch d d"]) -> Complex128[np.ndarray, "*batch d"]:
    """Eigenvalues of A, complex, (..., d), by falling absolute value.

    Ties have the larger real part first, then the larger imaginary part.
    """
    # Decided for each matrix, so that no bit depends on the others of the batch.
    symmetric = (A.swapaxes(-1, -2) == A).all(axis=(-2, -1))
    values = np.empty(A.shape[:-1], complex)
    for mask, solver in ((symmetric, np.linalg.eigvalsh), (~symmetric, np.linalg.eigvals)):
        if mask.any():
            values[mask] = where_finite(solver, A[mask])
    order = np.lexsort((-values.imag, -values.real, -np.abs(values)), axis=-1)
    return np.take_along_axis(values, order, axis=-1)


@past_float64
def weighted_spectrum(
    system: LinearSystem,
) -> tuple[Inexact[np.ndarray, "*batch d"], Inexact[np.ndarray, "*batch d p m"]]:
    """The poles λ_i and weights w_i of the response h_j = Σ_i w_i λ_i^j.

    With A = V Λ V⁻¹, w_i = (C V)_i (V⁻¹ B)_i; for a symmetric A this is the spectral measure. A
    pole of weight 0 is invisible in the response. Weights are meaningless for a defective A (see
    :func:`real_spectrum`), and NaN if V is exactly singular or a number isn't finite.

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
        A, B = matrices[..., :d], matrices[..., d : d + m]
        C = matrices[..., d + m :].swapaxes(-1, -2)
        if symmetric:
            poles, V = np.linalg.eigh(A)
            rows = V.swapaxes(-1, -2) @ B
        else:
            poles, V = np.linalg.eig(A)
            rows = np.linalg.solve(V, B)
        order = np.lexsort((-poles.imag, -poles.real, -np.abs(poles)), axis=-1)
        weights = np.einsum("...oi,...im->...iom", C @ V, rows).reshape(*poles.shape, -1)
        pairs = np.concatenate([poles[..., None], weights], axis=-1)
        return np.take_along_axis(pairs, order[..., None], axis=-2).reshape(*poles.shape[:-1], -1)

    matrices = np.concatenate([system.A, system.B, system.C.swapaxes(-1, -2)], axis=-1)
    pairs = where_finite(decompose, matrices).reshape(*batch, d, 1 + p * m)
    return pairs[..., 0], pairs[..., 1:].reshape(*batch, d, p, m)


@past_float64
def real_spectrum(
    system: LinearSystem,
) -> tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, "d p m"]] | None:
    """The weighted spectrum of one system, if it is real.

    Every system with a symmetric realisation has a real one.

    Returns:
        Poles (d,) and weights (d, p, m); None if a pole is complex or A has no eigenbasis.
    """
    poles, V = np.linalg.eig(system.A)
    is_complex = np.abs(poles.imag).max() > ZERO_TOLERANCE * np.abs(poles).max()
    if is_complex or np.linalg.cond(V) > 1 / ZERO_TOLERANCE:
        return None
    poles, weights = weighted_spectrum(system)
    return poles.real, weights.real


@past_float64
def visible_spectrum(
    system: LinearSystem,
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, "n p m"]] | None:
    """The real spectrum with the weights of equal poles summed and poles without weight removed.

    Returns:
        Poles (n,), in ascending order, and weights (n, p, m); None if :func:`real_spectrum` is.
    """
    spectrum = real_spectrum(system)
    if spectrum is None:
        return None
    order = np.argsort(spectrum[0])
    poles, weights = spectrum[0][order], spectrum[1][order]
    scale = max(1.0, float(np.abs(poles).max()))
    new = np.diff(poles, prepend=-np.inf) > ZERO_TOLERANCE * scale
    first = np.flatnonzero(new)
    poles, weights = poles[first], np.add.reduceat(weights, first, axis=0)
    size = np.abs(weights).max(axis=(1, 2))
    visible = size > ZERO_TOLERANCE * size.max(initial=0.0)
    return poles[visible], weights[visible]


@past_float64
def hankel_singular_values(system: LinearSystem, horizon: int) -> Float64[np.ndarray, "... n"]:
    """Singular values of the n x n block Hankel matrix (h_{r+s}), r, s < n = ⌊q/2⌋.

    They show how many states the response needs. They are a finite-horizon substitute for the
    square roots of the eigenvalues of the product of the Gramians, which exist only for stable
    systems (Antoulas 2005, section 5.4).

    The matrix is the product of the rows C A^r and the columns A^s B. If there are more of them
    than states, both are first reduced to d x d triangles, which keeps the singular values; those
    past d are zero. This takes O(n d²) instead of O(n³).

    Returns:
        In falling order, shape (..., n min(p, m)).

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
    """Applies ``decompose`` to a batch of matrices (..., n, m).

    The result is NaN for matrices with a non-finite number or without convergence. LAPACK would
    refuse the whole batch for one such matrix, and diverged students are ordinary results.
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
