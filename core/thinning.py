"""Thinning of recorded curves: fewer points that show the same line, spikes included."""

import numpy as np


def thinned(
    steps: np.ndarray, values: np.ndarray, max_points: int, *, ends: np.ndarray | None = None
) -> np.ndarray:
    """The indices of at most ``max_points`` points that show every curve as all of them do.

    The steps are divided into buckets of equal width in log(step + 1). Each bucket
    keeps its first and last point, and the smallest and largest number of each curve (Jugel et al.,
    "M4", VLDB 2014). There are as many buckets as ``max_points`` permits: many for curves that are
    monotone, whose extremes are first or last, and few for many noisy ones.

    Args:
        steps: (points,), rising.
        values: (points, curves); NaN is no extreme.
        max_points: At least 2. If there are more ``ends``, they are thinned evenly.
        ends: Indices to keep besides the first and the last, such as the ends of single curves.

    Returns:
        Rising indices, with the first and the last; all of them if they are at most ``max_points``.

    Example:
        >>> spike = np.zeros(1000)
        >>> spike[700] = 1.0
        >>> kept = thinned(np.arange(1000), spike[:, None], 20)
        >>> len(kept) <= 20, 700 in kept
        (True, True)
    """
    count = len(steps)
    if count <= max_points:
        return np.arange(count)
    fixed = np.union1d([0, count - 1], [] if ends is None else ends).astype(np.int64)
    if len(fixed) >= max_points:
        return fixed[np.linspace(0, len(fixed) - 1, max_points).round().astype(np.int64)]
    places = np.log1p(steps.astype(float))
    kept, buckets, too_many = fixed, 0, max_points + 1
    while too_many - buckets > 1:
        tried = (buckets + too_many) // 2
        candidates = np.union1d(fixed, extremes(bucket_of(places, tried), values))
        if len(candidates) <= max_points:
            kept, buckets = candidates, tried
        else:
            too_many = tried
    return kept


def bucket_of(places: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each point, of so many of equal width from the first to the last place.

    Example:
        >>> bucket_of(np.array([0.0, 0.4, 0.5, 1.0]), 2)
        array([0, 0, 1, 1])
    """
    fraction = (places - places[0]) / (places[-1] - places[0])
    return np.minimum(fraction * buckets, buckets - 1).astype(np.int64)


def extremes(bucket: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The indices of each bucket's first and last point, and of each curve's extremes in it.

    Args:
        bucket: (points,), the bucket of each point, rising.
        values: (points, curves). Of equal extremes, the first counts.

    Returns:
        Indices; one can occur several times.
    """
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    sizes = np.diff(starts, append=len(bucket))
    indices = [starts, starts + sizes - 1]
    rank = np.repeat(np.arange(len(starts)), sizes)
    for reduce in (np.fmin.reduceat, np.fmax.reduceat):  # both ignore NaN
        is_extreme = (values == reduce(values, starts, axis=0)[rank]).T
        curve, point = np.nonzero(is_extreme)
        is_first = np.diff(curve * len(starts) + rank[point], prepend=-1) > 0
        indices.append(point[is_first])
    return np.concatenate(indices)
