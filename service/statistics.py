"""Statistics over seeds, for many experiments at once."""

from collections.abc import Mapping

import numpy as np

STATISTICS = ("median", "q1", "q3", "mean", "min", "max", "standard_error")


def over_seeds(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each of :data:`STATISTICS` of each column.

    Quartiles are of the nearest rank, so that a diverged seed, whose value is infinite, stays one value. The standard
    error is of the mean, with n - 1 under the root; of one seed it is NaN.

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
        with np.errstate(invalid="ignore"):  # infinities of both signs have no mean
            q1, q3 = np.quantile(stack, [0.25, 0.75], axis=1, method="nearest")
            ends = [stack.min(axis=1), stack.max(axis=1)]
            rows = [np.median(stack, axis=1), q1, q3, stack.mean(axis=1), *ends, _standard_error(stack)]
        found |= dict(zip(names, np.stack(rows, axis=1), strict=True))
    return found


def _standard_error(stack: np.ndarray) -> np.ndarray:
    count = stack.shape[1]
    return stack.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(stack[:, 0].shape, np.nan)
