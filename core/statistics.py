"""Statistics over seeds, defined once for tables, figures, studies, queries and the command line.

:func:`as_counted` decides what a run counts as, and :func:`over_seeds` defines each statistic. The
SQL of queries (:mod:`store.query.statistics`) is tested to give the same numbers.

A diverged run counts as infinite, also along its curves (:func:`curves_as_counted`). NaN stands for
a metric that a run doesn't have or that is undefined, and makes every statistic NaN.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from core.result import TEACHER_METRICS, Outcome

STATISTICS = ("median", "q1", "q3", "mean", "min", "max", "standard_error")

Group = TypeVar("Group", bound=Hashable)

Band = Literal["quartiles", "range", "standard_error", "none"]
"""The bands that can be drawn around a statistic."""

LARGEST = 1e300
"""Numbers of at least this size count as infinite, so that no sum of them overflows."""


class EndedRun(Protocol):
    """One seed of an experiment: how it ended, and its metrics at the end."""

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the run."""

    @property
    def summary(self) -> Mapping[str, float]:
        """Metrics by name; a metric that the run doesn't have may be missing."""


def as_counted(numbers: np.ndarray, diverged: np.ndarray, metrics: Sequence[str]) -> np.ndarray:
    """Stored numbers as statistics count them.

    A diverged run is infinite in every metric except the teacher's, which no student changes.

    Args:
        numbers: (runs, metrics), as stored; NaN if a run doesn't have the metric.
        diverged: (runs,), whether each run diverged.
        metrics: Names of the columns.

    Returns:
        (runs, metrics).

    Example:
        >>> as_counted(np.array([[2.0, 0.5]]), np.array([True]), ["fit_error", "zero_baseline"])
        array([[inf, 0.5]])
    """
    of_student = np.array([metric not in TEACHER_METRICS for metric in metrics], bool)
    bounded = np.where(np.abs(numbers) >= LARGEST, np.copysign(np.inf, numbers), numbers)
    return np.where(diverged[:, None] & of_student, np.inf, bounded)


def values_of_runs(runs: Sequence[EndedRun], metrics: Sequence[str]) -> np.ndarray:
    """Metrics of ended runs as statistics count them, (runs, metrics)."""
    numbers = [[run.summary.get(metric, np.nan) for metric in metrics] for run in runs]
    diverged = np.array([run.outcome is Outcome.DIVERGED for run in runs], bool)
    return as_counted(np.array(numbers, float).reshape(len(runs), len(metrics)), diverged, metrics)


def curves_as_counted(values: np.ndarray, diverged: ArrayLike, *, recorded: bool) -> np.ndarray:
    """Curves of runs as statistics count them.

    By lag and by rank, a diverged run is infinite. Along the training it is what was recorded,
    which is infinite once it overflows to NaN. NaN of another run stays: that number is undefined.

    Args:
        values: (runs, points), as stored.
        diverged: (runs,), whether each run diverged.
        recorded: Whether the curves were recorded along the training.

    Returns:
        (runs, points).

    Example:
        >>> curves = np.array([[2.0, np.nan], [2.0, np.nan]])
        >>> curves_as_counted(curves, [True, False], recorded=True)
        array([[ 2., inf],
               [ 2., nan]])
    """
    counts_as_infinite = np.isnan(values) if recorded else np.ones(values.shape, bool)
    return np.where(np.asarray(diverged, bool)[:, None] & counts_as_infinite, np.inf, values)


def last_values(x: ArrayLike, y: ArrayLike, at: ArrayLike) -> np.ndarray:
    """The value of a recorded curve at other places: the last one recorded up to there.

    So a run that has ended keeps its last value.

    Args:
        x: Places of the curve, rising.
        y: Values of the curve.
        at: Where to read it, at ``x[0]`` or later.
    """
    return np.asarray(y, float)[np.searchsorted(np.asarray(x), at, side="right") - 1]


