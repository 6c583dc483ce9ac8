"""The main theorem's assumptions, checked on a spec, with the margin by which each holds or fails.

Theorem (Cohen-Karlik et al. 2023, reconstructed wording): Let d > k > 2 d̂, let the teacher be
balanced, stable and not degenerate, the student symmetric, and the start of gradient flow balanced.
Then for every ε and q there is a δ > 0 such that a population loss of at most δ implies
|h_j - ĥ_j| <= ε for all j < q, for every d.

The paper's teacher has one input and one output. For as many inputs as outputs the same statement,
with moments of a matrix-valued measure, is our extension.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from core import teachers
from core.labels import how_many
from core.losses import loss_matrix, noise_of
from core.spec import (
    ExperimentSpec,
    GradientDescent,
    GradientFlow,
    LinearStudent,
    Rates,
    has_closed_form,
)
from core.systems import ZERO_TOLERANCE, LinearSystem, impulse_response, visible_spectrum
from core.theory.balance import Spectrum, smallest_weight, start_balance
from core.theory.moments import Measure
from core.theory.step import rates_of, step_bound


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
        condition: The theorem's condition on the loss, in words, with the losses of the runs.
        largest_loss: The largest training loss at the end of a run, if there are runs.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    applies: bool | None
    assumptions: tuple[Assumption, ...]
    measure: Measure | None
    condition: str
    largest_loss: float | None = None


def check(spec: ExperimentSpec, summaries: Sequence[Mapping[str, float]] = ()) -> Theorem:
    """Checks the assumptions of the main theorem on ``spec``.

    Args:
        spec: The spec.
        summaries: The final metrics of its runs, for the loss and the distance from gradient flow.

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
    losses, distances = (
        [summary[name] for summary in summaries if not np.isnan(summary.get(name, np.nan))]
        for name in ("train_loss", "flow_distance")
    )
    outcome = {"condition": _condition(losses), "largest_loss": max(losses, default=None)}
    if not has_closed_form(spec.teacher, spec.student):
        linear = Assumption(
            name="linear", holds=False, margin=None, sentence="Student or teacher is not linear."
        )
        return Theorem(applies=False, assumptions=(linear,), measure=None, **outcome)
    with np.errstate(all="ignore"):
        system = teachers.build(spec.linear_teacher)
        spectrum = visible_spectrum(system)
        linear = Assumption(
            name="linear", holds=True, margin=None, sentence="Student and teacher are linear."
        )
        assumptions = (
            linear,
            *_dimensions(spec, system, spectrum),
            *_teacher(spec, system, spectrum),
            *_student(spec.linear_student, rates_of(spec)),
            _loss(spec),
            *_flow(spec, distances),
        )
    verdicts = [assumption.holds for assumption in assumptions]
    applies = False if False in verdicts else None if None in verdicts else True
    measure = _measure(spec, system, spectrum)
    return Theorem(applies=applies, assumptions=assumptions, measure=measure, **outcome)


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
        sentence=f"k = {k} and the teacher has d̂ = {how_many(states, 'state')}; the theorem needs "
        "k > 2 d̂.",
    )


def _teacher(
    spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum
) -> Iterator[Assumption]:
    smallest = smallest_weight(spectrum)
    if spectrum is None:
        sentence = (
            "The teacher has no symmetric realisation: a pole is complex, or A has no eigenbasis."
        )
    elif not len(spectrum[0]):
        sentence = "The teacher's response is zero: no pole has a weight."
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


def _student(student: LinearStudent, rates: Rates) -> Iterator[Assumption]:
    symmetric = student.structure == "symmetric"
    yield Assumption(
        name="symmetric student",
        holds=symmetric,
        margin=None,
        sentence=f"The student's A is {student.structure}.",
    )
    at_rate_zero = [
        name
        for name in student.trained
        if getattr(rates, "B" if student.tied and name == "C" else name) == 0
    ]
    trained = ", ".join(name for name in student.trained if name not in at_rate_zero) or "nothing"
    fixed = f" optimizer.rates is 0 for {', '.join(at_rate_zero)}." if at_rate_zero else ""
    yield Assumption(
        name="all trained",
        holds=student.trained == ("A", "B", "C") and not at_rate_zero,
        margin=None,
        sentence=f"Trained: {trained}.{fixed}",
    )
    balance = start_balance(student, rates)
    yield Assumption(name="balanced start", **balance._asdict())


