"""Warnings about valid specs that are probably not intended."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from core import students, teachers
from core.cost import measured_metrics, preparation_flop
from core.cost.measuring import ALL_METRICS
from core.labels import how_many
from core.losses import loss_matrix, target_of
from core.metrics import sharpness
from core.spec import (
    CounterexampleStart,
    ExperimentSpec,
    ExplicitStart,
    FiniteSampleLoss,
    FromExperimentStart,
    GradientDescent,
    IdentityStart,
    LinearStudent,
    LinearTeacher,
    RecurrentTeacher,
    SecondMomentLoss,
    Training,
    WideStart,
    has_closed_form,
    states,
)
from core.spec.student import Structure
from core.systems import ZERO_TOLERANCE, impulse_response, real_spectrum, visible_spectrum
from core.theory.balance import smallest_weight, start_balance
from core.theory.step import rates_of, step_bound
from core.theory.wide import learning_rates

MAX_OPERATIONS = 2e8
"""Most operations spent on examining a teacher: well under a second, as the sender waits."""

_MAX_LENGTH_OF_STEP_BOUND = 200
"""Longest training for which the step-size bound, an eigenvalue of a k x k matrix, is computed."""

_CACHED = 32
"""Most teachers and losses whose warnings are cached; a sweep repeats a few of them."""

_MAX_LENGTH_OF_COUNTEREXAMPLE = 24
"""Longest training for which rounding leaves a counterexample's loss below about 1e-16."""


def warnings(spec: ExperimentSpec) -> list[str]:
    """Returns the warnings about a spec, in no particular order; most specs have none.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> warnings(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "rotation"},
        ...     "student": {"kind": "linear", "dim": 4},
        ...     "training": {"length": 3},
        ... }))
        ['The teacher has complex poles, which no symmetric student has.']
    """
    cheap = [
        *_growth(spec),
        *_dimensions(spec),
        *_unused(spec),
        *_start(spec),
        *_mismatched(spec),
        *_not_measured(spec),
    ]
    if not has_closed_form(spec.teacher, spec.student):
        return cheap
    if preparation_flop(spec) > MAX_OPERATIONS:
        return [*cheap, "The teacher or the sample is too large to examine before training."]
    with np.errstate(all="ignore"):  # numbers that overflow are valid
        return [
            *cheap,
            *_unreachable(spec),
            *_undetermined(spec),
            *_balanced_start(spec),
            *_step_size(spec),
            *_counterexample(spec),
        ]


def _growth(spec: ExperimentSpec) -> Iterator[str]:
    """Warns if the teacher is unstable, and names the lag where its response overflows."""
    teacher = spec.teacher
    if isinstance(teacher, RecurrentTeacher):
        return
    if states(teacher) ** 2 * (spec.horizon + 10 * states(teacher)) <= MAX_OPERATIONS:
        yield from _unstable(teacher, spec.horizon)


@lru_cache(maxsize=_CACHED)
def _unstable(teacher: LinearTeacher, horizon: int) -> tuple[str, ...]:
    system = teachers.build(teacher)
    if np.abs(np.linalg.eigvals(system.A)).max() <= 1 + ZERO_TOLERANCE:
        return ()
    sentence = "The teacher is unstable (spectral radius > 1): its response grows with the horizon"
    is_infinite = np.isinf(impulse_response(system, horizon)).any(axis=(-2, -1))
    if not is_infinite.any():
        return (f"{sentence}.",)
    return (
        f"{sentence}, past the range of float64 from lag {is_infinite.argmax()} on. Errors there "
        "are infinite, and relative ones undefined; a smaller evaluation.horizon avoids it.",
    )


def _dimensions(spec: ExperimentSpec) -> Iterator[str]:
    d, k = spec.student.dim, spec.training.length
    if d <= k:
        yield (
            f"The student has d = {d} <= k = {k}, so it is not overparameterised in the paper's "
            "sense (d > k)."
        )


def _unreachable(spec: ExperimentSpec) -> Iterator[str]:
    """Warns if no student of this structure can match the teacher."""
    if not isinstance(spec.teacher, RecurrentTeacher) and isinstance(spec.student, LinearStudent):
        yield from _out_of_reach(
            spec.teacher, spec.student.structure, spec.student.tied, spec.training.length
        )


@lru_cache(maxsize=_CACHED)
def _out_of_reach(
    teacher: LinearTeacher, structure: Structure, tied: bool, length: int
) -> tuple[str, ...]:
    system, sentences = teachers.build(teacher), []
    poles = np.linalg.eigvals(system.A)
    if structure != "general" and real_spectrum(system) is None:
        if np.abs(poles.imag).max() > ZERO_TOLERANCE * np.abs(poles).max():
            sentences.append(f"The teacher has complex poles, which no {structure} student has.")
        else:
            sentences.append(
                "The teacher has a defective pole, as a delay line does, which no "
                f"{structure} student has."
            )
    elif tied and not np.allclose(system.B, system.C.T):
        sentences.append(
            "The teacher is unbalanced, so a tied student may not be able to match it: its weights "
            "are never negative."
        )
    if not impulse_response(system, length).any():
        sentences.append(
            "The teacher's response is zero within the training length: there is nothing to learn."
        )
    return tuple(sentences)


