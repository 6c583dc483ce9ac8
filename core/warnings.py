"""What is allowed in a spec but probably not meant, and what to bear in mind when reading a run: sentences.

Nothing here refuses anything.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from core import students, teachers
from core.cost import preparation
from core.losses import loss_matrix, target_of
from core.metrics import sharpness
from core.spec import (
    CosineSchedule,
    CounterexampleStart,
    ExperimentSpec,
    ExplicitStart,
    ExponentialSchedule,
    FiniteSampleLoss,
    FromExperimentStart,
    GradientDescent,
    LinearStudent,
    LinearTeacher,
    RecurrentTeacher,
    SecondMomentLoss,
    Training,
    WarmupSchedule,
    WideStart,
    has_closed_form,
)
from core.spec.student import Structure
from core.systems import REAL, impulse_response, real_spectrum
from core.theory.step import step_bound
from core.theory.wide import learning_rates

LOOKED_AT = 2e8
"""Operations that a look at the teacher may take: well under a second, since whoever submits waits
for it."""

_LARGEST_FOR_STEP_BOUND = 200
"""Training lengths up to which the step-size bound, an eigenvalue of a k x k matrix, is worth its
cost here."""

_FEW = 32
"""Teachers and losses whose warnings are remembered: a sweep asks again and again for a few."""

_LONGEST_COUNTEREXAMPLE = 24
"""Up to here rounding leaves a counterexample's loss below about 1e-16."""


def warnings(spec: ExperimentSpec) -> list[str]:
    """The warnings for a spec, in no particular order of weight; empty for most specs.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> warnings(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "rotation"}, "student": {"kind": "linear", "dim": 4}, "training": {"length": 3}}))
        ['The teacher has complex poles, which no symmetric student has.']
    """
    found = [*_dimensions(spec), *_unused(spec), *_start(spec), *_mismatched(spec)]
    if not has_closed_form(spec.teacher, spec.student):
        return found
    if preparation(spec) > LOOKED_AT:
        return [*found, "The teacher or the sample is too large to be looked at before training."]
    with np.errstate(all="ignore"):  # numbers near the largest are legal
        return [*found, *_reach(spec), *_blind(spec), *_step_size(spec), *_counterexample(spec)]


def _dimensions(spec: ExperimentSpec) -> Iterator[str]:
    d, k = spec.student.dim, spec.training.length
    if d <= k:
        yield f"The student has d = {d} <= k = {k} states: it is not overparameterised in the paper's sense (d > k)."


def of_run(spec: ExperimentSpec, summary: Mapping[str, float]) -> list[str]:
    """What to bear in mind when reading one run's numbers.

    Args:
        spec: What was run.
        summary: Its metrics at the end.

    Example:
        >>> spec = ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "balanced"}, "student": {"kind": "linear", "dim": 9}, "training": {"length": 4},
        ...     "optimizer": {"lr": 0.1}})
        >>> of_run(spec, {"sharpness": 50.0, "spectral_radius": 0.9})
        ['lr = 0.1 is above 2 / sharpness = 0.04 where the run ended: gd cannot settle there.']
    """
    found, optimizer = [], spec.optimizer
    curvature, radius = summary.get("sharpness", np.nan), summary.get("spectral_radius", np.nan)
    if isinstance(optimizer, GradientDescent) and 0 < curvature < np.inf:
        lr = _last_lr(optimizer)
        if lr > 2 / curvature:
            found.append(
                f"lr = {lr:g} is above 2 / sharpness = {2 / curvature:.3g} where the run ended: gd cannot settle there."
            )
    if radius > 1 + REAL:
        found.append(
            f"The spectral radius of A is {radius:.4g}, above 1: the response may grow past the horizon."
        )
    return found


def _last_lr(optimizer: GradientDescent) -> float:
    """The size of the last step of a run that does all its steps."""
    match optimizer.schedule:
        case CosineSchedule(floor=floor):
            share = (
                floor
                + (1 - floor) * (1 + np.cos(np.pi * (optimizer.steps - 1) / optimizer.steps)) / 2
            )
        case ExponentialSchedule(decay=decay, every=every):
            share = decay ** ((optimizer.steps - 1) / every)
        case WarmupSchedule(steps=rise):
            share = min(1.0, optimizer.steps / rise)
        case _:
            share = 1.0
    return float(optimizer.lr * share)


def _reach(spec: ExperimentSpec) -> Iterator[str]:
    """Whether any student of this structure can match the teacher at all."""
    if not isinstance(spec.teacher, RecurrentTeacher) and isinstance(spec.student, LinearStudent):
        yield from _out_of_reach(
            spec.teacher, spec.student.structure, spec.student.tied, spec.training.length
        )


