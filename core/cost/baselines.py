"""The estimated cost of an experiment's baselines, which can exceed that of its training."""

from collections.abc import Mapping
from types import MappingProxyType

from core.spec import Baseline, ExperimentSpec, FiniteSampleLoss, channels, states

SEQUENCES, MAX_NUMBERS = 512, 2**18
"""Sequences that subspace identification draws from a population, and the most input numbers that
it uses."""

LONGEST: Mapping[Baseline, int] = MappingProxyType({"nuclear_norm": 100, "kernel": 500})
"""The longest training length k of methods that take k³ operations many times."""

_DECOMPOSITION = 20.0
"""Operations of a singular value decomposition of an n x n matrix, in units of n³."""

_COPIES = 3
"""The regressors of a least-squares problem: in parts, whole, and in the solver's workspace."""

_LIKELIHOODS, _LIKELIHOOD = 400, 5.0
"""Likelihoods that the kernel method computes, and operations of one in units of k³."""

_THRESHOLDS, _THRESHOLDS_OF_NOISY = 1000, 10_000
"""Decompositions of the nuclear norm's iterations, which noise on the labels repeats."""


def baseline_cost(spec: ExperimentSpec) -> tuple[float, float]:
    """(operations, numbers in memory at once) of the baselines that a spec names."""
    costs = [_cost(name, spec) for name in spec.evaluation.baselines]
    return sum(flop for flop, _ in costs), max((numbers for _, numbers in costs), default=0.0)


def _cost(name: Baseline, spec: ExperimentSpec) -> tuple[float, float]:
    k, (m, p) = float(spec.training.length), channels(spec.teacher)
    loss = spec.training.loss
    noisy = isinstance(loss, FiniteSampleLoss) and bool(loss.noise)
    if k > LONGEST.get(name, k):
        return 0.0, 0.0
    match name:
        case "subspace":
            return _subspace(spec)
        case "balanced_truncation":
            d = float(states(spec.teacher))
            return 6 * _DECOMPOSITION * d**3, 12 * d**2
        case "kernel":
            return _LIKELIHOODS * _LIKELIHOOD * k**3, 8 * k**2
        case "nuclear_norm":
            thresholds = _THRESHOLDS_OF_NOISY if noisy else _THRESHOLDS
            return thresholds * _DECOMPOSITION * k**3 * p * m, 2 * k**3 + 8 * k**2 * p * m
        case _:  # the loss matrix is decomposed, and the Hankel matrix of half its lags
            return 5 * k**3 * p * m, 3 * k**2 * p * m


def _subspace(spec: ExperimentSpec) -> tuple[float, float]:
    """Windows are projected; then B and D are found by least squares on all outputs."""
    k, (m, p) = spec.training.length, channels(spec.teacher)
    loss = spec.training.loss
    given = SEQUENCES
    if isinstance(loss, FiniteSampleLoss):
        given = loss.sequences or len(loss.inputs or ())
    N = max(1, min(given, MAX_NUMBERS // (k * m)))
    half = k // 2
    windows, rows = N * (k - 2 * half + 1), half * (2 * m + p)
    order = max(0, min(states(spec.teacher), p * (half - 1), windows))
    unknowns = (order + p) * m
    projected = _DECOMPOSITION * max(windows, rows) * min(windows, rows) ** 2
    summed, solved = float(N) * k**2 * p * order * m, 4.0 * N * k * p * unknowns**2
    numbers = max(_COPIES * N * k * p * unknowns, 4 * windows * rows)
    return projected + summed + solved, float(numbers)
