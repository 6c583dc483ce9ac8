"""The estimated cost of an experiment, as orders of magnitude: operations, memory and storage."""

import math
from dataclasses import dataclass

from core.result import SERIES
from core.spec import (
    ExperimentSpec,
    ExplicitTeacher,
    FiniteSampleLoss,
    GradientFlow,
    LinearStudent,
    PopulationLoss,
    Student,
    Teacher,
    channels,
    has_closed_form,
    states,
)

FRESH_SEQUENCES = 128
"""Sequences per step of each seed, if the inputs are drawn from the population and the spec names
no number."""

_BYTES = 8
_MEGABYTE = 1e6

_GATES = {"gru": 3, "lstm": 4, "tanh_rnn": 1}
_ELEMENTWISE_FLOP = 40
"""Operations on each gate of each state in a step forwards and back, including exponentials."""

_BLOCK = 64
"""The largest number of sequences that the compiled loops work on together."""

_NUMBERS_PER_CALL = 2**21
"""Numbers in memory while points are measured, unless a single point takes more."""

_WORKING_COPIES = 6
"""Parameters, gradient, the optimizer's memory and temporaries of a step."""


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Attributes:
        flop: Floating-point operations of the training.
        memory_mb: Megabytes that the trainer needs beyond its libraries.
        storage_mb: Megabytes of results and recorded points, before compression.
    """

    flop: float
    memory_mb: float
    storage_mb: float


def estimate(spec: ExperimentSpec) -> Cost:
    """The cost of preparing ``spec``, of its steps, and of measuring its recorded points.

    In closed form, a step of one seed takes 2k products of A with p + m vectors, and two matrix
    products for dA.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> cost = estimate(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "delay"},
        ...     "student": {"kind": "linear", "dim": 40},
        ...     "training": {"length": 12},
        ... }))
        >>> f"{cost.flop:.1e}"
        '1.5e+10'
    """
    if has_closed_form(spec.teacher, spec.student):
        return _closed_form_cost(spec)
    return _sequence_cost(spec)


def preparation_flop(spec: ExperimentSpec) -> float:
    """Operations before the first step.

    About 25 d̂³ for the teacher's eigenvalues, and N k² for the moments of a finite sample.
    """
    loss = spec.training.loss
    sequences = _sample_size(loss) if isinstance(loss, FiniteSampleLoss) else 0
    return 25.0 * states(spec.teacher) ** 3 + float(sequences) * spec.training.length**2


def points_per_call(spec: ExperimentSpec) -> int:
    """The number of points of a student with a closed form that one call measures."""
    return max(1, _NUMBERS_PER_CALL // (len(spec.seeds) * numbers_per_point(spec)))


def numbers_per_point(spec: ExperimentSpec) -> int:
    """Numbers in memory while a seed is measured.

    Its parameters, C A^r and A^s B up to the horizon, and the tangent kernel.
    """
    d, k, q, (m, p) = spec.student.dim, spec.training.length, spec.horizon, channels(spec.teacher)
    return 4 * d * d + 3 * q * d * m * p + 50 * k * k * (m * p) ** 2


def _closed_form_cost(spec: ExperimentSpec) -> Cost:
    """The cost of a linear student that is trained in closed form."""
    d, k, q, seeds = spec.student.dim, spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    diagonal = isinstance(spec.student, LinearStudent) and spec.student.structure == "diagonal"
    matrix = d if diagonal else d * d
    step = 2 * k * matrix * (p + m) + (2 * k * k * d * p * m + 2 * k * matrix * p)
    rows = k * d * (p + m) + k * k * p * m
    result = d * d + d * (m + p) + q * p * m + d
    measuring = min(_points(spec), points_per_call(spec)) * numbers_per_point(spec)
    steps_flop = spec.optimizer.steps * step + _points(spec) * _point_flop(d, k, q, m * p)
    memory = seeds * _BYTES * (_WORKING_COPIES * (matrix + rows) + measuring + result)
    return Cost(
        flop=preparation_flop(spec) + float(seeds) * steps_flop,
        memory_mb=memory / _MEGABYTE,
        storage_mb=seeds * _BYTES * (_recorded_numbers(spec) + result) / _MEGABYTE,
    )


def _point_flop(d: int, k: int, q: int, entries: int) -> float:
    """Operations for one recorded point of one seed; ``entries`` of each h_j.

    Eigenvalues of A, Hankel singular values, sharpness.
    """
    states = min(d, q // 2 * entries)
    hankel = 4.0 * q * d * d * entries + 20.0 * states**3
    tangent_kernel = 80.0 * k * k * math.log2(2 * k + 1) * entries**2 + 10.0 * (k * entries) ** 3
    return 25.0 * d**3 + hankel + tangent_kernel


def _points(spec: ExperimentSpec) -> int:
    """The number of recorded points, at most."""
    return min(spec.evaluation.points, spec.optimizer.steps + 1) + len(spec.evaluation.record_at)


def _recorded_numbers(spec: ExperimentSpec) -> int:
    """Numbers in one seed's recorded points."""
    m, p = channels(spec.teacher)
    trajectories = {"response": spec.horizon * p * m, "eigenvalues": 2 * spec.student.dim}
    numbers_per_row = 2 + len(SERIES) + sum(trajectories[name] for name in spec.evaluation.record)
    return _points(spec) * numbers_per_row


