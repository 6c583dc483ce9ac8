"""Rules between the parts of a spec: matching shapes, horizons past training lengths, and so on.

A rule takes the parts that its parameters name and yields the problems with their locations. It
runs whenever those parts are valid by themselves, so that one answer lists every problem of a spec.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic_core import InitErrorDetails, PydanticCustomError

from core.labels import how_many
from core.spec.optimizer import GradientFlow, Optimizer, Rates, has_full_norms
from core.spec.part import Matrix, shape
from core.spec.paths import value_at
from core.spec.student import (
    CounterexampleStart,
    ExplicitStart,
    GaussianStart,
    IdentityStart,
    LinearStudent,
    Student,
    WarmStart,
)
from core.spec.teacher import ExplicitTeacher, RecurrentTeacher, Teacher, channels
from core.spec.training import (
    ExplicitCovariance,
    FiniteSampleLoss,
    PopulationLoss,
    SecondMomentLoss,
    Training,
)

if TYPE_CHECKING:  # experiment imports this module
    from core.spec.experiment import Evaluation

Location = tuple[str | int, ...]
Broken = Iterator[tuple[Location, str, str]]
"""(location of the field, code, message)."""

ROUNDING = 1e-10
"""Tolerance for symmetric or positive semidefinite, relative to a matrix's largest entry."""


def teacher_shapes(teacher: Teacher) -> Broken:
    """Requires A d x d, B d x m and C p x d."""
    if not isinstance(teacher, ExplicitTeacher):
        return
    d = len(teacher.A)
    if shape(teacher.A) != (d, d):
        yield ("teacher", "A"), "wrong_shape", f"A should be square; it is {_by(teacher.A)}"
    if len(teacher.B) != d:
        yield (
            ("teacher", "B"),
            "wrong_shape",
            f"B should be {d} x m to match A; it is {_by(teacher.B)}",
        )
    if len(teacher.C[0]) != d:
        yield (
            ("teacher", "C"),
            "wrong_shape",
            f"C should be p x {d} to match A; it is {_by(teacher.C)}",
        )
    width = len(teacher.C)
    for i, weight in enumerate(() if teacher.readout is None else teacher.readout.weights):
        if len(weight[0]) != width:
            message = f"this layer should have {width} columns, one per input; it is {_by(weight)}"
            yield ("teacher", "readout", "weights", i), "wrong_shape", message
        width = len(weight)


def start_shapes(teacher: Teacher, student: Student) -> Broken:
    """Requires an explicit start of the student's dimension and structure."""
    if not isinstance(student, LinearStudent) or not isinstance(student.start, ExplicitStart):
        return
    start = student.start
    d, (m, p) = student.dim, channels(teacher)
    location = ("student", "start")
    if shape(start.A) != (d, d):
        yield (
            (*location, "A"),
            "wrong_shape",
            f"A should be {d} x {d} (student.dim); it is {_by(start.A)}",
        )
    else:
        yield from _structure(start.A, student)
    if shape(start.B) != (d, m):
        yield (
            (*location, "B"),
            "wrong_shape",
            f"B should be {d} x {m} (student.dim x inputs); it is {_by(start.B)}",
        )
    if start.C is None:
        if not student.tied:
            yield (*location, "C"), "missing", "C is required unless the student is tied"
    elif shape(start.C) != (p, d):
        yield (
            (*location, "C"),
            "wrong_shape",
            f"C should be {p} x {d} (outputs x student.dim); it is {_by(start.C)}",
        )
    elif student.tied and not np.array_equal(np.transpose(start.B), start.C):
        yield (
            (*location, "C"),
            "not_tied",
            "a tied student's C should be the transpose of B, or left out",
        )


def _structure(matrix: Matrix, student: LinearStudent) -> Broken:
    A = np.array(matrix)
    if student.structure == "symmetric" and not _is_symmetric(A):
        yield (
            ("student", "start", "A"),
            "not_symmetric",
            "A should be symmetric, or student.structure 'general'",
        )
    if student.structure == "diagonal" and np.count_nonzero(A - np.diag(np.diag(A))):
        yield (
            ("student", "start", "A"),
            "not_diagonal",
            "A should be diagonal, or student.structure 'general'",
        )


