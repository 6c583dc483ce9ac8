"""Statistics over seeds, for many experiments at once."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.result import OF_THE_TEACHER

STATISTICS = ("median", "q1", "q3", "mean", "min", "max", "standard_error")

BANDS = ("quartiles", "range", "standard_error", "none")
"""What can be drawn around a statistic."""


def around(
    found: np.ndarray, statistic: str, band: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A statistic of each column with the edges of a band, which are empty for none.

    Args:
        found: (statistics, columns), of :func:`over_seeds`.
        statistic: Which one, of :data:`STATISTICS`.
        band: Which one, of :data:`BANDS`; the standard error is added and subtracted.
    """
    rows = dict(zip(STATISTICS, found, strict=True))
    middle = rows[statistic]
    with np.errstate(invalid="ignore"):
        match band:
            case "quartiles":
                return middle, rows["q1"], rows["q3"]
            case "range":
                return middle, rows["min"], rows["max"]
            case "standard_error":
                return middle, middle - rows["standard_error"], middle + rows["standard_error"]
    return middle, np.empty(0), np.empty(0)


def as_counted(numbers: np.ndarray, diverged: np.ndarray, metrics: Sequence[str]) -> np.ndarray:
    """Numbers (runs, metrics) as statistics count them: a diverged run's are infinite but for the teacher's own."""
    students = np.array([metric not in OF_THE_TEACHER for metric in metrics], bool)
    return np.where(diverged[:, None] & students, np.inf, numbers)


def over_seeds(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each of :data:`STATISTICS` of each column.

    Quartiles are of the nearest rank, so that a diverged seed, whose value is infinite, stays one
    value. The standard error is of the mean, with n - 1 under the root; of one seed it is NaN.

    Args:
        values: (seeds, columns) by experiment; the numbers of seeds may differ.

    Returns:
        (statistics, columns) by experiment.

    Example:
        >>> over_seeds({"a": np.array([[1.0], [2.0], [np.inf]])})["a"].ravel().tolist()
        [2.0, 1.0, inf, inf, 1.0, inf, nan]
    """
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, array in values.items():
        alike.setdefault(array.shape, []).append(name)
    found: dict[str, np.ndarray] = {}
    for names in alike.values():  # experiments of as many seeds are one array
        stack = np.stack([values[name] for name in names])
        with np.errstate(invalid="ignore", over="ignore"):  # infinities of both signs have no mean
            q1, q3 = np.quantile(stack, [0.25, 0.75], axis=1, method="nearest")
            ends = [stack.min(axis=1), stack.max(axis=1)]
            rows = [
                np.median(stack, axis=1),
                q1,
                q3,
                stack.mean(axis=1),
                *ends,
                _standard_error(stack),
            ]
        found |= dict(zip(names, np.stack(rows, axis=1), strict=True))
    return found


def _standard_error(stack: np.ndarray) -> np.ndarray:
    count = stack.shape[1]
    return (
        stack.std(axis=1, ddof=1) / np.sqrt(count)
        if count > 1
        else np.full(stack[:, 0].shape, np.nan)
    )
