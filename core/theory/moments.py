"""The moment problem: which nonnegative measures on the real line have the moments h_0 .. h_{n-1}?

The response of a balanced system is such a sequence, h_j = Σ_i w_i λ_i^j with w_i >= 0. With m =
⌊(n - 1) / 2⌋ there is a measure only if the Hankel matrix H = (h_{i+j}), i, j <= m, is positive
semidefinite. If H is singular, of rank r <= m, there is at most one measure, and it has r atoms; a
system of d̂ states is of that kind as soon as n > 2 d̂. If H is regular there are infinitely many.

Hence a balanced student that fits a balanced teacher on k > 2 d̂ lags has the teacher's response at
every lag.

Sources: the truncated Hamburger moment problem (Akhiezer 1965, chapter 2; Curto and Fialkow 1991);
Cohen and Yeredor (2011).
"""

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.shapes import Float64
from core.systems import past_float64

RANK = 1e-12
"""An eigenvalue of the Hankel matrix counts as zero below this x the largest."""

_AGREES = 1e-6
"""Tolerance for the moments of a measure, relative to the largest given moment."""

_MISSES = 1e-4
"""Moments that the measure misses by more than this, relative to the largest, have no measure."""


class Measure(BaseModel):
    """Σ_i w_i δ(λ_i), w_i >= 0.

    Attributes:
        atoms: λ_i, by falling weight.
        weights: w_i.
        unique: Whether no other nonnegative measure has the given moments.
        gap: How clear the rank is: the smallest nonzero eigenvalue of the Hankel matrix over the
            largest one that counts as zero. Infinite if that is 0, NaN if no eigenvalue counts as
            zero.
        residual: max_j |Σ_i w_i λ_i^j - h_j| over the given moments.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    atoms: tuple[float, ...]
    weights: tuple[float, ...]
    unique: bool
    gap: float
    residual: float

    @past_float64
    def response(self, horizon: int) -> Float64[np.ndarray, " {horizon}"]:
        """Returns the moments h_j = Σ_i w_i λ_i^j, j < ``horizon``."""
        return np.vander(np.array(self.atoms), horizon, increasing=True).T @ np.array(self.weights)


def measure_of(moments: Float64[np.ndarray, " n"], tolerance: float = RANK) -> Measure:
    """Returns the nonnegative measure with these moments, or one with m + 1 atoms if many exist.

    With H_0 = (h_{i+j}) = U S Uᵀ, i, j < m, truncated at the rank, and H_1 = (h_{i+j+1}), the atoms
    are the eigenvalues of the symmetric S^-½ Uᵀ H_1 U S^-½ = Q Λ Qᵀ (the pencil (H_1, H_0), as in
    the Ho-Kalman realisation). The weights are the squares of the first row of U S^½ Q. Both are
    real, and the weights nonnegative, by construction. If many measures exist, the result is
    Gauss's for even n, else the one whose Jacobi matrix ends in 0.

    Args:
        moments: h_0 .. h_{n-1}, (n,), n >= 1.
        tolerance: Eigenvalues of the Hankel matrix below this x the largest count as zero.

    Raises:
        ValueError: No nonnegative measure has these moments: the Hankel matrix has a negative
            eigenvalue, or the only measure that agrees with its kernel misses some of them.

    Example:
        >>> measure = measure_of(0.7 * 0.9 ** np.arange(5) + 0.5 * (-0.5) ** np.arange(5))
        >>> np.round([measure.atoms, measure.weights], 6).tolist(), measure.unique
        ([[0.9, -0.5], [0.7, 0.5]], True)
    """
    n = len(moments)
    m = (n - 1) // 2
    spectrum = np.linalg.eigvalsh(_hankel(moments, m + 1))[::-1]
    if spectrum[-1] < -max(tolerance, 1e-12) * np.abs(spectrum).max():
        raise ValueError(
            f"the Hankel matrix of the moments has the negative eigenvalue {spectrum[-1]:.3g}"
        )
    rank = int((spectrum > tolerance * spectrum[0]).sum())
    if rank == 0:
        _require_agreement(float(np.abs(moments).max()), moments)
        return Measure(atoms=(), weights=(), unique=True, gap=np.inf, residual=0.0)
    if rank <= m:
        atoms, weights = _flat(moments, m, rank)
        noise = max(float(spectrum[rank]), 0.0)
        gap = float(spectrum[rank - 1] / noise) if noise > 0 else np.inf
    else:
        atoms, weights = _quadrature(moments, m + 1)
        gap = np.nan
    order = np.argsort(-weights, kind="stable")
    measure = Measure(
        atoms=tuple(atoms[order].tolist()),
        weights=tuple(weights[order].tolist()),
        unique=False,
        gap=gap,
        residual=0.0,
    )
    residual = float(np.abs(measure.response(n) - moments).max())
    _require_agreement(residual, moments)
    unique = rank <= m and residual <= _AGREES * float(np.abs(moments).max())
    return measure.model_copy(update={"residual": residual, "unique": unique})


def _require_agreement(residual: float, moments: Float64[np.ndarray, " n"]) -> None:
    if residual > _MISSES * float(np.abs(moments).max()):
        raise ValueError(
            "no nonnegative measure has these moments: the closest one misses them by "
            f"{residual:.3g}"
        )


def _flat(
    moments: Float64[np.ndarray, " n"], m: int, rank: int
) -> tuple[Float64[np.ndarray, " {rank}"], Float64[np.ndarray, " {rank}"]]:
    """Returns atoms and weights of the unique measure of a singular Hankel matrix."""
    values, U = np.linalg.eigh(_hankel(moments, m))
    root, U = np.sqrt(np.maximum(values[-rank:], 0)), U[:, -rank:]
    inverse = np.divide(1, root, out=np.zeros_like(root), where=root > 0)
    pencil = inverse[:, None] * (U.T @ _hankel(moments[1:], m) @ U) * inverse
    atoms, Q = np.linalg.eigh((pencil + pencil.T) / 2)
    return atoms, ((U[0] * root) @ Q) ** 2


def _quadrature(
    moments: Float64[np.ndarray, " n"], size: int
) -> tuple[Float64[np.ndarray, " {size}"], Float64[np.ndarray, " {size}"]]:
    """Returns nodes and weights of Gauss's quadrature for a regular Hankel matrix (Golub-Welsch).

    J = L⁻¹ H_1 L⁻ᵀ with H = L Lᵀ. H_1 needs one moment more than H; if it is not given, it is the
    one that makes J's last diagonal entry 0.
    """
    L = np.linalg.cholesky(_hankel(moments, size))
    shifted = np.append(moments[1:], 0.0) if len(moments) < 2 * size else moments[1:]
    J = np.linalg.solve(L, np.linalg.solve(L, _hankel(shifted, size)).T)
    if len(moments) < 2 * size:
        J[-1, -1] = 0.0
    atoms, Q = np.linalg.eigh((J + J.T) / 2)
    return atoms, moments[0] * Q[0] ** 2


def _hankel(moments: Float64[np.ndarray, " n"], size: int) -> Float64[np.ndarray, "{size} {size}"]:
    """The matrix (h_{i+j}), i, j < ``size``."""
    index = np.arange(size)
    return moments[index[:, None] + index]
