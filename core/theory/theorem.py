"""The main theorem's assumptions, checked on a spec: which hold, which fail, by what margin.

Theorem (Cohen-Karlik et al. 2023, wording reconstructed): if d > k > 2 d̂, the teacher is balanced,
stable and not degenerate, the student symmetric, and gradient flow starts balanced, then for every
ε and q there is a δ > 0 such that a population loss of at most δ implies |h_j - ĥ_j| <= ε for all j
< q, however large d is.
"""

from collections.abc import Iterator

import numpy as np
from pydantic import BaseModel, ConfigDict

from core import teachers
from core.losses import loss_matrix
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
    WarmStart,
    has_closed_form,
)
from core.systems import REAL, LinearSystem, impulse_response, visible_spectrum
from core.theory.moments import Measure
from core.theory.step import step_bound

Spectrum = tuple[np.ndarray, np.ndarray] | None


class Assumption(BaseModel):
    """One assumption.

    Attributes:
        name: A short stable word.
        holds: Whether it holds; None where the spec alone can't say.
        margin: By how much: positive where it holds; None where it is no matter of degree.
        sentence: What was found.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    name: str
    holds: bool | None
    margin: float | None
    sentence: str


class Theorem(BaseModel):
    """What the theorem says of a spec.

    Attributes:
        applies: Whether every assumption holds; None where none fails but some can't be told.
        assumptions: Each of them.
        measure: The teacher's measure, if it is balanced and has one input and one output;
            ``unique`` says whether the k lags of the training determine it.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    applies: bool | None
    assumptions: tuple[Assumption, ...]
    measure: Measure | None


def check(spec: ExperimentSpec) -> Theorem:
    """The assumptions of the main theorem on ``spec``.

    Example:
        >>> found = check(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        ...     "student": {"kind": "linear", "dim": 20, "start": {"scale": 0.5, "balanced": True}},
        ...     "training": {"length": 4}}))
        >>> [assumption.name for assumption in found.assumptions if not assumption.holds]
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
        found = (
            linear,
            *_dimensions(spec, system, spectrum),
            *_teacher(spec, system, spectrum),
            *_student(student),
            _loss(spec),
            _flow(spec),
        )
    verdicts = [assumption.holds for assumption in found]
    applies = False if False in verdicts else None if None in verdicts else True
    return Theorem(applies=applies, assumptions=found, measure=_measure(spec, system, spectrum))


def _dimensions(
    spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum
) -> Iterator[Assumption]:
    d, k = spec.student.dim, spec.training.length
    states = len(system.A) if spectrum is None else max(1, len(spectrum[0]))
    yield Assumption(
        name="overparameterised",
        holds=d > k,
        margin=d - k,
        sentence=f"d = {d}, k = {k}; d > k is needed.",
    )
    yield Assumption(
        name="long enough",
        holds=k > 2 * states,
        margin=k - 2 * states,
        sentence=f"k = {k}, and the teacher needs d̂ = {states} states; k > 2 d̂ is needed.",
    )


def _teacher(
    spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum
) -> Iterator[Assumption]:
    lightest = _lightest(spectrum)
    if spectrum is None:
        sentence = (
            "The teacher has no symmetric realisation: a pole is complex, or A has no eigenbasis."
        )
    elif lightest is None:
        sentence = "The weights of the teacher's poles are not symmetric matrices, so that B = Cᵀ in no realisation."
    else:
        sentence = f"The smallest weight of a pole is {lightest:.3g}; B = Cᵀ needs weights >= 0."
    yield Assumption(
        name="balanced teacher", holds=(lightest or -1.0) > 0, margin=lightest, sentence=sentence
    )
    radius = float(np.abs(np.linalg.eigvals(system.A)).max())
    yield Assumption(
        name="stable",
        holds=radius <= 1 + REAL,
        margin=1 - radius,
        sentence=f"The teacher's spectral radius is {radius:.4g}; it should be at most 1.",
    )
    largest = float(np.abs(impulse_response(system, spec.horizon)).max())
    yield Assumption(
        name="not degenerate",
        holds=largest > 0,
        margin=largest,
        sentence=f"The largest entry of the teacher's response is {largest:.3g}; it should not be zero throughout.",
    )


def _lightest(spectrum: Spectrum) -> float | None:
    """The smallest eigenvalue of a weight; None where one isn't a symmetric matrix, or there is none."""
    if spectrum is None or not len(spectrum[1]) or spectrum[1].shape[1] != spectrum[1].shape[2]:
        return None
    weights, turned = spectrum[1], spectrum[1].swapaxes(1, 2)
    if np.abs(weights - turned).max() > REAL * np.abs(weights).max():
        return None
    # A weight of one pole of one state has rank 1: its other eigenvalues are 0, and the trace is
    # the one that counts.
    smallest = np.linalg.eigvalsh(weights)[:, 0]
    return float(
        np.where(
            smallest < -REAL * np.abs(weights).max(), smallest, np.trace(weights, axis1=1, axis2=2)
        ).min()
    )