@lru_cache(maxsize=_FEW)
def _out_of_reach(
    teacher: LinearTeacher, structure: Structure, tied: bool, length: int
) -> tuple[str, ...]:
    system, found = teachers.build(teacher), []
    poles = np.linalg.eigvals(system.A)
    if structure != "general" and real_spectrum(system) is None:
        if np.abs(poles.imag).max() > REAL * np.abs(poles).max():
            found.append(f"The teacher has complex poles, which no {structure} student has.")
        else:
            found.append(
                f"The teacher has a defective pole, as a delay line does, which no {structure} student has."
            )
    elif tied and not np.allclose(system.B, system.C.T):
        found.append(
            "The teacher is unbalanced, so a tied student, whose weights are never negative, may not reach it."
        )
    if not impulse_response(system, length).any():
        found.append(
            "The teacher's response is zero within the training length: there is nothing to learn."
        )
    if teacher.kind == "explicit" and np.abs(poles).max() > 1 + REAL:
        found.append(
            "The teacher is unstable (spectral radius above 1): its response grows with the horizon."
        )
    return tuple(found)


def _blind(spec: ExperimentSpec) -> Iterator[str]:
    """Whether the loss sees the whole of h_0 .. h_{k-1}."""
    loss, k = spec.training.loss, spec.training.length
    if isinstance(loss, FiniteSampleLoss):
        sequences = loss.sequences if loss.inputs is None else len(loss.inputs)
        if sequences is not None and sequences < k and spec.training.outputs == "last":
            yield f"{sequences} sequences are fewer than k = {k} lags: a student can fit them all and not the teacher."
    elif k <= _LARGEST_FOR_STEP_BOUND and _is_singular(spec.training):
        yield "The loss matrix M is singular: a student can have zero loss and not the teacher's first k responses."


@lru_cache(maxsize=_FEW)
def _is_singular(training: Training) -> bool:
    lowest, *_, highest = np.linalg.eigvalsh(loss_matrix(training))[[0, -1]]
    return bool(lowest <= REAL * highest)


def _step_size(spec: ExperimentSpec) -> Iterator[str]:
    """GD can settle only where lr < 2 / sharpness; from near zero it ends where the teacher itself would stand."""
    if (
        not isinstance(spec.optimizer, GradientDescent)
        or spec.training.length > _LARGEST_FOR_STEP_BOUND
    ):
        return
    bound = step_bound(spec)
    if spec.optimizer.lr > bound:
        yield (
            f"optimizer.lr = {spec.optimizer.lr:g} is above 2 / sharpness = {bound:.3g} at the teacher's own "
            "parameters: GD may oscillate or diverge."
        )


def _unused(spec: ExperimentSpec) -> Iterator[str]:
    if len(spec.seeds) > 1 and (one := _one_start(spec)) is not None:
        yield f"The start is {one}, so all seeds train the same student; one seed is enough."
    if isinstance(spec.training.loss, SecondMomentLoss) and spec.training.outputs == "all":
        yield "training.outputs is not used: a second_moment loss gives M itself."


def _one_start(spec: ExperimentSpec) -> str | None:
    """In a word, what makes all seeds start alike, where they do and nothing else is drawn."""
    if not has_closed_form(spec.teacher, spec.student):
        return None  # the seeds draw batches as well
    match spec.student.start:
        case ExplicitStart():
            return "explicit"
        case FromExperimentStart(seed=int()):
            return "one run of an experiment"
        case _:
            return None


def _start(spec: ExperimentSpec) -> Iterator[str]:
    student, start = spec.student, spec.student.start
    if getattr(start, "scale", None) == 0 and start.kind == "gaussian":
        yield "The start is exactly zero, where the gradient is zero too: nothing will move."
    if isinstance(start, WideStart) and isinstance(student, LinearStudent):
        rates = getattr(spec.optimizer, "rates", None)
        if student.structure != "general" or student.tied or rates != learning_rates(student.dim):
            yield (
                "The infinite-width analysis of a wide start is of a general student, not tied, with optimizer.rates "
                f"A = C = 1/d = {1 / student.dim:g} and B = 1."
            )


def _counterexample(spec: ExperimentSpec) -> Iterator[str]:
    student, k = spec.student, spec.training.length
    if not isinstance(student, LinearStudent) or not isinstance(student.start, CounterexampleStart):
        return
    if k > _LONGEST_COUNTEREXAMPLE:
        yield f"A counterexample's weights grow as 2^k: at k = {k} rounding leaves it a loss that is not zero."
    elif isinstance(spec.optimizer, GradientDescent):
        target = target_of(spec)
        system = students.start(student, spec.seeds[0], 1, 1, fits=target.response[: k + 1, 0, 0])
        bound = 2 / float(sharpness(system, student, target, spec.optimizer.rates))
        if spec.optimizer.lr > bound:
            yield (
                f"optimizer.lr = {spec.optimizer.lr:g} is above 2 / sharpness = {bound:.3g} at the counterexample: "
                "gd leaves it, and may diverge."
            )


def _mismatched(spec: ExperimentSpec) -> Iterator[str]:
    if isinstance(spec.teacher, RecurrentTeacher) and isinstance(spec.student, LinearStudent):
        yield f"A linear student can only approximate a {spec.teacher.kind} teacher."
