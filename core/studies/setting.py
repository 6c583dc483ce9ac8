"""Shared by several studies: a teacher, starts, and numbers computed from evidence."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.spec import FiniteSampleLoss, SweepSpec
from core.statistics import statistic
from core.symbols import axis_label

POLES = (0.9, -0.5)
TEACHER: Mapping[str, Any] = {
    "kind": "balanced",
    "eigenvalues": {"kind": "list", "values": POLES},
    "weights": (0.7, 0.5),
}
"""ĥ_j = 0.7 · 0.9^j + 0.5 · (-0.5)^j: a slow and an alternating pole, far enough apart for GD to
converge in time."""

THRESHOLD = 2 * len(POLES)
"""2 d̂: the theorem needs k above it."""

NEAR_ZERO: Mapping[str, Any] = {"structure": "symmetric", "start": {"scale": 0.001}}
LARGE_BALANCED: Mapping[str, Any] = {
    "structure": "symmetric",
    "start": {"scale": 0.7, "balanced": True},
}
LARGE_GENERAL: Mapping[str, Any] = {"structure": "general", "start": {"scale": 1.0}}
"""The scale of a large start makes the spectral radius of A about 1."""

NEAR, BALANCED, GENERAL = "near-zero start", "large balanced start", "large general start"
STARTS: Mapping[str, Mapping[str, Any]] = {
    NEAR: NEAR_ZERO,
    BALANCED: LARGE_BALANCED,
    GENERAL: LARGE_GENERAL,
}
"""Students by the name of their start."""

ERROR = "median (extrapolation error / zero baseline)"
ERROR_AXIS = f"{axis_label('relative_extrapolation_error')}\nmedian and quartiles over seeds"


def sweep(base: Mapping[str, Any], *axes: Mapping[str, Any]) -> SweepSpec:
    """The sweep of a base over axes."""
    return SweepSpec.model_validate({"base": base, "axes": list(axes)})


def zip_axis(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The ``zip`` axis through points that all set the same paths."""
    return {
        "kind": "zip",
        "axes": [{"path": path, "values": [point[path] for point in points]} for path in points[0]],
    }


def relative_error(experiment: Evidence) -> float:
    """The median over seeds of the error over the zero baseline."""
    return experiment.median("relative_extrapolation_error")


def pooled_median(experiments: Sequence[Evidence], metric: str) -> float:
    """The median of a metric over the seeds of all experiments."""
    return statistic("median", np.concatenate([one.values(metric) for one in experiments]))


def sample_size(experiment: Evidence) -> float:
    """The number N of sequences drawn for a finite sample; NaN for another loss."""
    loss = experiment.spec.training.loss
    return float(loss.sequences or 0) if isinstance(loss, FiniteSampleLoss) else float("nan")


def worst_error(experiments: Sequence[Evidence]) -> float:
    """The largest :func:`relative_error` of the experiments."""
    return max(map(relative_error, experiments))


def least_error(experiments: Sequence[Evidence]) -> float:
    """The smallest :func:`relative_error` of the experiments."""
    return min(map(relative_error, experiments))


def least_ratio(
    experiments: Sequence[Evidence], value: Callable[[Evidence], float] = relative_error
) -> float:
    """The least value of one arm over that of another, in pairs.

    Args:
        experiments: Those of the arm below the bar, then those of the arm above it.
        value: The number of one experiment.
    """
    half = len(experiments) // 2
    pairs = zip(experiments[half:], experiments[:half], strict=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.min([np.divide(value(above), value(below)) for above, below in pairs]))


def log_log_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent p of y ∝ x^p: the least-squares slope of log y against log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def slope_with_error(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """The least-squares slope of y in x, and its standard error, for at least 3 points."""
    centred = np.asarray(x, float) - np.mean(x)
    slope = centred @ np.asarray(y) / (centred @ centred)
    residuals = np.asarray(y) - np.mean(y) - slope * centred
    variance = residuals @ residuals / (len(residuals) - 2) / (centred @ centred)
    return float(slope), float(np.sqrt(variance))


def mean_distance(values: Sequence[float]) -> float:
    """|mean| + 2 standard errors; infinite if a value is."""
    if not np.isfinite(values).all():
        return np.inf
    return abs(float(np.mean(values))) + 2 * float(np.std(values, ddof=1) / len(values) ** 0.5)


def slope_distance(points: Sequence[tuple[float, float]], expected: float) -> float:
    """|slope of y in x - ``expected``| + 2 standard errors of the slope; infinite if a y is."""
    x, y = zip(*points, strict=True)
    if not np.isfinite(y).all():
        return np.inf
    slope, standard_error = slope_with_error(x, y)
    return abs(slope - expected) + 2 * standard_error