def balance(teacher: Teacher, student: Student) -> Broken:
    """Requires as many inputs as outputs for B = Cᵀ, and a tied B and C to be trained together."""
    if not isinstance(student, LinearStudent):
        return
    m, p = channels(teacher)
    if m != p:
        needs = (
            "B = Cᵀ needs as many inputs as outputs; the teacher has "
            f"{how_many(m, 'input')} and {how_many(p, 'output')}"
        )
        if student.tied:
            yield ("student", "tied"), "not_square", needs
        if isinstance(student.start, GaussianStart | IdentityStart) and student.start.balanced:
            yield ("student", "start", "balanced"), "not_square", needs
    if student.tied and ("B" in student.trained) != ("C" in student.trained):
        yield (
            ("student", "trained"),
            "not_tied",
            "a tied student should train both B and C, or neither",
        )


def sample_channels(teacher: Teacher, training: Training) -> Broken:
    """Requires a teacher with one input for a finite sample."""
    if isinstance(training.loss, FiniteSampleLoss) and channels(teacher)[0] > 1:
        message = "finite_sample needs a teacher with one input; this one has more"
        yield ("training", "loss", "kind"), "one_input", message


def start_fits(teacher: Teacher, student: Student, training: Training) -> Broken:
    """Requires one input and one output, and k + 1 states for a counterexample."""
    if not isinstance(student, LinearStudent):
        return
    start, location = student.start, ("student", "start", "kind")
    if isinstance(start, WarmStart | CounterexampleStart) and channels(teacher) != (1, 1):
        yield (
            location,
            "one_channel",
            f"a {start.kind} start needs a teacher with one input and one output",
        )
    if not isinstance(start, CounterexampleStart):
        return
    if student.dim <= training.length:
        message = f"should be above training.length = {training.length} for a counterexample"
        yield ("student", "dim"), "too_few_states", message
    if student.tied:
        yield (
            ("student", "tied"),
            "not_tied",
            "a counterexample start has weights of both signs, so the student can't be tied",
        )
    if isinstance(teacher, RecurrentTeacher) or student.readout is not None:
        yield (
            location,
            "linear_only",
            "a counterexample start is for linear students of linear teachers",
        )


def on_sequences(
    student: Student, teacher: Teacher, training: Training, optimizer: Optimizer
) -> Broken:
    """Refuses fields that need a closed-form loss without one, or sequences with one."""
    closed = has_closed_form(teacher, student)
    if has_full_norms(optimizer) and not (
        closed and isinstance(student, LinearStudent) and student.structure == "diagonal"
    ):
        message = "full norms are for linear, diagonal students of linear teachers"
        yield ("optimizer", "norms"), "diagonal_only", message
    if closed:
        if not isinstance(optimizer, GradientFlow) and optimizer.batch_size is not None:
            message = "linear students of linear teachers train on the exact loss; omit batch_size"
            yield ("optimizer", "batch_size"), "no_batches", message
        return
    if isinstance(optimizer, GradientFlow):
        yield (
            ("optimizer", "kind"),
            "linear_only",
            "gradient_flow is for linear students of linear teachers",
        )
    elif optimizer.rates != Rates():
        yield (
            ("optimizer", "rates"),
            "linear_only",
            "rates are for linear students of linear teachers",
        )
    if isinstance(training.loss, FiniteSampleLoss) and training.loss.noise:
        message = "noise on labels is for linear students of linear teachers"
        yield ("training", "loss", "noise"), "linear_only", message
    if isinstance(training.loss, SecondMomentLoss):
        message = "students trained on sequences need a population or finite_sample loss"
        yield ("training", "loss", "kind"), "needs_inputs", message


def evaluation_fits(
    student: Student, teacher: Teacher, optimizer: Optimizer, evaluation: "Evaluation"
) -> Broken:
    """Requires a linear teacher for baselines and flow, and an A for eigenvalues."""
    if "eigenvalues" in evaluation.record and not isinstance(student, LinearStudent):
        yield (
            ("evaluation", "record"),
            "no_eigenvalues",
            f"a {student.kind} student has no A, so it has no eigenvalues",
        )
    if evaluation.baselines and (isinstance(teacher, RecurrentTeacher) or _has_readout(teacher)):
        yield ("evaluation", "baselines"), "linear_only", "baselines are for linear teachers"
    if evaluation.flow and not (has_closed_form(teacher, student) and optimizer.kind == "gd"):
        message = "flow needs optimizer gd and a linear student of a linear teacher"
        yield ("evaluation", "flow"), "gd_only", message


