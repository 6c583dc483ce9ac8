"""How large a step gradient descent can take."""

import numpy as np

from core import teachers
from core.losses import Target, loss_matrix
from core.metrics import sharpness
from core.spec import ExperimentSpec, GradientFlow, LinearStudent, Rates, RecurrentTeacher
from core.spec.student import Structure
from core.systems import LinearSystem, impulse_response, visible_spectrum


def step_bound(spec: ExperimentSpec) -> float:
    """2 / sharpness where the student stands as the teacher does: gd settles there only with lr below it.

    The teacher is taken in its eigenbasis with B_i = sign(w_i) √|w_i|, C_i = √|w_i| where it has one (as a student from
    near zero ends), else as it is given. Infinite where nothing curves; for linear students of linear teachers.
    """
    assert isinstance(spec.student, LinearStudent) and not isinstance(spec.teacher, RecurrentTeacher)  # noqa: S101, PT018
    teacher = teachers.build(spec.teacher)
    spectrum = visible_spectrum(teacher)
    structure: Structure = "general"
    if spectrum is not None and spectrum[1].shape[1:] == (1, 1) and len(spectrum[0]):
        structure, poles, weights = spec.student.structure, spectrum[0], spectrum[1].ravel()
        root = np.sqrt(np.abs(weights))
        teacher = LinearSystem(np.diag(poles), (np.sign(weights) * root)[:, None], root[None])
    student = LinearStudent(kind="linear", dim=len(teacher.A), structure=structure, trained=spec.student.trained)
    target = Target(impulse_response(teacher, spec.training.length), loss_matrix(spec.training))
    rates = Rates() if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.rates
    curvature = float(sharpness(teacher, student, target, rates))
    return 2 / curvature if curvature > 0 else np.inf