def _undetermined(spec: ExperimentSpec) -> Iterator[str]:
    """Warns if the loss does not determine h_0 .. h_{k-1}."""
    loss, k = spec.training.loss, spec.training.length
    if isinstance(loss, FiniteSampleLoss):
        sequences = loss.sequences if loss.inputs is None else len(loss.inputs)
        if sequences is not None and sequences < k and spec.training.outputs == "last":
            yield (
                f"The sample has {how_many(sequences, 'sequence')}, fewer than k = {k}: a student "
                "can fit all of it without matching the teacher."
            )
    elif k <= _MAX_LENGTH_OF_STEP_BOUND and _is_singular(spec.training):
        yield (
            "The loss matrix M is singular: a student can have zero loss without matching the "
            "teacher's first k responses."
        )


@lru_cache(maxsize=_CACHED)
def _is_singular(training: Training) -> bool:
    lowest, *_, highest = np.linalg.eigvalsh(loss_matrix(training))[[0, -1]]
    return bool(lowest <= ZERO_TOLERANCE * highest)


def _step_size(spec: ExperimentSpec) -> Iterator[str]:
    """Warns if GD can't settle at the teacher's parameters, where a near-zero start ends."""
    optimizer = spec.optimizer
    if not isinstance(optimizer, GradientDescent):
        return
    if spec.training.length > _MAX_LENGTH_OF_STEP_BOUND:
        return
    bound = step_bound(spec)
    if optimizer.lr > bound:
        yield (
            f"optimizer.lr = {optimizer.lr:g} is above 2 / sharpness = {bound:.3g} at the "
            "teacher's parameters: GD may oscillate or diverge."
        )


def _unused(spec: ExperimentSpec) -> Iterator[str]:
    if len(spec.seeds) > 1 and (start := _shared_start(spec)) is not None:
        yield f"The start is {start}, so all seeds train the same student; one seed is enough."
    if isinstance(spec.training.loss, SecondMomentLoss) and spec.training.outputs == "all":
        yield "training.outputs is not used: a second_moment loss gives M itself."


def _shared_start(spec: ExperimentSpec) -> str | None:
    """Describes a start that makes all seeds train alike, None if they differ."""
    if not has_closed_form(spec.teacher, spec.student):
        return None  # the seeds also draw batches
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
        yield "The start is exactly zero, where the gradient is zero too, so nothing will change."
    if isinstance(start, WideStart) and isinstance(student, LinearStudent):
        rates = getattr(spec.optimizer, "rates", None)
        if student.structure != "general" or student.tied or rates != learning_rates(student.dim):
            yield (
                "The infinite-width analysis of a wide start assumes a general, untied student and "
                f"optimizer.rates A = C = 1/d = {1 / student.dim:g} and B = 1."
            )


def _balanced_start(spec: ExperimentSpec) -> Iterator[str]:
    """Warns if training keeps B = Cᵀ although no balanced student matches the teacher."""
    student = spec.student
    if not isinstance(student, LinearStudent) or isinstance(spec.teacher, RecurrentTeacher):
        return
    # A general A stays symmetric only if it starts so.
    is_kept = student.structure != "general" or isinstance(student.start, IdentityStart)
    trains_both = student.trained[-2:] == ("B", "C")
    if student.tied or not is_kept or not trains_both:
        return
    if start_balance(student, rates_of(spec)).holds and _is_unbalanced(spec.teacher):
        yield (
            "The start is balanced and the teacher is not: GD keeps B = Cᵀ, with weights that are "
            "never negative, so the loss stays on a plateau until rounding breaks the balance, at "
            "a step that differs between machines."
        )


@lru_cache(maxsize=_CACHED)
def _is_unbalanced(teacher: LinearTeacher) -> bool:
    """Whether the teacher has real poles and a response, but no balanced realisation."""
    spectrum = visible_spectrum(teachers.build(teacher))
    if spectrum is None or not len(spectrum[0]):
        return False
    return (smallest_weight(spectrum) or -1.0) < 0


def _counterexample(spec: ExperimentSpec) -> Iterator[str]:
    student, k = spec.student, spec.training.length
    if not isinstance(student, LinearStudent) or not isinstance(student.start, CounterexampleStart):
        return
    if k > _MAX_LENGTH_OF_COUNTEREXAMPLE:
        yield (
            f"A counterexample's weights grow as 2^k: at k = {k} its loss is not zero, due to "
            "rounding."
        )
    elif isinstance(spec.optimizer, GradientDescent):
        target = target_of(spec)
        system = students.start(
            student, spec.seeds[0], 1, 1, teacher_response=target.response[: k + 1, 0, 0]
        )
        curvature = float(sharpness(system, student, target, spec.optimizer.rates))
        if spec.optimizer.lr * curvature > 2:
            yield (
                f"optimizer.lr = {spec.optimizer.lr:g} is above 2 / sharpness = "
                f"{2 / curvature:.3g} at the counterexample: GD leaves it, and may diverge."
            )


def _not_measured(spec: ExperimentSpec) -> Iterator[str]:
    """Says which metrics the default leaves out because of their cost."""
    left_out = sorted(ALL_METRICS - measured_metrics(spec))
    if spec.evaluation.metrics is None and left_out:
        yield (
            f"Not measured, as it would take longer than the training: {', '.join(left_out)}. "
            "evaluation.metrics can name them, and evaluation.points say how often."
        )


def _mismatched(spec: ExperimentSpec) -> Iterator[str]:
    if isinstance(spec.teacher, RecurrentTeacher) and isinstance(spec.student, LinearStudent):
        yield f"A linear student can only approximate a {spec.teacher.kind} teacher."
