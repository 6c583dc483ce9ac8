"""The main theorem's assumptions, checked on a spec, with the margin by which each holds or fails.

Theorem (Cohen-Karlik et al. 2023, reconstructed wording): Let d > k > 2 d̂, let the teacher be
balanced, stable and not degenerate, the student symmetric, and the start of gradient flow balanced.
Then for every ε and q there is a δ > 0 such that a population loss of at most δ implies
|h_j - ĥ_j| <= ε for all j < q, for every d.
"""

from collections.abc import Iterator

import numpy as np
from pydantic import BaseModel, ConfigDict

from core import teachers
from core.losses import loss_matrix
from core.shapes import Float64
from core.spec import (
    ExperimentSpec,
    ExplicitStart,
    FromExperimentStart,
    GaussianStart,
    GradientDescent,
    GradientFlow,
    IdentityStart,
    LinearStudent,
    RecurrentTeacher,
    Start,
    WarmStart,
    has_closed_form,
)
from core.systems import ZERO_TOLERANCE, LinearSystem, impulse_response, visible_spectrum
from core.theory.moments import Measure
from core.theory.step import step_bound

Spectrum = tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, "n p m"]] | None


class Assumption(BaseModel):
    """One assumption of the theorem.

    Attributes:
        name: Short stable name.
        holds: Whether it holds; None if the spec alone doesn't determine it.
        margin: Positive if it holds, negative if it fails; None if it has no degree.
        sentence: The finding.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    name: str
    holds: bool | None
    margin: float | None
    sentence: str


class Theorem(BaseModel):
    """The theorem's assumptions on a spec.

    Attributes:
        applies: Whether every assumption holds; None if none fails but some are undetermined.
        assumptions: Every assumption.
        measure: The teacher's measure, if it is balanced and has one input and one output;
            ``unique`` says whether the k lags of the training determine it.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    applies: bool | None
    assumptions: tuple[Assumption, ...]
    measure: Measure | None


def check(spec: ExperimentSpec) -> Theorem:
    """Checks the assumptions of the main theorem on ``spec``.

    Example:
        >>> theorem = check(ExperimentSpec.model_validate({
        ...     "teacher": {
        ...         "kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}
        ...     },
        ...     "student": {"kind": "linear", "dim": 20, "start": {"scale": 0.5, "balanced": True}},
        ...     "training": {"length": 4},
        ... }))
        >>> [assumption.name for assumption in theorem.assumptions if not assumption.holds]
        ['long enough']
    """
    student, teacher = spec.student, spec.teacher
    if not has_closed_form(teacher, student):
        linear = Assumption(
            name="linear", holds=False, margin=None, sentence="Student or teacher is not linear."
        )
        return Theorem(applies=False, assumptions=(linear,), measure=None)
    assert isinstance(student, LinearStudent) and not isinstance(teacher, RecurrentTeacher)  # noqa: S101, PT018
    with np.errstate(all="ignore"):
        system = teachers.build(teacher)
        spectrum = visible_spectrum(system)
        linear = Assumption(
            name="linear", holds=True, margin=None, sentence="Student and teacher are linear."
        )
        assumptions = (
            linear,
            *_dimensions(spec, system, spectrum),
            *_teacher(spec, system, spectrum),
            *_student(student),
            _loss(spec),
            _flow(spec),
        )
    verdicts = [assumption.holds for assumption in assumptions]
    applies = False if False in verdicts else None if None in verdicts else True
    measure = _measure(spec, system, spectrum)
    return Theorem(applies=applies, assumptions=assumptions, measure=measure)


def _dimensions(
    spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum
) -> Iterator[Assumption]:
    d, k = spec.student.dim, spec.training.length
    states = len(system.A) if spectrum is None else max(1, len(spectrum[0]))
    yield Assumption(
        name="overparameterised",
        holds=d > k,
        margin=d - k,
        sentence=f"d = {d} and k = {k}; the theorem needs d > k.",
    )
    yield Assumption(
        name="long enough",
        holds=k > 2 * states,
        margin=k - 2 * states,
        sentence=f"k = {k} and the teacher has d̂ = {states} states; the theorem needs k > 2 d̂.",
    )


def _teacher(
    spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum
) -> Iterator[Assumption]:
    smallest = _smallest_weight(spectrum)
    if spectrum is None:
        sentence = (
            "The teacher has no symmetric realisation: a pole is complex, or A has no eigenbasis."
        )
    elif smallest is None:
        sentence = (
            "The weights of the teacher's poles are not symmetric matrices, so no realisation has "
            "B = Cᵀ."
        )
    else:
        sentence = f"The smallest weight of a pole is {smallest:.3g}; B = Cᵀ needs weights >= 0."
    yield Assumption(
        name="balanced teacher", holds=(smallest or -1.0) > 0, margin=smallest, sentence=sentence
    )
    radius = float(np.abs(np.linalg.eigvals(system.A)).max())
    yield Assumption(
        name="stable",
        holds=radius <= 1 + ZERO_TOLERANCE,
        margin=1 - radius,
        sentence=f"The teacher's spectral radius is {radius:.4g}; the theorem needs at most 1.",
    )
    largest = float(np.abs(impulse_response(system, spec.horizon)).max())
    yield Assumption(
        name="not degenerate",
        holds=largest > 0,
        margin=largest,
        sentence=(
            f"The largest entry of the teacher's response is {largest:.3g}; the theorem needs a "
            "nonzero response."
        ),
    )


