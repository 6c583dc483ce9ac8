"""Everything that is measured on a student, in NumPy and float64 whatever the training's dtype and device.

:func:`measure` gives every metric of :data:`core.result.METRICS` that a linear student has; each
has its formula and source in its own file.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from core import teachers
from core.losses import Target
from core.metrics import errors
from core.metrics.invariants import invariant_drift
from core.metrics.sharpness import sharpness
from core.metrics.spectrum import effective_rank, spectral_distance, state_effective_rank
from core.spec import ExperimentSpec, GradientFlow, LinearStudent, Rates, RecurrentTeacher
from core.systems import (
    LinearSystem,
    eigenvalues,
    hankel_singular_values,
    impulse_response,
    real_spectrum,
    weighted_spectrum,
)

__all__ = [
    "Yardstick",
    "effective_rank",
    "errors",
    "imbalance",
    "measure",
    "of_response",
    "sharpness",
]

_AS_GIVEN = Rates()


@dataclass(frozen=True)
class Yardstick:
    """What the students of one experiment are measured against, made once.

    Attributes:
        student: Their structure and which parameters are trained.
        target: What they are trained towards.
        start: Where they started, batch axis first; with it, their drift from what gradient flow
            conserves.
        spectrum: The teacher's real poles (n,) and weights (n,); None where it has none or has
            several channels.
        tolerance: ``evaluation.fit_tolerance``.
        rates: Factors on the learning rate.
    """

    student: LinearStudent
    target: Target
    start: LinearSystem
    spectrum: tuple[np.ndarray, np.ndarray] | None = None
    tolerance: float = 1e-3
    rates: Rates = _AS_GIVEN

    @classmethod
    def of(cls, spec: ExperimentSpec, target: Target, start: LinearSystem) -> Self:
        """The yardstick of a spec with a linear student and a linear teacher."""
        assert isinstance(spec.student, LinearStudent)  # noqa: S101  # for mypy
        assert not isinstance(spec.teacher, RecurrentTeacher)  # noqa: S101  # for mypy
        found = real_spectrum(teachers.build(spec.teacher))
        one_channel = found is not None and found[1].shape[1:] == (1, 1)
        return cls(
            student=spec.student,
            target=target,
            start=start,
            spectrum=(found[0], found[1].ravel()) if found is not None and one_channel else None,
            tolerance=spec.evaluation.fit_tolerance,
            rates=_AS_GIVEN if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.rates,
        )


def imbalance(system: LinearSystem) -> np.ndarray:
    """|B - Cᵀ| (Frobenius), shape (...); NaN where B and Cᵀ have different shapes.

    Along gradient flow of a symmetric student d(B - Cᵀ)/dt = S (B - Cᵀ) with S = Σ_j v_j A^j:
    balanced stays balanced. For an unbalanced teacher the final imbalance is a property of the
    teacher, not a failure.
    """
    if system.B.shape[-1] != system.C.shape[-2]:
        return np.full(system.A.shape[:-2], np.nan)
    return np.linalg.norm(system.B - system.C.swapaxes(-1, -2), axis=(-2, -1))


def of_response(response: np.ndarray, target: Target, tolerance: float) -> dict[str, np.ndarray]:
    """The metrics that are about a response alone, by name, each (...), of ``response`` (..., q, p, m).

    Args:
        response: Of students, or of whatever else answers an impulse.
        target: What it should be.
        tolerance: ``evaluation.fit_tolerance``, of the extrapolation horizon.
    """
    with np.errstate(all="ignore"):
        baseline = errors.zero_baseline(target)
        error = errors.extrapolation_error(response, target)
        return {
            "train_loss": errors.train_loss(response, target),
            "fit_error": errors.fit_error(response, target),
            "extrapolation_error": error,
            "extrapolation_error_rms": errors.extrapolation_error_rms(response, target),
            "zero_baseline": np.full(error.shape, baseline),
            "relative_extrapolation_error": error / baseline,
            "extrapolation_horizon": errors.extrapolation_horizon(response, target, tolerance),
            "sequence_fit_error": errors.sequence_fit_error(response, target),
            "sequence_extrapolation_error": errors.sequence_extrapolation_error(response, target),
        }


def measure(system: LinearSystem, yardstick: Yardstick) -> dict[str, np.ndarray]:
    """Every metric of a batch of students, by name, each of shape (S,); ``time`` and ``flow_distance`` are training's.

    Overflow is a result here: a student whose response leaves the range of float64 has infinite
    errors.

    Args:
        system: The students' parameters, batch axis first.
        yardstick: What they are measured against.
    """
    target, student = yardstick.target, yardstick.student
    with np.errstate(all="ignore"):
        poles, distance = _spectrum(system, yardstick)
        absolute = np.abs(poles)
        return {
            **of_response(impulse_response(system, target.horizon), target, yardstick.tolerance),
            "imbalance": imbalance(system),
            "invariant_drift": invariant_drift(system, yardstick.start, student, yardstick.rates),
            "spectral_radius": absolute.max(axis=-1),
            "spectral_distance": distance,
            "effective_rank": effective_rank(hankel_singular_values(system, target.horizon)),
            "state_effective_rank": state_effective_rank(system, target.horizon),
            "eigenvalue_effective_rank": effective_rank(absolute),
            "sharpness": sharpness(system, student, target, yardstick.rates),
        }


def _spectrum(system: LinearSystem, yardstick: Yardstick) -> tuple[np.ndarray, np.ndarray]:
    """Poles (S, d) and the distance (S,) of the weighted spectrum from the teacher's.

    NaN for a student or a teacher whose spectrum need not be real, and for several channels.
    """
    if yardstick.student.structure == "general" or yardstick.spectrum is None:
        return eigenvalues(system.A), np.full(system.A.shape[:-2], np.nan)
    if yardstick.student.structure == "diagonal":
        poles, weights = (
            np.diagonal(system.A, axis1=-2, axis2=-1),
            system.B[..., 0] * system.C[..., 0, :],
        )
    else:
        A = (
            system.A + system.A.swapaxes(-1, -2)
        ) / 2  # symmetric to the last bit in single precision too
        poles, weights = weighted_spectrum(
            LinearSystem(A, system.B, system.C)
        )  # one decomposition for both
        weights = weights[..., 0, 0]
    return poles, spectral_distance(poles, weights, *yardstick.spectrum)
