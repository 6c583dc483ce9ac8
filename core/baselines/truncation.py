"""Balanced truncation: the teacher itself, without the states that inputs hardly reach and outputs hardly show.

P = A P Aᵀ + B Bᵀ and Q = Aᵀ Q A + Cᵀ C, P = L Lᵀ, Q = R Rᵀ, Rᵀ L = U S Vᵀ: in the coordinates T = L
V S^-½, T⁻¹ = S^-½ Uᵀ Rᵀ both Gramians are S, the Hankel singular values σ_i, and the first states
are kept. The error's H∞ norm, and with it every |h_j - ĥ_j|, is at most 2 Σ of the σ_i that are
dropped. It knows the teacher, not the data of the training: what a reduced model of few states can
do.

A teacher that isn't strictly stable has no Gramians; Σ_{s<q} A^s B Bᵀ (A^s)ᵀ and its like stand in,
without a bound. Sources: Moore (1981); Pernebo and Silverman (1982); Antoulas (2005), chapter 7.
"""

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from core import teachers
from core.baselines.estimate import Estimate
from core.losses import Target
from core.spec import ExperimentSpec, RecurrentTeacher
from core.systems import LinearSystem, controllability_columns, observability_rows

STABLE = 1 - 1e-6
"""Spectral radius up to which Gramians are solved for."""

_ZERO = 1e-12
"""Hankel singular values below this x the largest are states that are not there."""


def of_spec(spec: ExperimentSpec, target: Target) -> Estimate:
    """The teacher cut to the smallest order whose error bound is within fit_tolerance x max |ĥ_j|."""
    assert not isinstance(spec.teacher, RecurrentTeacher)  # noqa: S101  # a rule of the spec
    teacher = teachers.build(spec.teacher)
    allowed = spec.evaluation.fit_tolerance * float(np.abs(target.response).max())
    gramians, exact = gramians_of(teacher, spec.horizon)
    values = hankel_values(*gramians)
    order = (
        int((2 * (values.sum() - np.cumsum(values)) > allowed).sum()) + 1 if values.sum() > 0 else 0
    )
    order = min(order, int((values > _ZERO * values[0]).sum()))
    dropped = 2 * float(values[order:].sum())
    system = truncate(teacher, order, *gramians)
    how = (
        f"every |h_j - ĥ_j| is at most {dropped:.2g}"
        if exact
        else "by Gramians up to the horizon, without a bound"
    )
    return Estimate.of(system, spec.horizon, f"Order {order} of {len(teacher.A)}: {how}.")


def gramians_of(system: LinearSystem, horizon: int) -> tuple[tuple[np.ndarray, np.ndarray], bool]:
    """(P, Q), and whether they are the infinite ones."""
    A, B, C = system.A, system.B, system.C
    if np.abs(np.linalg.eigvals(A)).max() <= STABLE:
        return (solve_discrete_lyapunov(A, B @ B.T), solve_discrete_lyapunov(A.T, C.T @ C)), True
    columns, rows = controllability_columns(system, horizon), observability_rows(system, horizon)
    return (np.einsum("sim,sjm->ij", columns, columns), np.einsum("spi,spj->ij", rows, rows)), False


def hankel_values(P: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """σ_i, falling, (d,): the square roots of the eigenvalues of P Q."""
    return np.linalg.svdvals(_root(Q).T @ _root(P))


def truncate(system: LinearSystem, order: int, P: np.ndarray, Q: np.ndarray) -> LinearSystem:
    """The first ``order`` states of the balanced coordinates."""
    L, R = _root(P), _root(Q)
    U, values, VT = np.linalg.svd(R.T @ L)
    scale = 1 / np.sqrt(values[:order])
    into, back = L @ VT[:order].T * scale, scale[:, None] * (U[:, :order].T @ R.T)
    return LinearSystem(back @ system.A @ into, back @ system.B, system.C @ into)


def _root(gramian: np.ndarray) -> np.ndarray:
    """L with L Lᵀ the Gramian, which may be singular."""
    values, V = np.linalg.eigh((gramian + gramian.T) / 2)
    return V * np.sqrt(np.maximum(values, 0))