def _smallest_weight(spectrum: Spectrum) -> float | None:
    """Returns the smallest eigenvalue of a weight, None without weights or symmetry."""
    if spectrum is None or not len(spectrum[1]) or spectrum[1].shape[1] != spectrum[1].shape[2]:
        return None
    weights = spectrum[1]
    rounding = ZERO_TOLERANCE * np.abs(weights).max()
    if np.abs(weights - weights.swapaxes(1, 2)).max() > rounding:
        return None
    # The weight of a pole of one state has rank 1: all eigenvalues but one are 0, and the trace is
    # the remaining one.
    smallest = np.linalg.eigvalsh(weights)[:, 0]
    trace = np.trace(weights, axis1=1, axis2=2)
    return float(np.where(smallest < -rounding, smallest, trace).min())


def _student(student: LinearStudent) -> Iterator[Assumption]:
    symmetric = student.structure == "symmetric"
    yield Assumption(
        name="symmetric student",
        holds=symmetric,
        margin=None,
        sentence=f"The student's A is {student.structure}.",
    )
    all_trained = student.trained == ("A", "B", "C")
    trained = ", ".join(student.trained)
    yield Assumption(
        name="all trained", holds=all_trained, margin=None, sentence=f"Trained: {trained}."
    )
    tied = True, 0.0, "The student is tied: C = Bᵀ at every step."
    holds, margin, sentence = tied if student.tied else _start_balance(student.start)
    yield Assumption(name="balanced start", holds=holds, margin=margin, sentence=sentence)


def _start_balance(start: Start) -> tuple[bool | None, float | None, str]:
    match start:
        case GaussianStart(balanced=True) | IdentityStart(balanced=True):
            sentence = "The start has C = Bᵀ, which gradient steps of a symmetric student preserve."
            return True, 0.0, sentence
        case GaussianStart(scale=scale):
            distance = float(np.sqrt(2) * scale)
            sentence = (
                f"B and Cᵀ start about {distance:.2g} apart. From near zero they approach each "
                "other; from farther away they may not."
            )
            return False, -distance, sentence
        case ExplicitStart(B=B, C=C):
            distance = 0.0 if C is None else float(np.linalg.norm(np.array(B) - np.array(C).T))
            return distance == 0, -distance, f"|B - Cᵀ| = {distance:.3g} at the start."
        case WarmStart(fixed=fixed) if fixed is not None:
            return True, 0.0, "B and C start with the same entries."
        case FromExperimentStart():
            sentence = "The start is another experiment's result; the spec lacks its imbalance."
            return None, None, sentence
        case _:
            return False, None, f"A {start.kind} start has B different from Cᵀ."


def _loss(spec: ExperimentSpec) -> Assumption:
    lowest = float(np.linalg.eigvalsh(loss_matrix(spec.training))[0])
    finding = "sees every lag below k" if lowest > ZERO_TOLERANCE else "does not see some response"
    return Assumption(
        name="loss determines",
        holds=lowest > ZERO_TOLERANCE,
        margin=lowest,
        sentence=f"The smallest eigenvalue of M is {lowest:.3g}: the loss {finding}.",
    )


def _flow(spec: ExperimentSpec) -> Assumption:
    name, optimizer = "gradient flow", spec.optimizer
    if isinstance(optimizer, GradientFlow):
        return Assumption(name=name, holds=True, margin=None, sentence="Training is gradient flow.")
    if not isinstance(optimizer, GradientDescent):
        return Assumption(
            name=name, holds=False, margin=None, sentence=f"Training is {optimizer.kind}."
        )
    bound = step_bound(spec)
    sentence = (
        f"lr = {optimizer.lr:g}; at the teacher's parameters GD is stable below 2 / sharpness = "
        f"{bound:.3g}."
    )
    return Assumption(
        name=name, holds=optimizer.lr < bound, margin=bound - optimizer.lr, sentence=sentence
    )


def _measure(spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum) -> Measure | None:
    smallest = _smallest_weight(spectrum)
    if spectrum is None or smallest is None or smallest <= 0 or spectrum[1].shape[1:] != (1, 1):
        return None
    poles, weights = spectrum[0], spectrum[1].ravel()
    order = np.argsort(-weights, kind="stable")
    measure = Measure(
        atoms=tuple(poles[order].tolist()),
        weights=tuple(weights[order].tolist()),
        unique=spec.training.length > 2 * len(poles),
        gap=np.inf,
        residual=0.0,
    )
    residual = np.abs(
        measure.response(spec.horizon) - impulse_response(system, spec.horizon).ravel()
    ).max()
    return measure.model_copy(update={"residual": float(residual)})
