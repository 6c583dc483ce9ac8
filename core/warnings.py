"""What is allowed in a spec but probably not meant: sentences for whoever submits it. Nothing here refuses anything."""

from collections.abc import Iterator

import numpy as np

from core import teachers
from core.cost import preparation
from core.losses import Target, loss_matrix
from core.metrics import sharpness
from core.spec import (
    ExperimentSpec,
    ExplicitStart,
    GaussianStart,
    GradientDescent,
    LinearStudent,
    RecurrentTeacher,
    SecondMomentLoss,
    has_closed_form,
)
from core.systems import impulse_response

_ROUNDING = 1e-9

LOOKED_AT = 2e8
"""Operations that a look at the teacher may take: well under a second, since whoever submits waits for it."""

_LARGEST_FOR_STEP_BOUND = 200
"""Training lengths up to which the step-size bound, an eigenvalue of a k x k matrix, is worth its cost here."""


def warnings(spec: ExperimentSpec) -> list[str]:
    """The warnings for a spec, in no particular order of weight; empty for most specs.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> warnings(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "rotation"}, "student": {"kind": "linear", "dim": 4}, "training": {"length": 3}}))
        ['The teacher has complex poles, which no symmetric student has.']
    """
    found = [*_dimensions(spec), *_unused(spec)]
    if not has_closed_form(spec.teacher, spec.student):
        return found
    if preparation(spec) > LOOKED_AT:
        return [*found, "The teacher or the sample is too large to be looked at before training."]
    with np.errstate(all="ignore"):  # numbers near the largest are legal
        return [*found, *_reach(spec), *_step_size(spec)]


def _dimensions(spec: ExperimentSpec) -> Iterator[str]:
    d, k = spec.student.dim, spec.training.length
    if d <= k:
        yield f"The student has d = {d} <= k = {k} states: it is not overparameterised in the paper's sense (d > k)."


def _reach(spec: ExperimentSpec) -> Iterator[str]:
    """Whether any student of this structure can match the teacher at all."""
    if isinstance(spec.teacher, RecurrentTeacher) or not isinstance(spec.student, LinearStudent):
        return
    teacher, student = teachers.build(spec.teacher), spec.student
    poles, directions = np.linalg.eig(teacher.A)
    if student.structure != "general" and np.abs(poles.imag).max() > _ROUNDING * np.abs(poles).max():
        yield f"The teacher has complex poles, which no {student.structure} student has."
    elif student.structure != "general" and np.linalg.cond(directions) > 1 / _ROUNDING:
        yield f"The teacher has a defective pole, as a delay line does, which no {student.structure} student has."
    elif student.tied and not np.allclose(teacher.B, teacher.C.T):
        yield "The teacher is unbalanced, so a tied student, whose weights are never negative, may not reach it."
    if not impulse_response(teacher, spec.training.length).any():
        yield "The teacher's response is zero within the training length: there is nothing to learn."
    if spec.teacher.kind == "explicit" and np.abs(np.linalg.eigvals(teacher.A)).max() > 1 + 1e-9:
        yield "The teacher is unstable (spectral radius above 1): its response grows with the horizon."


def _step_size(spec: ExperimentSpec) -> Iterator[str]:
    """GD can settle only where lr < 2 / sharpness; from near zero it ends where the teacher itself would stand."""
    k = spec.training.length
    if not isinstance(spec.optimizer, GradientDescent) or k > _LARGEST_FOR_STEP_BOUND:
        return
    if isinstance(spec.teacher, RecurrentTeacher) or not isinstance(spec.student, LinearStudent):
        return
    teacher = teachers.build(spec.teacher)
    target = Target(impulse_response(teacher, k), loss_matrix(spec.training))
    student = LinearStudent(kind="linear", dim=len(teacher.A), structure="general", trained=spec.student.trained)
    curvature = float(sharpness(teacher, student, target))
    if curvature > 0 and spec.optimizer.lr > 2 / curvature:
        yield (
            f"optimizer.lr = {spec.optimizer.lr:g} is above 2 / sharpness = {2 / curvature:.3g} at the teacher's own "
            "parameters: GD may oscillate or diverge."
        )


def _unused(spec: ExperimentSpec) -> Iterator[str]:
    if isinstance(spec.student.start, ExplicitStart) and len(spec.seeds) > 1:
        yield "The start is explicit, so all seeds train the same student; one seed is enough."
    if isinstance(spec.training.loss, SecondMomentLoss) and spec.training.outputs == "all":
        yield "training.outputs is not used: a second_moment loss gives M itself."
    if isinstance(spec.student.start, GaussianStart) and spec.student.start.scale == 0:
        yield "The start is exactly zero, where the gradient is zero too: nothing will move."