def over_curves(
    curves: Sequence[tuple[ArrayLike, ArrayLike]], diverged: ArrayLike, *, recorded: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Each of :data:`STATISTICS` over the curves of runs, at every place that any curve has.

    A curve keeps its last value up to its next place and past its end; before its first it is NaN.

    Args:
        curves: x, rising and not empty, and y of each run.
        diverged: (runs,), whether each run diverged.
        recorded: Whether the curves were recorded along the training, as in
            :func:`curves_as_counted`.

    Returns:
        x (places,), and (statistics, places).

    Example:
        >>> x, statistics = over_curves(
        ...     [([0, 2], [4.0, 2.0]), ([0, 1], [6.0, np.nan])], [False, True], recorded=True
        ... )
        >>> x.tolist(), statistics[STATISTICS.index("median")].tolist()
        ([0, 1, 2], [5.0, inf, inf])
    """
    if not curves:
        return np.empty(0), np.empty((len(STATISTICS), 0))
    x = np.unique(np.concatenate([np.asarray(places) for places, _ in curves]))
    values = np.full((len(curves), len(x)), np.nan)
    for row, (places, y) in zip(values, curves, strict=True):
        started = x >= np.asarray(places)[0]
        row[started] = last_values(places, y, x[started])
    return x, of_columns(curves_as_counted(values, diverged, recorded=recorded))


def most_fit(fitted: int, seeds: int) -> bool:
    """Whether more than half of the seeds fit; True if no seed is counted.

    Elsewhere a median over the seeds is not that of students that fit, and figures mark it.

    Example:
        >>> most_fit(2, 4), most_fit(3, 4)
        (False, True)
    """
    return 2 * fitted > seeds or seeds == 0


def over_seeds(values: Mapping[Group, np.ndarray]) -> dict[Group, np.ndarray]:
    """Each of :data:`STATISTICS` of each column, for many experiments at once.

    The median is the mean of the two middle values if their number is even. Quartiles are
    nearest-rank values, never interpolated with the infinite value of a diverged seed. The standard
    error is of the mean, with n - 1 under the root; for one seed it is NaN.

    Args:
        values: (seeds, columns) by experiment; the number of seeds may differ.

    Returns:
        (statistics, columns) by experiment.

    Example:
        >>> over_seeds({"a": np.array([[1.0], [2.0], [np.inf]])})["a"].ravel().tolist()
        [2.0, 1.0, inf, inf, 1.0, inf, nan]
    """
    names_by_shape: dict[tuple[int, ...], list[Group]] = {}
    for name, array in values.items():
        names_by_shape.setdefault(array.shape, []).append(name)
    statistics: dict[Group, np.ndarray] = {}
    for names in names_by_shape.values():  # arrays of one shape are computed as one
        stack = _of_stack(np.stack([values[name] for name in names]))
        statistics |= dict(zip(names, stack, strict=True))
    return statistics


def of_columns(values: np.ndarray) -> np.ndarray:
    """Each of :data:`STATISTICS` of each column: (seeds, columns) to (statistics, columns)."""
    return _of_stack(values[None])[0]


def median(values: np.ndarray) -> np.ndarray:
    """The median of each column, as in :func:`of_columns`: (..., seeds, columns) to (..., columns).

    Example:
        >>> median(np.array([[1.0, 0.0], [4.0, np.inf]])).tolist()
        [2.5, inf]
    """
    with np.errstate(invalid="ignore"):  # infinities of both signs have no mean
        return np.median(values, axis=-2)


def statistic(name: str, values: ArrayLike) -> float:
    """One of :data:`STATISTICS` of given values, such as one metric over the seeds.

    Example:
        >>> statistic("median", range(1, 11)), statistic("q1", range(1, 11))
        (5.5, 3.0)
    """
    return float(of_columns(np.asarray(values, float)[:, None])[STATISTICS.index(name), 0])


def with_band(
    statistics: np.ndarray, name: str, band: Band
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A statistic of each column, and the lower and upper edges of a band; no edges for ``none``.

    Args:
        statistics: (statistics, columns), of :func:`over_seeds`.
        name: One of :data:`STATISTICS`.
        band: The standard error is subtracted and added.
    """
    rows = dict(zip(STATISTICS, statistics, strict=True))
    middle = rows[name]
    with np.errstate(invalid="ignore"):
        match band:
            case "quartiles":
                return middle, rows["q1"], rows["q3"]
            case "range":
                return middle, rows["min"], rows["max"]
            case "standard_error":
                return middle, middle - rows["standard_error"], middle + rows["standard_error"]
            case "none":
                return middle, np.empty(0), np.empty(0)


def _of_stack(stack: np.ndarray) -> np.ndarray:
    """(experiments, seeds, columns) to (experiments, statistics, columns)."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinities of both signs have no mean
        q1, q3 = np.quantile(stack, [0.25, 0.75], axis=1, method="nearest")
        rows = {
            "median": median(stack),
            "q1": q1,
            "q3": q3,
            "mean": stack.mean(axis=1),
            "min": stack.min(axis=1),
            "max": stack.max(axis=1),
            "standard_error": _standard_error(stack),
        }
    return np.stack([rows[name] for name in STATISTICS], axis=1)


def _standard_error(stack: np.ndarray) -> np.ndarray:
    count = stack.shape[1]
    if count == 1:
        return np.full(stack[:, 0].shape, np.nan)
    return stack.std(axis=1, ddof=1) / np.sqrt(count)