def has_closed_form(teacher: Teacher, student: Student) -> bool:
    """Whether the loss is eᵀ M e: student and teacher are linear, and neither has a readout."""
    linear = isinstance(student, LinearStudent) and student.readout is None
    return linear and not isinstance(teacher, RecurrentTeacher) and not _has_readout(teacher)


def _has_readout(teacher: Teacher) -> bool:
    return isinstance(teacher, ExplicitTeacher) and teacher.readout is not None


def loss_shapes(training: Training) -> Broken:
    """Requires second moments k x k, symmetric and positive semidefinite, and inputs N x k."""
    loss, k, location = training.loss, training.length, ("training", "loss")
    if isinstance(loss, SecondMomentLoss):
        yield from _second_moments(loss.matrix, k, (*location, "matrix"))
    if isinstance(loss, PopulationLoss) and isinstance(loss.covariance, ExplicitCovariance):
        yield from _second_moments(loss.covariance.matrix, k, (*location, "covariance", "matrix"))
    if isinstance(loss, FiniteSampleLoss) and loss.inputs is not None and len(loss.inputs[0]) != k:
        message = f"inputs should be N x {k} (training.length); they are {_by(loss.inputs)}"
        yield (*location, "inputs"), "wrong_shape", message


def _second_moments(matrix: Matrix, k: int, location: Location) -> Broken:
    if shape(matrix) != (k, k):
        yield (
            location,
            "wrong_shape",
            f"matrix should be {k} x {k} (training.length); it is {_by(matrix)}",
        )
        return
    M = np.array(matrix)
    if not _is_symmetric(M):
        yield location, "not_symmetric", "matrix should be symmetric"
    elif (lowest := np.linalg.eigvalsh(M)[0]) < -ROUNDING * np.abs(M).max():
        message = f"matrix should be positive semidefinite; its lowest eigenvalue is {lowest:.6g}"
        yield location, "not_positive_semidefinite", message


def horizon_past_length(training: Training, evaluation: "Evaluation") -> Broken:
    """Requires a horizon q > k, since the extrapolation error is over k <= j < q."""
    if evaluation.horizon is not None and evaluation.horizon <= training.length:
        message = f"horizon should be above training.length = {training.length}"
        yield ("evaluation", "horizon"), "horizon_within_length", message


def record_within_steps(optimizer: Optimizer, evaluation: "Evaluation") -> Broken:
    """Requires recorded steps to be within the training."""
    late = [step for step in evaluation.record_at if step > optimizer.steps]
    if late:
        message = f"recorded steps should be at most optimizer.steps = {optimizer.steps}"
        yield ("evaluation", "record_at"), "step_past_end", message


RULES: Mapping[Callable[..., Broken], frozenset[str]] = MappingProxyType(
    {
        rule: frozenset(inspect.signature(rule).parameters)
        for rule in (
            teacher_shapes,
            start_shapes,
            balance,
            start_fits,
            on_sequences,
            evaluation_fits,
            loss_shapes,
            sample_channels,
            horizon_past_length,
            record_within_steps,
        )
    }
)
"""Every rule with the names of its parts."""


def broken_rules(parts: Mapping[str, Any], given: Mapping[str, object]) -> list[InitErrorDetails]:
    """Returns the broken rules as pydantic's error lines.

    Args:
        parts: The valid parts, by name.
        given: The raw parts, which the error lines quote.
    """
    return [
        InitErrorDetails(
            type=PydanticCustomError(code, "{message}", {"message": message}),
            loc=location,
            input=value_at(given, ".".join(map(str, location))),
        )
        for rule, names in RULES.items()
        if parts.keys() >= names
        for location, code, message in rule(**{name: parts[name] for name in names})
    ]


def _by(matrix: Matrix) -> str:
    return "{} x {}".format(*shape(matrix))


def _is_symmetric(matrix: np.ndarray) -> bool:
    return bool(np.abs(matrix - matrix.T).max() <= ROUNDING * np.abs(matrix).max())
