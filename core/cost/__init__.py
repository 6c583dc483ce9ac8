"""The estimated cost of an experiment, as orders of magnitude: operations, memory and storage."""

import math
from dataclasses import dataclass, replace

from core.cost.baselines import baseline_cost
from core.cost.measuring import (
    ALL_METRICS,
    SHARED_WORK,
    numbers_per_point,
    point_flop,
    work_per_point,
)
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
    has_white_inputs,
    states,
)

FRESH_SEQUENCES = 128
"""Sequences per step of each seed, if the inputs are drawn from the population and the spec names
no number."""

LONG_LENGTH = 200
"""The training length from which on the gradient of A is summed by adjoint states, in O(k d²)
instead of O(k² d); it is the faster way from here on, for every structure and dimension."""

_BYTES = 8
_MEGABYTE = 1e6

_GATES = {"gru": 3, "lstm": 4, "tanh_rnn": 1}
_ELEMENTWISE_FLOP = 40
"""Operations on each gate of each state in a step forwards and back, including exponentials."""

_BLOCK = 64
"""The largest number of sequences that the compiled loops work on together."""

_NUMBERS_PER_CALL = 2**21
"""Numbers in memory while points are measured, unless a single point takes more."""

AFFORDABLE_FLOP = 1e12
"""Operations of measuring that no default saves: about two minutes of an experiment."""

_COPIES_OF_M = 6
"""The loss matrix, while it is made, to measure with, and in each thread's workspace."""

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
    """The cost of preparing ``spec``, its steps, measuring its recorded points, and its baselines.

    In closed form, a step of one seed takes 2k products of A with p + m vectors, and two matrix
    products for dA, of which one is k x k at short lengths.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> cost = estimate(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "delay"},
        ...     "student": {"kind": "linear", "dim": 40},
        ...     "training": {"length": 12},
        ... }))
        >>> f"{cost.flop:.1e}"
        '1.7e+11'
    """
    closed = has_closed_form(spec.teacher, spec.student)
    cost = _closed_form_cost(spec) if closed else _sequence_cost(spec)
    flop, numbers = baseline_cost(spec)
    return replace(
        cost, flop=cost.flop + flop, memory_mb=cost.memory_mb + _BYTES * numbers / _MEGABYTE
    )


def preparation_flop(spec: ExperimentSpec) -> float:
    """Operations before the first step.

    About 25 d̂³ for the teacher's eigenvalues, and N k² for the moments of a finite sample.
    """
    loss = spec.training.loss
    sequences = _sample_size(loss) if isinstance(loss, FiniteSampleLoss) else 0
    return 25.0 * states(spec.teacher) ** 3 + float(sequences) * spec.training.length**2


def measured_metrics(spec: ExperimentSpec) -> frozenset[str]:
    """The metrics of :data:`core.cost.measuring.SHARED_WORK` that an experiment measures.

    Those that ``evaluation.metrics`` names. By default all but those that take more operations,
    over all recorded points, than the training does, and more than :data:`AFFORDABLE_FLOP`.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> spec = ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "delay"},
        ...     "student": {"kind": "linear", "dim": 3},
        ...     "training": {"length": 10_000},
        ...     "optimizer": {"steps": 10},
        ... })
        >>> "sharpness" in measured_metrics(spec), "effective_rank" in measured_metrics(spec)
        (False, True)
    """
    if spec.evaluation.metrics is not None:
        return frozenset(spec.evaluation.metrics)
    affordable = max(AFFORDABLE_FLOP, len(spec.seeds) * spec.optimizer.steps * step_flop(spec))
    points = len(spec.seeds) * _points(spec)
    dear = [
        SHARED_WORK[name]
        for name, flop in work_per_point(spec).items()
        if points * flop > affordable
    ]
    return ALL_METRICS.difference(*dear)


