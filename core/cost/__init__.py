"""The estimated cost of an experiment, as orders of magnitude: operations, memory and storage.

Operations count at the speed of the compiled loops, about 2e10 a second on one core; what runs
slower counts for as many as would take as long. ``python -m benchmarks.costs`` compares them with
measured times and memory over the whole language of specs: within 3 times for time, 2 for memory.
"""

from dataclasses import dataclass, replace

from core.cost.baselines import baseline_cost
from core.cost.flow import WAYPOINTS_OF_GD, flow_numbers, waypoint_flop
from core.cost.measuring import (
    ALL_METRICS,
    SHARED_WORK,
    base_flop,
    measuring_numbers,
    numbers_per_point,
    point_flop,
    work_per_point,
)
from core.cost.networks import (
    counted_outputs,
    networks,
    sample_size,
    sequences_of,
)
from core.result import SERIES
from core.spec import (
    ExperimentSpec,
    FiniteSampleLoss,
    GradientFlow,
    LinearStudent,
    channels,
    has_closed_form,
    has_full_norms,
    has_white_inputs,
    states,
)

LONG_LENGTH = 200
"""The training length from which on the gradient of A is summed by adjoint states, in O(k d²)
instead of O(k² d); it is the faster way from here on, for every structure and dimension."""

_BYTES = 8
_MEGABYTE = 1e6

_BLOCK = 64
"""The largest number of sequences that the compiled loops work on together."""

_NUMBERS_PER_CALL = 2**21
"""Numbers in memory while points are measured, unless a single point takes more."""

AFFORDABLE_FLOP = 1e12
"""Operations of measuring that no default saves: about a minute of an experiment."""

_EXPERIMENT = 1e8
"""Operations that would take as long as the preparation and end of any experiment."""

_DECOMPOSING = 2.5
"""How much longer an operation takes in a decomposition than in the loops."""

_STEP = 5e3
"""The same for a step of one seed in the compiled loops."""

_TORCH_STEP, _TORCH_STEP_PER_LAG = 2e6, 5e5
"""The same for a step of all seeds in torch, in closed form: many calls on small matrices."""

_TORCH_SEQUENCES_STEP, _TORCH_SEQUENCES_STEP_PER_LAG = 1e7, 3e6
"""The same on sequences."""

_SINGLE = 0.6
"""The time of a step in float32, relative to float64."""

_OVER_LAGS = 16
"""Operations for each entry of a loss matrix in a step: it is read from memory."""

_COPIES_OF_M = 4
"""The loss matrix, while it is made, to measure with, and in each thread's workspace."""

_WORKING_COPIES, _COPIES_OF_ROWS = 6, 2
"""Parameters, gradient, the optimizer's memory and temporaries of a step; and the rows over all
lags, which are temporaries."""

_COPIES_OF_SEQUENCES = 2.5
"""Inputs and labels of a sample, while they are made."""


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
        '1.3e+11'
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
    sequences = sample_size(loss) if isinstance(loss, FiniteSampleLoss) else 0
    return 25.0 * states(spec.teacher) ** 3 + float(sequences) * spec.training.length**2


