"""Everything that is measured on a student, in NumPy and float64 whatever the training's dtype and device.

:func:`measure` gives every metric of :data:`core.result.METRICS`; each has its formula and source in its own file.
"""

import numpy as np

from core.losses import Target
from core.metrics import errors
from core.metrics.sharpness import sharpness
from core.metrics.spectrum import effective_rank
from core.spec import LinearStudent
from core.systems import LinearSystem, eigenvalues, hankel_singular_values, impulse_response

__all__ = ["effective_rank", "errors", "imbalance", "measure", "sharpness"]


def imbalance(system: LinearSystem) -> np.ndarray:
    """|B - Cᵀ| (Frobenius), shape (...); NaN where B and Cᵀ have different shapes.

    Along gradient flow of a symmetric student d(B - Cᵀ)/dt = S (B - Cᵀ) with S = Σ_j v_j A^j: balanced stays balanced.
    For an unbalanced teacher the final imbalance is a property of the teacher, not a failure.
    """
    if system.B.shape[-1] != system.C.shape[-2]:
        return np.full(system.A.shape[:-2], np.nan)
    return np.linalg.norm(system.B - system.C.swapaxes(-1, -2), axis=(-2, -1))


def measure(system: LinearSystem, student: LinearStudent, target: Target) -> dict[str, np.ndarray]:
    """Every metric of a batch of students, by name, each of shape (S,).

    Overflow is a result here: a student whose response leaves the range of float64 has infinite errors.

    Args:
        system: The students' parameters, batch axis first.
        student: Their structure and which parameters are trained, which sharpness depends on.
        target: What they were trained towards.
    """
    with np.errstate(all="ignore"):
        response = impulse_response(system, target.horizon)
        baseline = errors.zero_baseline(target)
        error = errors.extrapolation_error(response, target)
        spectrum = np.abs(eigenvalues(system.A))
        hankel = hankel_singular_values(system, target.horizon)
        return {
            "train_loss": errors.train_loss(response, target),
            "fit_error": errors.fit_error(response, target),
            "extrapolation_error": error,
            "extrapolation_error_rms": errors.extrapolation_error_rms(response, target),
            "zero_baseline": np.full(error.shape, baseline),
            "relative_extrapolation_error": error / baseline,
            "imbalance": imbalance(system),
            "spectral_radius": spectrum[:, 0],
            "effective_rank": effective_rank(hankel),
            "eigenvalue_effective_rank": effective_rank(spectrum),
            "sharpness": sharpness(system, student, target),
        }
