"""What an experiment costs before it is run: operations, memory and storage, as orders of magnitude."""

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

_BYTES = 8
_MEGABYTE = 1e6
_FRESH = 128
"""Sequences per step where the inputs are drawn from the population and the spec names no number.
"""

_GATES = {"gru": 3, "lstm": 4, "tanh_rnn": 1}
_ENTRYWISE = 40
"""Operations on each gate of each state in a step forwards and backwards, exponentials among them.
"""

_BLOCK = 64
"""Sequences that compiled loops work on together, at most."""

_MEASURED_AT_ONCE = 2**21
"""Numbers that are held while points are measured, where one point doesn't take more."""

_WORKING_COPIES = 6
"""Parameters, gradient, optimizer's memory and temporaries of a step."""


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
    """The cost of ``spec``: preparing it, its steps, and measuring its recorded points.

    In closed form a step of one seed takes 2k products of A with p + m vectors, and two matrix
    products for dA.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> cost = estimate(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 40}, "training": {"length": 12}}))
        >>> f"{cost.flop:.1e}"
        '1.5e+10'
    """
    if not has_closed_form(spec.teacher, spec.student):
        return _on_sequences(spec)
    d, k, q, seeds = spec.student.dim, spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    diagonal = isinstance(spec.student, LinearStudent) and spec.student.structure == "diagonal"
    width = d if diagonal else d * d
    step = 2 * k * width * (p + m) + (2 * k * k * d * p * m + 2 * k * width * p)
    rows = k * d * (p + m) + k * k * p * m
    result = d * d + d * (m + p) + q * p * m + d
    measuring = min(_points(spec), points_at_once(spec)) * numbers_of_a_point(spec)
    return Cost(
        flop=preparation(spec)
        + float(seeds)
        * (spec.optimizer.steps * step + _points(spec) * _measuring_flop(d, k, q, m * p)),
        memory_mb=seeds
        * _BYTES
        * (_WORKING_COPIES * (width + rows) + measuring + result)
        / _MEGABYTE,
        storage_mb=seeds * _BYTES * (_recorded(spec) + result) / _MEGABYTE,
    )


