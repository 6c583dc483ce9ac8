"""Sharpness: the largest eigenvalue of the loss's Hessian, and that of its Gauss-Newton part.

    ∇²L = 2 Jᵀ M J + Σ_j <v_j, ∇²h_j>,   J = ∂h/∂θ over the trained parameters, v = 2 M e

The first term, Gauss and Newton's, is the whole Hessian where the student fits; near a saddle, as a
near-zero start is, the second one is nearly all of it. GD with step lr can settle at a solution
only if lr < 2 / sharpness. With factors R on the learning rate (``optimizer.rates``) GD is plain GD
in the parameters R^-½ θ, so that R^½ ∇²L R^½ replaces the Hessian.
"""

import numpy as np

from core.losses import Target
from core.metrics.hessian import Hessians
from core.metrics.lanczos import largest_eigenvalues
from core.shapes import Float64
from core.spec import LinearStudent, Rates
from core.systems import LinearSystem

_AS_GIVEN = Rates()


def sharpness(
    system: LinearSystem, student: LinearStudent, target: Target, rates: Rates = _AS_GIVEN
) -> Float64[np.ndarray, "..."]:
    """Returns the largest eigenvalue of R^½ ∇²L R^½ for each system of the batch, shape (...).

    It is the algebraically largest one, the steepest upward curvature: negative where the loss
    curves downwards in every direction, and less than the largest absolute eigenvalue near some
    saddles. Exact to 1e-8, by Lanczos's method: O(k d²) for each of few products.
    """
    return _largest(system, student, target, rates, gauss_newton=False)


def gauss_newton_sharpness(
    system: LinearSystem, student: LinearStudent, target: Target, rates: Rates = _AS_GIVEN
) -> Float64[np.ndarray, "..."]:
    """Returns 2 λ_max(R^½ Jᵀ M J R^½) for each system of the batch, shape (...); never negative."""
    return _largest(system, student, target, rates, gauss_newton=True)


def _largest(
    system: LinearSystem,
    student: LinearStudent,
    target: Target,
    rates: Rates,
    *,
    gauss_newton: bool,
) -> Float64[np.ndarray, "..."]:
    batch = system.A.shape[:-2]
    flat = LinearSystem(
        *(part.reshape(-1, *part.shape[-2:]) for part in (system.A, system.B, system.C))
    )
    hessians = Hessians(flat, student, target, rates, gauss_newton=gauss_newton)
    return largest_eigenvalues(hessians, hessians.start()).reshape(batch)