def _student(student: LinearStudent) -> Iterator[Assumption]:
    symmetric = student.structure == "symmetric"
    yield Assumption(
        name="symmetric student",
        holds=symmetric,
        margin=None,
        sentence=f"The student's A is {student.structure}.",
    )
    everything = student.trained == ("A", "B", "C")
    trained = ", ".join(student.trained)
    yield Assumption(
        name="all trained", holds=everything, margin=None, sentence=f"Trained: {trained}."
    )
    holds, margin, sentence = _balance(student)
    yield Assumption(name="balanced start", holds=holds, margin=margin, sentence=sentence)


def _balance(student: LinearStudent) -> tuple[bool | None, float | None, str]:
    if student.tied:
        return True, 0.0, "The student is tied: C = Bᵀ at every step."
    found: tuple[bool | None, float | None, str]
    match student.start:
        case GaussianStart(balanced=True) | IdentityStart(balanced=True):
            found = (
                True,
                0.0,
                "The start has C = Bᵀ, and gradient steps of a symmetric student keep it.",
            )
        case GaussianStart(scale=scale):
            apart = float(np.sqrt(2) * scale)
            sentence = f"B and C start about {apart:.2g} apart; from near zero they draw together, from afar they need not."
            found = False, -apart, sentence
        case ExplicitStart(B=B, C=C):
            apart = 0.0 if C is None else float(np.linalg.norm(np.array(B) - np.array(C).T))
            found = apart == 0, -apart, f"|B - Cᵀ| = {apart:.3g} at the start."
        case WarmStart(fixed=fixed) if fixed is not None:
            found = True, 0.0, "B and C start with the same entries."
        case FromExperimentStart():
            found = (
                None,
                None,
                "The start is the end of another experiment; its imbalance is not in the spec.",
            )
        case _:
            found = False, None, f"A {student.start.kind} start has B and Cᵀ apart."
    return found


def _loss(spec: ExperimentSpec) -> Assumption:
    lowest = float(np.linalg.eigvalsh(loss_matrix(spec.training))[0])
    sees = "sees every lag below k" if lowest > REAL else "is blind to some response"
    return Assumption(
        name="loss determines",
        holds=lowest > REAL,
        margin=lowest,
        sentence=f"The smallest eigenvalue of M is {lowest:.3g}: the loss {sees}.",
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
    sentence = f"lr = {optimizer.lr:g}, and at the teacher's parameters gd is stable below 2 / sharpness = {bound:.3g}."
    return Assumption(
        name=name, holds=optimizer.lr < bound, margin=bound - optimizer.lr, sentence=sentence
    )


def _measure(spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum) -> Measure | None:
    lightest = _lightest(spectrum)
    if spectrum is None or lightest is None or lightest <= 0 or spectrum[1].shape[1:] != (1, 1):
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
