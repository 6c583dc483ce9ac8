"""The largest stable step of gradient descent."""

from functools import lru_cache

import numpy as np

from core import teachers
from core.losses import Target, loss_matrix
from core.metrics import sharpness
from core.spec import (
    ExperimentSpec,
    GradientFlow,
    LinearStudent,
    LinearTeacher,
    Rates,
    Training,
)
from core.spec.student import Parameter, Structure
from core.systems import LinearSystem, impulse_response, visible_spectrum


def step_bound(spec: ExperimentSpec) -> float:
    """Returns 2 / sharpness at the teacher's parameters: GD settles there only with a smaller lr.

    The teacher is taken in its eigenbasis with B_i = sign(w_i) √|w_i|, C_i = √|w_i| if it has one,
    since students from near zero end there; else as given. Infinite if the curvature is zero. For
    linear students of linear teachers.
    """
    student = spec.linear_student
    return _bound(
        spec.linear_teacher, spec.training, student.structure, student.trained, rates_of(spec)
    )


def rates_of(spec: ExperimentSpec) -> Rates:
    """The factors on the learning rate; 1 for gradient flow."""
    return Rates() if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.rates


@lru_cache(maxsize=32)  # a sweep repeats a few teachers and losses
def _bound(
    teacher: LinearTeacher,
    training: Training,
    structure: Structure,
    trained: tuple[Parameter, ...],
    rates: Rates,
) -> float:
    system = teachers.build(teacher)
    spectrum = visible_spectrum(system)
    shape: Structure = "general"
    if spectrum is not None and spectrum[1].shape[1:] == (1, 1) and len(spectrum[0]):
        shape, poles, weights = structure, spectrum[0], spectrum[1].ravel()
        root = np.sqrt(np.abs(weights))
        system = LinearSystem(np.diag(poles), (np.sign(weights) * root)[:, None], root[None])
    student = LinearStudent(kind="linear", dim=len(system.A), structure=shape, trained=trained)
    target = Target(impulse_response(system, training.length), loss_matrix(training))
    curvature = float(sharpness(system, student, target, rates))
    return 2 / curvature if curvature > 0 else np.inf
