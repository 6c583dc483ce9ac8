"""Metrics of students, computed in NumPy and float64 for every dtype and device of the training.

:func:`measure` computes the metrics of :data:`core.result.METRICS` that a linear student has. The
modules of this package state their formulas and sources.
"""

from dataclasses import dataclass

import numpy as np

from core import teachers
from core.cost import measured_metrics
from core.cost.measuring import ALL_METRICS, SHARED_WORK
from core.losses import Target
from core.metrics import errors
from core.metrics.invariants import invariant_drift
from core.metrics.sharpness import gauss_newton_sharpness, sharpness
from core.metrics.spectrum import effective_rank, spectral_distance, state_effective_rank
from core.shapes import Float64
from core.spec import ExperimentSpec, GradientFlow, LinearStudent, Rates
from core.systems import (
    LinearSystem,
    eigenvalues,
    hankel_singular_values,
    impulse_response,
    real_spectrum,
    weighted_spectrum,
)

__all__ = [
    "Reference",
    "effective_rank",
    "errors",
    "gauss_newton_sharpness",
    "imbalance",
    "measure",
    "response_metrics",
    "sharpness",
]

_AS_GIVEN = Rates()


@dataclass(frozen=True)
class Reference:
    """The reference that the students of one experiment are measured against.

    Attributes:
        student: The students' structure and trained parameters.
        target: The teacher's response and the loss matrix.
        start: The initial parameters, batch axis first, for the drift of conserved quantities.
        spectrum: The teacher's real poles (n,) and weights (n,); None if they aren't real or the
            teacher has several channels.
        tolerance: ``evaluation.fit_tolerance``.
        rates: Factors on the learning rate.
        metrics: The metrics to measure of :data:`core.cost.measuring.SHARED_WORK`.
    """

    student: LinearStudent
    target: Target
    start: LinearSystem
    spectrum: tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]] | None = None
    tolerance: float = 1e-3
    rates: Rates = _AS_GIVEN
    metrics: frozenset[str] = ALL_METRICS

    @classmethod
    def of(cls, spec: ExperimentSpec, target: Target, start: LinearSystem) -> "Reference":
        """Builds the reference of a spec whose student and teacher are linear."""
        spectrum = real_spectrum(teachers.build(spec.linear_teacher))
        has_one_channel = spectrum is not None and spectrum[1].shape[1:] == (1, 1)
        return cls(
            student=spec.linear_student,
            target=target,
            start=start,
            spectrum=(spectrum[0], spectrum[1].ravel()) if spectrum and has_one_channel else None,
            tolerance=spec.evaluation.fit_tolerance,
            rates=_AS_GIVEN if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.rates,
            metrics=measured_metrics(spec),
        )


def imbalance(system: LinearSystem) -> Float64[np.ndarray, "..."]:
    """Returns |B - Cᵀ| (Frobenius), shape (...); NaN if B and Cᵀ have different shapes.

    Along gradient flow of a symmetric student d(B - Cᵀ)/dt = S (B - Cᵀ) with S = Σ_j v_j A^j, so a
    balanced student stays balanced. For an unbalanced teacher the final imbalance is a property of
    the teacher, not a failure.
    """
    if system.B.shape[-1] != system.C.shape[-2]:
        return np.full(system.A.shape[:-2], np.nan)
    return np.asarray(np.linalg.norm(system.B - system.C.swapaxes(-1, -2), axis=(-2, -1)))


def response_metrics(
    response: Float64[np.ndarray, "*batch q p m"], target: Target, tolerance: float
) -> dict[str, Float64[np.ndarray, "*batch"]]:
    """Computes the metrics that depend on the response alone, by name, each of shape (...).

    Args:
        response: Impulse responses (..., q, p, m).
        target: The teacher's response and the loss matrix.
        tolerance: ``evaluation.fit_tolerance``, for the extrapolation horizon.

    Returns:
        NaN for a relative error whose denominator is 0 or infinite: it is undefined. Otherwise
        infinite where the error is.
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
            "relative_extrapolation_error": errors.relative_error(error, baseline),
            "extrapolation_horizon": errors.extrapolation_horizon(response, target, tolerance),
            "sequence_fit_error": errors.sequence_fit_error(response, target),
            "sequence_extrapolation_error": errors.sequence_extrapolation_error(response, target),
        }


def measure(system: LinearSystem, reference: Reference) -> dict[str, Float64[np.ndarray, "..."]]:
    """Computes the metrics of a batch of students, by name, each of the batch's shape.

    Those of the response and the imbalance, and those that share work with one of
    ``reference.metrics``. ``time`` and ``flow_distance`` come from the training instead. Overflow
    is a result: a student whose response exceeds the range of float64 has infinite errors.

    Args:
        system: The students' parameters, batch axes first.
        reference: The reference to measure against.
    """
    target, student, rates = reference.target, reference.student, reference.rates
    horizon, metrics = target.horizon, reference.metrics
    with np.errstate(all="ignore"):
        response = impulse_response(system, horizon)
        measured = {
            **response_metrics(response, target, reference.tolerance),
            "imbalance": imbalance(system),
        }
        if SHARED_WORK["spectrum"] & metrics:
            poles, distance = _spectrum(system, reference)
            absolute = np.abs(poles)
            measured["spectral_radius"] = absolute.max(axis=-1)
            measured["spectral_distance"] = distance
            measured["eigenvalue_effective_rank"] = effective_rank(absolute)
        if "effective_rank" in metrics:
            measured["effective_rank"] = effective_rank(hankel_singular_values(system, horizon))
        if "state_effective_rank" in metrics:
            measured["state_effective_rank"] = state_effective_rank(system, horizon)
        if "invariant_drift" in metrics:
            drift = invariant_drift(system, reference.start, student, rates)
            measured["invariant_drift"] = drift
        if "sharpness" in metrics:
            measured["sharpness"] = sharpness(system, student, target, rates)
        if "gauss_newton_sharpness" in metrics:
            of_part = gauss_newton_sharpness(system, student, target, rates)
            measured["gauss_newton_sharpness"] = of_part
    return measured


def _spectrum(system: LinearSystem, reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """Returns the poles (..., d) and the spectral distance (...) from the teacher.

    The distance is NaN if a spectrum need not be real, or with several channels.
    """
    if reference.student.structure == "general" or reference.spectrum is None:
        return eigenvalues(system.A), np.full(system.A.shape[:-2], np.nan)
    if reference.student.structure == "diagonal":
        poles = np.diagonal(system.A, axis1=-2, axis2=-1)
        weights = system.B[..., 0] * system.C[..., 0, :]
    else:
        # float32 rounding can leave A not quite symmetric.
        A = (system.A + system.A.swapaxes(-1, -2)) / 2
        poles, weights = weighted_spectrum(LinearSystem(A, system.B, system.C))
        weights = weights[..., 0, 0]
    return poles, spectral_distance(poles, weights, *reference.spectrum)
