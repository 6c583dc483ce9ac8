"""What an experiment costs before it is run: operations, memory and storage, as orders of magnitude."""

import math
from dataclasses import dataclass

from core.result import SERIES
from core.spec import ExperimentSpec, FiniteSampleLoss, LinearStudent, channels, states

_BYTES = 8
_MEGABYTE = 1e6
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

    A step of one seed takes 2k products of A with p + m vectors, and two matrix products for dA.

    Example:
        >>> from core.spec import ExperimentSpec
        >>> cost = estimate(ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 40}, "training": {"length": 12}}))
        >>> f"{cost.flop:.1e}"
        '1.5e+10'
    """
    d, k, q, seeds = spec.student.dim, spec.training.length, spec.horizon, len(spec.seeds)
    m, p = channels(spec.teacher)
    diagonal = isinstance(spec.student, LinearStudent) and spec.student.structure == "diagonal"
    width = d if diagonal else d * d
    step = 2 * k * width * (p + m) + (2 * k * k * d * p * m + 2 * k * width * p)
    points = min(spec.evaluation.points, spec.optimizer.steps + 1) + len(spec.evaluation.record_at)
    rows = k * d * (p + m) + k * k * p * m
    result = d * d + d * (m + p) + q * p * m + d
    measuring = _measuring_numbers(d, k, q, m * p)
    return Cost(
        flop=preparation(spec)
        + float(seeds) * (spec.optimizer.steps * step + points * _measuring_flop(d, k, q, m * p)),
        memory_mb=seeds * _BYTES * (_WORKING_COPIES * (width + rows) + measuring + result) / _MEGABYTE,
        storage_mb=seeds * _BYTES * (points * (2 + len(SERIES)) + result) / _MEGABYTE,
    )


def _measuring_flop(d: int, k: int, q: int, entries: int) -> float:
    """One recorded point of one seed: eigenvalues of A, Hankel singular values, sharpness; ``entries`` of each h_j."""
    states = min(d, q // 2 * entries)
    hankel = 4.0 * q * d * d * entries + 20.0 * states**3
    tangent_kernel = 80.0 * k * k * math.log2(2 * k + 1) * entries**2 + 10.0 * (k * entries) ** 3
    return 25.0 * d**3 + hankel + tangent_kernel


def _measuring_numbers(d: int, k: int, q: int, entries: int) -> int:
    """Numbers held while one seed is measured: C A^r and A^s B to the horizon, spectra of the tangent kernel."""
    return 3 * q * d * entries + 50 * k * k * entries**2


def preparation(spec: ExperimentSpec) -> float:
    """Operations before the first step: the teacher's eigenvalues, about 25 d̂³, and N k² for a sample's moments."""
    loss = spec.training.loss
    sequences = (loss.sequences or len(loss.inputs or ())) if isinstance(loss, FiniteSampleLoss) else 0
    return 25.0 * states(spec.teacher) ** 3 + float(sequences) * spec.training.length**2
