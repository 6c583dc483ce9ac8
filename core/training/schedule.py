"""Which steps are recorded: a value that the spec fixes, so that every seed and every slicing has the same ones."""

import numpy as np

from core.spec import ExperimentSpec, GradientDescent, GradientFlow, Optimizer


def recorded_steps(spec: ExperimentSpec) -> tuple[int, ...]:
    """The steps at which every running seed is measured, rising.

    Exactly min(points, steps + 1) distinct ones, 0 and the last always among them: log-spaced, and where rounding makes
    early ones coincide, filled with the smallest unused steps. ``evaluation.record_at`` comes on top.
    """
    steps, points = spec.optimizer.steps, spec.evaluation.points
    return tuple(sorted({*spread(steps, points), *spec.evaluation.record_at}))


def time_at(optimizer: Optimizer, steps: np.ndarray) -> np.ndarray:
    """The training time after so many ``steps``: the sum of the steps' sizes, comparable with gradient flow's time.

    gd: Σ_{t < steps} lr_t. gradient_flow: the station (1 + time)^(s / steps) - 1. NaN for the others, whose steps
    are not the gradient times a number that the spec gives.
    """
    if isinstance(optimizer, GradientDescent):
        return optimizer.lr * steps
    if isinstance(optimizer, GradientFlow):
        return np.expm1(steps / optimizer.steps * np.log1p(optimizer.time))
    return np.full(steps.shape, np.nan)


def spread(steps: int, points: int) -> list[int]:
    """min(points, steps + 1) distinct steps from 0 to ``steps``, log-spaced, then filled.

    Example:
        >>> spread(1000, 8)
        [0, 1, 3, 10, 32, 100, 316, 1000]
        >>> spread(20, 12)
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 20]
    """
    wanted = min(points, steps + 1)
    chosen = {0, *np.geomspace(steps, 1, points - 1).round().astype(int).tolist(), steps}
    unused = (step for step in range(steps) if step not in chosen)
    while len(chosen) < wanted:
        chosen.add(next(unused))
    return sorted(chosen)
