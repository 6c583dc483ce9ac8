"""A teacher's response, poles and Hankel singular values, within the budget of a request."""

import numpy as np

from core import teachers
from core.errors import Problem, SpecError
from core.spec import ExplicitTeacher, LinearTeacher, RecurrentTeacher, Teacher, channels, states
from core.spec.rules import teacher_shapes
from core.systems import eigenvalues, hankel_singular_values, impulse_response
from core.warnings import MAX_OPERATIONS
from service import schemas

NON_LINEAR = "A non-linear teacher has no impulse response."
TOO_LARGE = "The teacher is too large to be shown within a request."
WITHOUT_READOUT = "Shown without its readout."


def preview_teacher(teacher: Teacher, horizon: int) -> schemas.TeacherPreview:
    """Computes ĥ_j = C A^j B for j < ``horizon``, the poles of A, and Hankel singular values.

    A teacher that is not linear, or takes more than ``MAX_OPERATIONS``, has a note in their place.

    Raises:
        SpecError: The teacher's matrices do not fit each other.
    """
    problems = [
        Problem("".join(f"/{key}" for key in location), code, message)
        for location, code, message in teacher_shapes(teacher)
    ]
    if problems:
        raise SpecError(problems)
    if isinstance(teacher, RecurrentTeacher):
        return _without_numbers(NON_LINEAR)
    if _operations(teacher, horizon) > MAX_OPERATIONS:
        return _without_numbers(TOO_LARGE)
    system = teachers.build(teacher)
    with np.errstate(all="ignore"):  # numbers that overflow are valid
        response = impulse_response(system, horizon)
        poles = eigenvalues(system.A)
        singular_values = hankel_singular_values(system, horizon)
    has_readout = isinstance(teacher, ExplicitTeacher) and teacher.readout is not None
    return schemas.TeacherPreview(
        response=response.ravel().tolist() if response[0].size == 1 else response.tolist(),
        poles=[(pole.real, pole.imag) for pole in poles.tolist()],
        hankel_singular_values=singular_values.tolist(),
        note=WITHOUT_READOUT if has_readout else None,
    )


def _without_numbers(note: str) -> schemas.TeacherPreview:
    return schemas.TeacherPreview(response=None, poles=[], hankel_singular_values=[], note=note)


def _operations(teacher: LinearTeacher, horizon: int) -> float:
    """Estimates the operations: eigenvalues, the response, and the Hankel matrix's two factors."""
    d, (m, p) = states(teacher), channels(teacher)
    factors = 4.0 * horizon * d * d * max(m, p)
    return 25.0 * d**3 + 2.0 * horizon * d * d * m + factors + 20.0 * d**3