def measured_metrics(spec: ExperimentSpec) -> frozenset[str]:
    """The metrics of :data:`core.cost.measuring.SHARED_WORK` that an experiment measures.

    Those that ``evaluation.metrics`` names. By default all but those that take more operations,
    over all recorded points, than the training does, and more than :data:`AFFORDABLE_FLOP`.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> spec = ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "delay"},
        ...     "student": {"kind": "linear", "dim": 30},
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
    """Operations of one step of one seed; of a gradient flow, from one waypoint to the next."""
    if not has_closed_form(spec.teacher, spec.student):
        return _sequence_step(spec)
    gradient = _gradient(spec)
    if isinstance(spec.optimizer, GradientFlow):
        return waypoint_flop(spec, gradient)
    return gradient


def points_per_call(spec: ExperimentSpec) -> int:
    """The number of points of a student with a closed form that one call measures."""
    return max(1, _NUMBERS_PER_CALL // (len(spec.seeds) * numbers_per_point(spec)))


def _gradient(spec: ExperimentSpec) -> float:
    """Operations of a loss with its gradient, for one seed that is trained in closed form."""
    k, d, (m, p) = spec.training.length, spec.student.dim, channels(spec.teacher)
    sums = 0 if k >= LONG_LENGTH else 2 * k * k * d * p * m
    lags = 0 if has_white_inputs(spec.training) else _OVER_LAGS * k * k * p * m
    counted = 2 * k * _matrix(spec) * (p + m) + sums + 2 * k * _matrix(spec) * p + lags
    if (m, p) == (1, 1) and not has_full_norms(spec.optimizer):
        return counted * _precision(spec) + _STEP
    seeds = 1 if isinstance(spec.optimizer, GradientFlow) else len(spec.seeds)
    return counted + (_TORCH_STEP + _TORCH_STEP_PER_LAG * k) / seeds


def _precision(spec: ExperimentSpec) -> float:
    """The time of an operation relative to float64, in which flows are always integrated."""
    is_single = spec.numerics.dtype == "float32" and not isinstance(spec.optimizer, GradientFlow)
    return _SINGLE if is_single else 1.0


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
    measuring = min(_points(spec), points_per_call(spec)) * measuring_numbers(spec, metrics)
    working = _WORKING_COPIES * _matrix(spec) + _COPIES_OF_ROWS * rows
    steps_flop = spec.optimizer.steps * step_flop(spec)
    points_flop = _points(spec) * (base_flop(spec) + point_flop(spec, metrics))
    if spec.evaluation.flow:
        points_flop += WAYPOINTS_OF_GD * waypoint_flop(spec, _gradient(spec))
    memory = seeds * _BYTES * (working + measuring + result)
    shared = _BYTES * (loss_matrices + flow_numbers(spec))
    return Cost(
        flop=_EXPERIMENT
        + _DECOMPOSING * preparation_flop(spec)
        + float(seeds) * (steps_flop + points_flop),
        memory_mb=(memory + shared) / _MEGABYTE,
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


def _sequence_step(spec: ExperimentSpec) -> float:
    """Operations of a step of one seed that is trained on sequences."""
    student, teacher = networks(spec)
    batch, _, fresh = sequences_of(spec)
    labels = teacher.unroll_flop(batch, spec.training.length) if fresh else 0.0
    k = spec.training.length
    counted = 3 * student.output_flop(batch, k, counted_outputs(spec)) + labels
    if not student.linear:
        return counted * _precision(spec)
    overhead = _TORCH_SEQUENCES_STEP + _TORCH_SEQUENCES_STEP_PER_LAG * k
    return counted + overhead / len(spec.seeds)


def _sequence_cost(spec: ExperimentSpec) -> Cost:
    """The cost of a student that is trained on sequences.

    A step runs the student on a mini-batch, takes twice that for the way back, and runs the teacher
    for the labels. A recorded point runs over the evaluation sequences to the horizon, and over the
    sample that the loss is reported on.
    """
    k, q, seeds = spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    student, teacher = networks(spec)
    batch, sample, _ = sequences_of(spec)
    counted = counted_outputs(spec)
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
    shared = _COPIES_OF_SEQUENCES * (q * evaluation + k * sample) * (m + p)
    memory = _BYTES * (shared + seeds * (_WORKING_COPIES * result + 2 * saved + measuring))
    return Cost(
        flop=_EXPERIMENT
        + _DECOMPOSING * preparation_flop(spec)
        + teacher.unroll_flop(evaluation, q)
        + teacher.unroll_flop(sample, k)
        + seeds * (spec.optimizer.steps * _sequence_step(spec) + _points(spec) * point),
        memory_mb=memory / _MEGABYTE,
        storage_mb=seeds * _BYTES * (_recorded_numbers(spec) + result) / _MEGABYTE,
    )
