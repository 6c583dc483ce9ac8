"""Time to fit and plateaus of the loss, from the recorded columns of one seed.

From a start of small scale s the poles appear one at a time (saddle to saddle): the loss rests on
about one plateau per pole, each for a time of order log(1/s), and falls quickly in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plateau:
    """Recorded steps ``start`` to ``end`` with a nearly constant loss of median ``level``."""

    start: int
    end: int
    level: float


def fits_from(fit_errors: Sequence[float] | np.ndarray, bound: float) -> int | None:
    """Returns the first recorded point from which on the fit error is at most ``bound``, or None.

    A run that fits and leaves again fits from its return; NaN is above every bound.

    Example:
        >>> fits_from([1.0, 0.2, 0.7, 0.3, 0.1], 0.5)
        3
    """
    outside = np.flatnonzero(~(np.asarray(fit_errors) <= bound))
    first = int(outside[-1]) + 1 if len(outside) else 0
    return first if first < len(fit_errors) else None


def plateaus(
    steps: Sequence[int] | np.ndarray,
    losses: Sequence[float] | np.ndarray,
    *,
    band: float = 0.05,
    lasting: float = 0.2,
    least: float = 0.05,
) -> list[Plateau]:
    """Returns the plateaus of a training, in order.

    A plateau is a stretch of at least three recorded steps, from a to b, whose largest loss is at
    most (1 + ``band``) times the smallest. Its length b - a is at least ``lasting`` x b and
    ``least`` x T, where T is the first recorded step with at most a hundredth of the first loss
    (the last step if none is). Stretches are found from the left, each as long as possible.
    An exponential decay at any rate is not a plateau; a floor reached before the end is the last.

    Args:
        steps: Recorded steps, rising.
        losses: The training loss at these steps, nonnegative; a non-finite loss ends a plateau.
        band: Relative variation of the loss.
        lasting: Shortest length relative to the step at which the plateau ends.
        least: Shortest length relative to T.
    """
    at, loss = np.asarray(steps), np.asarray(losses, dtype=float)
    low = np.flatnonzero(loss <= loss[0] / 100) if len(loss) else loss
    descent = at[low[0]] if len(low) else at[-1] if len(at) else 0
    result, i = [], 0
    while i < len(at):
        j = _reach(loss, i, 1 + band)
        if j - i >= 2 and at[j] - at[i] >= max(lasting * at[j], least * descent):
            result.append(Plateau(int(at[i]), int(at[j]), float(np.median(loss[i : j + 1]))))
            i = j + 1
        else:
            i += 1
    return result


def training_metrics(
    steps: np.ndarray, times: np.ndarray, losses: np.ndarray, fit_errors: np.ndarray, bound: float
) -> dict[str, float]:
    """Computes the metrics of a whole training from the recorded points of one seed, by name.

    ``steps_to_fit`` is the step of :func:`fits_from`, or Infinity. Plateaus count if they start
    before it: a floor that a run rests on once it fits is none. The longest is measured by its
    steps, and the first of equals is meant.

    Args:
        steps: Recorded steps, rising, at least one.
        times: The training time at these steps; NaN if the optimizer has none.
        losses: The training loss.
        fit_errors: max |e_j| over j < k.
        bound: ``evaluation.fit_tolerance`` x max |ĥ_j|.

    Example:
        >>> metrics = training_metrics(
        ...     steps=np.array([0, 1, 2, 3]),
        ...     times=np.array([0.0, 0.1, 0.2, 0.3]),
        ...     losses=np.array([1.0, 1.0, 1.0, 0.1]),
        ...     fit_errors=np.array([1.0, 1.0, 1.0, 0.2]),
        ...     bound=0.5,
        ... )
        >>> [metrics[name] for name in ("steps_to_fit", "time_to_fit", "plateau_steps")]
        [3.0, 0.3, 2.0]
    """
    first = fits_from(fit_errors, bound)
    no_time = np.isnan(times).any()
    to_fit = np.inf if first is None else float(steps[first])
    found = [plateau for plateau in plateaus(steps, losses) if plateau.start < to_fit]
    longest = max(found, key=lambda plateau: plateau.end - plateau.start, default=None)
    start, end = (0, 0) if longest is None else np.searchsorted(steps, (longest.start, longest.end))
    return {
        "steps_to_fit": to_fit,
        "time_to_fit": (np.nan if no_time else np.inf) if first is None else float(times[first]),
        "plateaus": float(len(found)),
        "plateau_steps": float(steps[end] - steps[start]),
        "plateau_time": float(times[end] - times[start]),
        "plateau_loss": np.nan if longest is None else longest.level,
    }


def _reach(loss: np.ndarray, i: int, ratio: float) -> int:
    """Returns the last j for which loss_i .. loss_j are within ``ratio`` of each other."""
    smallest = largest = loss[i]
    j = i
    while j + 1 < len(loss) and np.isfinite(loss[j + 1]):
        smallest, largest = min(smallest, loss[j + 1]), max(largest, loss[j + 1])
        if largest > ratio * smallest:
            break
        j += 1
    return j
