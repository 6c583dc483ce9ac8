"""The moment problem: which nonnegative measures on the real line have the moments h_0 .. h_{n-1}?

The response of a balanced system is such a sequence, h_j = Σ_i w_i λ_i^j with w_i >= 0. With m =
⌊(n - 1) / 2⌋ there is a measure only if the Hankel matrix H = (h_{i+j}), i, j <= m, is positive
semidefinite. If H is singular, of rank r <= m, there is at most one measure, and it has r atoms; a
system of d̂ states is of that kind as soon as n > 2 d̂. If H is regular there are infinitely many.

So a balanced student that fits a balanced teacher on k > 2 d̂ lags has the teacher's response for
ever. Sources: the truncated Hamburger moment problem (Akhiezer 1965, chapter 2; Curto and Fialkow
1991); Cohen and Yeredor (2011).
"""

import numpy as np
from pydantic import BaseModel, ConfigDict

RANK = 1e-12
"""An eigenvalue of the Hankel matrix counts as zero below this x the largest."""

_AGREES = 1e-6
"""How far, relative to the largest moment, the measure's moments may be from the given ones."""


class Measure(BaseModel):
    """Σ_i w_i δ(λ_i), w_i >= 0.

    Attributes:
        atoms: λ_i, by falling weight.
        weights: w_i.
        unique: Whether no other nonnegative measure has the given moments.
        gap: The smallest eigenvalue of the Hankel matrix that counts over the largest that doesn't:
            how clear the rank is. Infinite where the others are 0; NaN where all count.
        residual: max_j |Σ_i w_i λ_i^j - h_j| over the given moments.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    atoms: tuple[float, ...]
    weights: tuple[float, ...]
    unique: bool
    gap: float
    residual: float

    def response(self, horizon: int) -> np.ndarray:
        """Its moments h_j = Σ_i w_i λ_i^j, j < ``horizon``."""
        return np.vander(np.array(self.atoms), horizon, increasing=True).T @ np.array(self.weights)


def measure_of(moments: np.ndarray, tolerance: float = RANK) -> Measure:
    """A nonnegative measure with these moments: the only one if there is only one, else one with m + 1 atoms.

    With H_0 = (h_{i+j}) = U S Uᵀ, i, j < m, cut at the rank, and H_1 = (h_{i+j+1}), the atoms are
    the eigenvalues of the symmetric S^-½ Uᵀ H_1 U S^-½ = Q Λ Qᵀ (the pencil (H_1, H_0), as Ho and
    Kalman realise it), and the weights the squares of the first row of U S^½ Q: real and
    nonnegative by construction. Of many measures that one is taken whose Jacobi matrix ends in 0,
    or, where n is even, Gauss's.

    Args:
        moments: h_0 .. h_{n-1}, (n,), n >= 1.
        tolerance: Eigenvalues of the Hankel matrix below this x the largest count as zero.

    Raises:
        ValueError: The Hankel matrix has a negative eigenvalue: no nonnegative measure has these
            moments.

    Example:
        >>> found = measure_of(0.7 * 0.9 ** np.arange(5) + 0.5 * (-0.5) ** np.arange(5))
        >>> [round(atom, 6) for atom in found.atoms], [round(weight, 6) for weight in found.weights], found.unique
        ([0.9, -0.5], [0.7, 0.5], True)
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
        return Measure(
            atoms=(), weights=(), unique=True, gap=np.inf, residual=float(np.abs(moments).max())
        )
    if rank <= m:
        atoms, weights = _flat(moments, m, rank)
        rest = max(float(spectrum[rank]), 0.0)
        gap = float(spectrum[rank - 1] / rest) if rest > 0 else np.inf
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
    unique = rank <= m and residual <= _AGREES * float(np.abs(moments).max())
    return measure.model_copy(update={"residual": residual, "unique": unique})


def _flat(moments: np.ndarray, m: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The atoms and weights of the only measure of a singular Hankel matrix."""
    values, U = np.linalg.eigh(_hankel(moments, m))
    root, U = np.sqrt(np.maximum(values[-rank:], 0)), U[:, -rank:]
    inverse = np.divide(1, root, out=np.zeros_like(root), where=root > 0)
    middle = inverse[:, None] * (U.T @ _hankel(moments[1:], m) @ U) * inverse
    atoms, Q = np.linalg.eigh((middle + middle.T) / 2)
    return atoms, ((U[0] * root) @ Q) ** 2


def _quadrature(moments: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss's quadrature with ``size`` nodes for a regular Hankel matrix: J = L⁻¹ H_1 L⁻ᵀ, H = L Lᵀ (Golub-Welsch).

    H_1 needs one moment more than H. Where that is not given it is the one that makes J's last
    diagonal entry 0.
    """
    L = np.linalg.cholesky(_hankel(moments, size))
    shifted = np.append(moments[1:], 0.0) if len(moments) < 2 * size else moments[1:]
    J = np.linalg.solve(L, np.linalg.solve(L, _hankel(shifted, size)).T)
    if len(moments) < 2 * size:
        J[-1, -1] = 0.0
    atoms, Q = np.linalg.eigh((J + J.T) / 2)
    return atoms, moments[0] * Q[0] ** 2


def _hankel(moments: np.ndarray, size: int) -> np.ndarray:
    """(h_{i+j}), i, j < ``size``."""
    index = np.arange(size)
    return moments[index[:, None] + index]
