"""Balanced truncation: the teacher without its states that are hardly reachable or observable.

P = A P Aᵀ + B Bᵀ and Q = Aᵀ Q A + Cᵀ C, P = L Lᵀ, Q = R Rᵀ, Rᵀ L = U S Vᵀ: in the coordinates T = L
V S^-½, T⁻¹ = S^-½ Uᵀ Rᵀ both Gramians are S, the Hankel singular values σ_i, and the first states
are kept. The error's H∞ norm, and with it every |h_j - ĥ_j|, is at most 2 Σ of the dropped σ_i. The
method uses the teacher, not the training's data: it shows what a reduced model of few states can
do.

A teacher that isn't strictly stable has no Gramians; Σ_{s<q} A^s B Bᵀ (A^s)ᵀ and its counterpart
replace them, without a bound. Sources: Moore (1981); Pernebo and Silverman (1982); Antoulas (2005),
chapter 7.
"""

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from core import teachers
from core.baselines.estimate import Estimate
from core.losses import Target
from core.shapes import Float64
from core.spec import ExperimentSpec
from core.systems import LinearSystem, controllability_columns, observability_rows

MAX_RADIUS = 1 - 1e-6
"""The spectral radius up to which the infinite Gramians are used."""

_RANK_TOLERANCE = 1e-12
"""Hankel singular values below this x the largest count as zero."""


def estimate(spec: ExperimentSpec, target: Target) -> Estimate:
    """The teacher cut to the smallest order with an error bound of fit_tolerance x max |ĥ_j|."""
    teacher = teachers.build(spec.linear_teacher)
    allowed = spec.evaluation.fit_tolerance * float(np.abs(target.response).max())
    gramians, infinite = gramians_of(teacher, spec.horizon)
    values = hankel_values(*gramians)
    order = 0
    if values.sum() > 0:
        order = int((2 * (values.sum() - np.cumsum(values)) > allowed).sum()) + 1
    order = min(order, int((values > _RANK_TOLERANCE * values[0]).sum()))
    bound = 2 * float(values[order:].sum())
    system = truncate(teacher, order, *gramians)
    accuracy = (
        f"every |h_j - ĥ_j| is at most {bound:.2g}"
        if infinite
        else "by Gramians up to the horizon, without a bound"
    )
    note = f"Order {order} of {len(teacher.A)}: {accuracy}."
    return Estimate.of_system(system, spec.horizon, note)


def gramians_of(system: LinearSystem, horizon: int) -> tuple[tuple[np.ndarray, np.ndarray], bool]:
    """(P, Q), and whether they are the infinite Gramians."""
    A, B, C = system.A, system.B, system.C
    if np.abs(np.linalg.eigvals(A)).max() <= MAX_RADIUS:
        return (solve_discrete_lyapunov(A, B @ B.T), solve_discrete_lyapunov(A.T, C.T @ C)), True
    columns, rows = controllability_columns(system, horizon), observability_rows(system, horizon)
    return (np.einsum("sim,sjm->ij", columns, columns), np.einsum("spi,spj->ij", rows, rows)), False


def hankel_values(
    P: Float64[np.ndarray, "d d"], Q: Float64[np.ndarray, "d d"]
) -> Float64[np.ndarray, " d"]:
    """σ_i in falling order, (d,): the square roots of the eigenvalues of P Q."""
    return np.linalg.svdvals(_root(Q).T @ _root(P))


def truncate(
    system: LinearSystem, order: int, P: Float64[np.ndarray, "d d"], Q: Float64[np.ndarray, "d d"]
) -> LinearSystem:
    """The first ``order`` states of the balanced coordinates."""
    L, R = _root(P), _root(Q)
    U, values, VT = np.linalg.svd(R.T @ L)
    scale = 1 / np.sqrt(values[:order])
    T, T_inverse = L @ VT[:order].T * scale, scale[:, None] * (U[:, :order].T @ R.T)
    return LinearSystem(T_inverse @ system.A @ T, T_inverse @ system.B, system.C @ T)


def _root(gramian: np.ndarray) -> np.ndarray:
    """L with L Lᵀ the Gramian, which may be singular."""
    values, V = np.linalg.eigh((gramian + gramian.T) / 2)
    return V * np.sqrt(np.maximum(values, 0))