def step_flop(spec: ExperimentSpec) -> float:
    """Operations of one step of one seed."""
    if has_closed_form(spec.teacher, spec.student):
        return _closed_form_step(spec)
    return _sequence_step(spec)


def points_per_call(spec: ExperimentSpec) -> int:
    """The number of points of a student with a closed form that one call measures."""
    return max(1, _NUMBERS_PER_CALL // (len(spec.seeds) * numbers_per_point(spec)))


def _closed_form_step(spec: ExperimentSpec) -> float:
    """Operations of a step of one seed that is trained in closed form."""
    k, d, (m, p) = spec.training.length, spec.student.dim, channels(spec.teacher)
    sums = 0 if k >= LONG_LENGTH else 2 * k * k * d * p * m
    return float(2 * k * _matrix(spec) * (p + m) + sums + 2 * k * _matrix(spec) * p)


def _matrix(spec: ExperimentSpec) -> int:
    """Numbers in A of a linear student."""
    d = spec.student.dim
    diagonal = isinstance(spec.student, LinearStudent) and spec.student.structure == "diagonal"
    return d if diagonal else d * d


def _closed_form_cost(spec: ExperimentSpec) -> Cost:
    """The cost of a linear student that is trained in closed form."""
    d, k, q, seeds = spec.student.dim, spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    metrics = measured_metrics(spec)
    loss_matrices = _COPIES_OF_M * (k if has_white_inputs(spec.training) else k * k)
    rows = k * d * (p + m) + (0 if k >= LONG_LENGTH else k * k * p * m)
    result = d * d + d * (m + p) + q * p * m + d
    measuring = min(_points(spec), points_per_call(spec)) * numbers_per_point(spec)
    steps_flop = spec.optimizer.steps * _closed_form_step(spec)
    points_flop = _points(spec) * point_flop(spec, metrics)
    memory = seeds * _BYTES * (_WORKING_COPIES * (_matrix(spec) + rows) + measuring + result)
    return Cost(
        flop=preparation_flop(spec) + float(seeds) * (steps_flop + points_flop),
        memory_mb=(memory + _BYTES * loss_matrices) / _MEGABYTE,
        storage_mb=seeds * _BYTES * (_recorded_numbers(spec) + result) / _MEGABYTE,
    )


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


def _networks(spec: ExperimentSpec) -> tuple[_Network, _Network]:
    """The student and the teacher."""
    m, p = channels(spec.teacher)
    return (
        _network(spec.student, spec.student.dim, m, p),
        _network(spec.teacher, states(spec.teacher), m, p),
    )


def _counted_outputs(spec: ExperimentSpec) -> int:
    """The number of outputs in the loss."""
    return 1 if spec.training.outputs == "last" else spec.training.length


def _sequence_step(spec: ExperimentSpec) -> float:
    """Operations of a step of one seed that is trained on sequences."""
    student, teacher = _networks(spec)
    batch, _, fresh = _sequences(spec)
    labels = teacher.unroll_flop(batch, spec.training.length) if fresh else 0.0
    return 3 * student.output_flop(batch, spec.training.length, _counted_outputs(spec)) + labels


def _sequence_cost(spec: ExperimentSpec) -> Cost:
    """The cost of a student that is trained on sequences.

    A step runs the student on a mini-batch, takes twice that for the way back, and runs the teacher
    for the labels. A recorded point runs over the evaluation sequences to the horizon, and over the
    sample that the loss is reported on.
    """
    k, q, seeds = spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    student, teacher = _networks(spec)
    batch, sample, _ = _sequences(spec)
    counted = _counted_outputs(spec)
    evaluation, d, lags = spec.evaluation.sequences, student.dim, q // 2 * max(m, p)
    point = student.unroll_flop(evaluation, q) + student.output_flop(sample, k, counted)
    point += point_flop(spec, measured_metrics(spec))
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
        + seeds * (spec.optimizer.steps * _sequence_step(spec) + _points(spec) * point),
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