def _loss(spec: ExperimentSpec) -> Assumption:
    lowest, *_, highest = np.linalg.eigvalsh(loss_matrix(spec.training))[[0, -1]]
    sees = bool(lowest > ZERO_TOLERANCE * highest)
    finding = "sees every lag below k" if sees else "does not see some response"
    noise = noise_of(spec.training)
    noisy = f" Noise of {noise:g} on the labels moves its minimum off the teacher." if noise else ""
    margin = float(lowest) if sees else min(0.0, float(lowest))
    return Assumption(
        name="loss determines",
        holds=sees and not noise,
        margin=-noise if noise else margin,
        sentence=(
            f"The smallest eigenvalue of M is {lowest:.3g}, the largest {highest:.3g}: the loss "
            f"{finding}.{noisy}"
        ),
    )


def _flow(spec: ExperimentSpec, distances: Sequence[float]) -> Iterator[Assumption]:
    """Whether training follows gradient flow, and for long enough to move."""
    optimizer = spec.optimizer
    if not isinstance(optimizer, GradientFlow | GradientDescent):
        sentence = f"Training is {optimizer.kind}."
        yield Assumption(name="gradient flow", holds=False, margin=None, sentence=sentence)
        return
    bound = step_bound(spec)
    if isinstance(optimizer, GradientFlow):
        time, sentence = optimizer.time, "Training is gradient flow."
        yield Assumption(name="gradient flow", holds=True, margin=None, sentence=sentence)
    else:
        time = optimizer.lr * optimizer.steps
        yield _small_steps(optimizer.lr, bound, distances)
    if np.isfinite(bound):
        spans = time * 2 / bound
        yield Assumption(
            name="long enough training",
            holds=spans >= 1,
            margin=spans - 1,
            sentence=(
                f"Training lasts for t = {time:.3g} at most, {spans:.3g} times 1 / sharpness at "
                "the teacher's parameters; "
                + ("below 1, little moves." if spans < 1 else "whether it fits isn't known.")
            ),
        )


def _small_steps(lr: float, bound: float, distances: Sequence[float]) -> Assumption:
    """Whether GD follows the flow, with the measured distance of runs from it."""
    place = (
        f"lr = {lr:g}; at the teacher's parameters GD overshoots above 1 / sharpness = "
        f"{bound / 2:.3g}, and can't settle above {bound:.3g}."
    )
    if distances:
        measured = f" Measured at the end: at most {max(distances):.2g} from the flow's response."
    elif lr <= bound:
        measured = " Its distance from the flow is of order lr; evaluation.flow measures it."
    else:
        measured = ""
    holds = True if lr <= bound / 2 else False if lr >= bound else None
    margin = None if holds is None else (bound / 2 if holds else bound) - lr
    return Assumption(name="gradient flow", holds=holds, margin=margin, sentence=place + measured)


def _condition(losses: Sequence[float]) -> str:
    """The theorem's condition on the loss, and the losses that runs ended with."""
    condition = (
        "The theorem is conditional: it bounds the error past k if the population loss gets small "
        "enough, and says neither whether it does nor how small is enough."
    )
    if not losses:
        return condition
    ended = " to ".join(dict.fromkeys(f"{loss:.2g}" for loss in (min(losses), max(losses))))
    return f"{condition} Here the training loss ended at {ended}."


def _measure(spec: ExperimentSpec, system: LinearSystem, spectrum: Spectrum) -> Measure | None:
    smallest = smallest_weight(spectrum)
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
    response = impulse_response(system, spec.horizon).ravel()
    is_finite = np.isfinite(response)
    residual = np.abs(measure.response(spec.horizon)[is_finite] - response[is_finite]).max()
    return measure.model_copy(update={"residual": float(residual)})