@dataclass(frozen=True)
class _Network:
    """The sizes of a student or teacher that runs on sequences: of its parts, and its channels."""

    dim: int
    gates: int
    matrix: int
    readout: tuple[int, ...]
    inputs: int
    outputs: int
    linear: bool

    @property
    def parameters(self) -> int:
        from_input = self.dim * (self.gates * (self.inputs + 2) + self.outputs)
        return self.matrix + from_input + sum(self.readout)

    def unroll_flop(self, sequences: int, length: int) -> float:
        """Operations of running over sequences state by state."""
        elementwise = 0 if self.linear else _ELEMENTWISE_FLOP * self.gates * self.dim
        return float(sequences) * length * (2 * self.parameters + elementwise)

    def output_flop(self, sequences: int, length: int, counted: int) -> float:
        """Operations for the ``counted`` outputs; a linear network convolves its response."""
        if not self.linear:
            return self.unroll_flop(sequences, length)
        taps = length * self.inputs * self.outputs
        return 2.0 * (
            length * self.outputs * self.matrix + sequences * counted * (taps + sum(self.readout))
        )

    def saved_numbers(self, sequences: int, length: int, counted: int) -> float:
        """Numbers that a step forwards saves for the way back."""
        if not self.linear:
            return float(sequences) * length * (self.gates + 3) * self.dim
        taps = counted * length * self.inputs * self.outputs
        hidden = float(sequences) * counted * sum(map(math.isqrt, self.readout))
        return length * self.outputs * self.dim + taps + hidden


def _network(network: Student | Teacher, dim: int, inputs: int, outputs: int) -> _Network:
    gates, diagonal = _GATES.get(network.kind, 1), False
    layers: tuple[int, ...] = ()
    if isinstance(network, ExplicitTeacher) and network.readout is not None:
        layers = tuple(len(weight) * len(weight[0]) for weight in network.readout.weights)
    if isinstance(network, LinearStudent):
        diagonal, readout = network.structure == "diagonal", network.readout
        if readout is not None:
            outer = readout.width * outputs
            layers = (outer, *[readout.width**2] * (readout.layers - 1), outer)
    matrix = dim if diagonal else gates * dim * dim
    return _Network(dim, gates, matrix, layers, inputs, outputs, linear=network.kind not in _GATES)


def _sequence_cost(spec: ExperimentSpec) -> Cost:
    """The cost of a student that is trained on sequences.

    A step runs the student on a mini-batch, takes twice that for the way back, and runs the teacher
    for the labels. A recorded point runs over the evaluation sequences to the horizon, and over the
    sample that the loss is reported on.
    """
    k, q, seeds = spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    student = _network(spec.student, spec.student.dim, m, p)
    teacher = _network(spec.teacher, states(spec.teacher), m, p)
    batch, sample, fresh = _sequences(spec)
    counted = 1 if spec.training.outputs == "last" else k
    evaluation, d, lags = spec.evaluation.sequences, student.dim, q // 2 * max(m, p)
    labels = teacher.unroll_flop(batch, k) if fresh else 0
    step = 3 * student.output_flop(batch, k, counted) + labels
    spectra = 2.0 * evaluation * q * d * d + 50.0 * d**3 + 20.0 * lags**3
    point = student.unroll_flop(evaluation, q) + student.output_flop(sample, k, counted) + spectra
    if student.linear or spec.numerics.device == "cuda":
        saved = max(
            student.saved_numbers(batch, k, counted), student.saved_numbers(sample, k, counted)
        )
    else:  # compiled loops take all steps of one block of sequences, then of the next
        saved = student.saved_numbers(min(_BLOCK, max(batch, sample)), k, counted)
    saved = max(saved, 4.0 * student.gates * evaluation * d)
    result = student.parameters + q * p * m + 3 * d
    measuring = 3 * d * d + 3 * lags * lags
    shared = (q * evaluation + k * sample) * (m + p)
    memory = _BYTES * (shared + seeds * (_WORKING_COPIES * result + 2 * saved + measuring))
    return Cost(
        flop=preparation_flop(spec)
        + teacher.unroll_flop(evaluation, q)
        + teacher.unroll_flop(sample, k)
        + seeds * (spec.optimizer.steps * step + _points(spec) * point),
        memory_mb=memory / _MEGABYTE,
        storage_mb=seeds * _BYTES * (_recorded_numbers(spec) + result) / _MEGABYTE,
    )


def _sequences(spec: ExperimentSpec) -> tuple[int, int, bool]:
    """The numbers of sequences of an experiment.

    Returns:
        Those in a step of one seed; those that the loss is reported on besides the evaluation
        sequences; and whether each step draws fresh ones.
    """
    size = None if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.batch_size
    loss = spec.training.loss
    if isinstance(loss, FiniteSampleLoss):
        sample = _sample_size(loss)
        return min(size or sample, sample), sample, False
    coloured = isinstance(loss, PopulationLoss) and loss.covariance is not None
    return size or FRESH_SEQUENCES, spec.evaluation.sequences if coloured else 0, True


def _sample_size(loss: FiniteSampleLoss) -> int:
    return loss.sequences or len(loss.inputs or ())