def points_at_once(spec: ExperimentSpec) -> int:
    """How many points of a student with a closed form are measured in one call."""
    return max(1, _MEASURED_AT_ONCE // (len(spec.seeds) * numbers_of_a_point(spec)))


def numbers_of_a_point(spec: ExperimentSpec) -> int:
    """Numbers held while one seed is measured: its parameters, C A^r and A^s B to the horizon, the tangent kernel."""
    d, k, q, (m, p) = spec.student.dim, spec.training.length, spec.horizon, channels(spec.teacher)
    return 4 * d * d + 3 * q * d * m * p + 50 * k * k * (m * p) ** 2


def _points(spec: ExperimentSpec) -> int:
    return min(spec.evaluation.points, spec.optimizer.steps + 1) + len(spec.evaluation.record_at)


def _recorded(spec: ExperimentSpec) -> int:
    """Numbers that one seed's recorded points hold."""
    m, p = channels(spec.teacher)
    trajectories = {"response": spec.horizon * p * m, "eigenvalues": 2 * spec.student.dim}
    return _points(spec) * (
        2 + len(SERIES) + sum(trajectories[name] for name in spec.evaluation.record)
    )


@dataclass(frozen=True)
class _Network:
    """What a student or teacher costs to run on sequences: the numbers of its parts, and its channels."""

    dim: int
    gates: int
    matrix: int
    readout: tuple[int, ...]
    inputs: int
    outputs: int
    linear: bool

    @property
    def parameters(self) -> int:
        return (
            self.matrix
            + self.dim * (self.gates * (self.inputs + 2) + self.outputs)
            + sum(self.readout)
        )

    def walk(self, sequences: int, length: int) -> float:
        """Operations of going over sequences state by state."""
        products = 2 * self.parameters + (0 if self.linear else _ENTRYWISE * self.gates * self.dim)
        return float(sequences) * length * products

    def outputs_of(self, sequences: int, length: int, counted: int) -> float:
        """Operations of the outputs that count; a linear network convolves its response instead of walking."""
        if not self.linear:
            return self.walk(sequences, length)
        taps = length * self.inputs * self.outputs
        return 2.0 * (
            length * self.outputs * self.matrix + sequences * counted * (taps + sum(self.readout))
        )

    def held(self, sequences: int, length: int, counted: int) -> float:
        """Numbers that a step forwards keeps for the way back."""
        if not self.linear:
            return float(sequences) * length * (self.gates + 3) * self.dim
        taps = counted * length * self.inputs * self.outputs
        return (
            length * self.outputs * self.dim
            + taps
            + float(sequences) * counted * sum(map(math.isqrt, self.readout))
        )


def _network(network: Student | Teacher, dim: int, inputs: int, outputs: int) -> _Network:
    gates, diagonal = _GATES.get(network.kind, 1), False
    layers: tuple[int, ...] = ()
    if isinstance(network, ExplicitTeacher) and network.readout is not None:
        layers = tuple(len(weight) * len(weight[0]) for weight in network.readout.weights)
    if isinstance(network, LinearStudent):
        diagonal, readout = network.structure == "diagonal", network.readout
        if readout is not None:
            ends = readout.width * outputs
            layers = (ends, *[readout.width**2] * (readout.layers - 1), ends)
    matrix = dim if diagonal else gates * dim * dim
    return _Network(dim, gates, matrix, layers, inputs, outputs, linear=network.kind not in _GATES)


def _on_sequences(spec: ExperimentSpec) -> Cost:
    """Of a student that is trained on sequences.

    A step runs the student on a mini-batch, twice that again on the way back, and the teacher for
    the labels. A recorded point walks over the fresh sequences to the horizon, and runs a sample
    that the loss is reported on.
    """
    k, q, seeds, (m, p) = (
        spec.training.length,
        spec.horizon,
        len(spec.seeds),
        channels(spec.teacher),
    )
    student = _network(spec.student, spec.student.dim, m, p)
    teacher = _network(spec.teacher, states(spec.teacher), m, p)
    batch, sample, drawn = _sequences(spec)
    counted = 1 if spec.training.outputs == "last" else k
    fresh, d, lags = spec.evaluation.sequences, student.dim, q // 2 * max(m, p)
    step = 3 * student.outputs_of(batch, k, counted) + (teacher.walk(batch, k) if drawn else 0)
    spectra = 2.0 * fresh * q * d * d + 50.0 * d**3 + 20.0 * lags**3
    point = student.walk(fresh, q) + student.outputs_of(sample, k, counted) + spectra
    if student.linear or spec.numerics.device == "cuda":
        held = max(student.held(batch, k, counted), student.held(sample, k, counted))
    else:  # compiled loops go through all steps of one block of sequences, then of the next
        held = student.held(min(_BLOCK, max(batch, sample)), k, counted)
    held = max(held, 4.0 * student.gates * fresh * d)
    result = student.parameters + q * p * m + 3 * d
    measuring = 3 * d * d + 3 * lags * lags
    shared = (q * fresh + k * sample) * (m + p)
    return Cost(
        flop=preparation(spec)
        + teacher.walk(fresh, q)
        + teacher.walk(sample, k)
        + seeds * (spec.optimizer.steps * step + _points(spec) * point),
        memory_mb=_BYTES
        * (shared + seeds * (_WORKING_COPIES * result + 2 * held + measuring))
        / _MEGABYTE,
        storage_mb=seeds * _BYTES * (_recorded(spec) + result) / _MEGABYTE,
    )


def _sequences(spec: ExperimentSpec) -> tuple[int, int, bool]:
    """Sequences in a step of one seed; those that the loss is reported on beside the fresh ones, and if each is new."""
    size = None if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.batch_size
    loss = spec.training.loss
    if isinstance(loss, FiniteSampleLoss):
        sample = loss.sequences or len(loss.inputs or ())
        return min(size or sample, sample), sample, False
    coloured = isinstance(loss, PopulationLoss) and loss.covariance is not None
    return size or _FRESH, spec.evaluation.sequences if coloured else 0, True


def _measuring_flop(d: int, k: int, q: int, entries: int) -> float:
    """One recorded point of one seed: eigenvalues of A, Hankel singular values, sharpness; ``entries`` of each h_j."""
    states = min(d, q // 2 * entries)
    hankel = 4.0 * q * d * d * entries + 20.0 * states**3
    tangent_kernel = 80.0 * k * k * math.log2(2 * k + 1) * entries**2 + 10.0 * (k * entries) ** 3
    return 25.0 * d**3 + hankel + tangent_kernel


def preparation(spec: ExperimentSpec) -> float:
    """Operations before the first step: the teacher's eigenvalues, about 25 d̂³, and N k² for a sample's moments."""
    loss = spec.training.loss
    sequences = (
        (loss.sequences or len(loss.inputs or ())) if isinstance(loss, FiniteSampleLoss) else 0
    )
    return 25.0 * states(spec.teacher) ** 3 + float(sequences) * spec.training.length**2
