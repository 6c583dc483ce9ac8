"""When a training fits, and where it rests on the way: functions of the recorded columns of one seed.

From a start of scale s near zero the poles appear one at a time (saddle to saddle): the loss rests
on about one plateau per pole, each for a time of the order of log(1/s), and falls quickly in
between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plateau:
    """A stretch of recorded steps, ``start`` to ``end``, over which the loss rests at ``level`` (its median there)."""

    start: int
    end: int
    level: float


def time_to_fit(steps: Sequence[int], losses: Sequence[float], tolerance: float) -> int | None:
    """The first recorded step whose training loss is below ``tolerance``; None if there is none.

    Example:
        >>> time_to_fit([0, 10, 100], [1.0, 0.2, 0.01], 0.5)
        10
    """
    return next((step for step, loss in zip(steps, losses, strict=True) if loss < tolerance), None)


def plateaus(
    steps: Sequence[int],
    losses: Sequence[float],
    *,
    band: float = 0.05,
    lasting: float = 0.2,
    least: float = 0.05,
) -> list[Plateau]:
    """The plateaus of a training, in order.

    A plateau is a stretch of at least three recorded steps, from a to b, in which the largest loss
    is at most (1 + ``band``) times the smallest, and which lasts: b - a is at least ``lasting`` x b
    and ``least`` x T, T the first recorded step whose loss is at most a hundredth of the first one
    (the last step if there is none). Stretches are taken from the left, each as long as it goes. An
    exponential fall is no plateau at any rate; a floor that is reached before the end is one, the
    last.

    Args:
        steps: Recorded steps, rising.
        losses: The training loss there, nonnegative; a plateau ends at a non-finite one.
        band: How far the loss may move, relatively.
        lasting: How long, relative to the step at which it ends.
        least: How long, relative to the whole fall.
    """
    at, loss = np.asarray(steps), np.asarray(losses, dtype=float)
    fallen = np.flatnonzero(loss <= loss[0] / 100) if len(loss) else loss
    whole = at[fallen[0]] if len(fallen) else at[-1] if len(at) else 0
    found, i = [], 0
    while i < len(at):
        j = _reach(loss, i, 1 + band)
        if j - i >= 2 and at[j] - at[i] >= max(lasting * at[j], least * whole):
            found.append(Plateau(int(at[i]), int(at[j]), float(np.median(loss[i : j + 1]))))
            i = j + 1
        else:
            i += 1
    return found


def _reach(loss: np.ndarray, i: int, ratio: float) -> int:
    """The last j such that loss_i .. loss_j lie within the ratio of each other."""
    smallest = largest = loss[i]
    j = i
    while j + 1 < len(loss) and np.isfinite(loss[j + 1]):
        smallest, largest = min(smallest, loss[j + 1]), max(largest, loss[j + 1])
        if largest > ratio * smallest:
            break
        j += 1
    return j
