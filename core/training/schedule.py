"""What the spec fixes for every step: whether it is recorded, how large it is, at which training time it begins.

So every seed and every slicing has the same ones.
"""

from typing import assert_never

import numpy as np
import torch

from core.spec import (
    ConstantSchedule,
    CosineSchedule,
    ExperimentSpec,
    ExponentialSchedule,
    GradientDescent,
    GradientFlow,
    Optimizer,
    Rates,
    Schedule,
    WarmupSchedule,
)
from core.training.layout import Layout


def recorded_steps(spec: ExperimentSpec) -> tuple[int, ...]:
    """The steps at which every running seed is measured, rising.

    Exactly min(points, steps + 1) distinct ones, 0 and the last always among them: log-spaced, and
    where rounding makes early ones coincide, filled with the smallest unused steps.
    ``evaluation.record_at`` comes on top.
    """
    steps, points = spec.optimizer.steps, spec.evaluation.points
    return tuple(sorted({*spread(steps, points), *spec.evaluation.record_at}))


def factor(schedule: Schedule, steps: int, done: torch.Tensor) -> torch.Tensor:
    """What the schedule multiplies lr by, in float64; the formulas are in the schedules' own docstrings.

    Args:
        schedule: One that isn't constant.
        steps: All the steps of the experiment.
        done: How many steps each seed has done, t.
    """
    t = done.double()
    match schedule:
        case ConstantSchedule():
            return torch.ones_like(t)
        case CosineSchedule(floor=floor):
            return floor + (1 - floor) * (1 + torch.cos(np.pi * t / steps)) / 2
        case ExponentialSchedule(decay=decay, every=every):
            return decay ** (t / every)
        case WarmupSchedule(steps=rise):
            return ((t + 1) / rise).clamp(max=1.0)
        case _:
            assert_never(schedule)


def factors_until(schedule: Schedule, steps: int, done: np.ndarray) -> np.ndarray:
    """Σ_{t < done} :func:`factor`, in closed form.

    cosine: Σ_{t<n} cos(θ t) = (1 + sin((n - ½) θ) / sin(θ/2)) / 2, θ = π / steps. exponential: a
    geometric series.
    """
    match schedule:
        case ConstantSchedule():
            return done
        case CosineSchedule(floor=floor):
            half = np.pi / steps / 2
            cosines = (1 + np.sin((2 * done - 1) * half) / np.sin(half)) / 2
            return floor * done + (1 - floor) * (done + cosines) / 2
        case ExponentialSchedule(decay=decay, every=every):
            per_step = np.log(decay) / every
            return np.expm1(done * per_step) / np.expm1(per_step) if decay < 1 else done
        case WarmupSchedule(steps=rise):
            rising = np.minimum(done, rise)
            return rising * (rising + 1) / (2 * rise) + (done - rising)
        case _:
            assert_never(schedule)


def rates_of(optimizer: Optimizer, layout: Layout) -> np.ndarray | None:
    """What multiplies lr for each number of the layout, (n,), a tied C going with B; None where all rates are 1."""
    if isinstance(optimizer, GradientFlow) or optimizer.rates == Rates():
        return None
    rates = [getattr(optimizer.rates, name, 1.0) for name in layout.names]
    return np.repeat(rates, np.diff([0, *layout.ends]))


def time_at(optimizer: Optimizer, steps: np.ndarray) -> np.ndarray:
    """The training time after so many ``steps``: the sum of the steps' sizes, comparable with gradient flow's time.

    gd: Σ_{t < steps} lr_t. gradient_flow: the station (1 + time)^(s / steps) - 1. NaN for the
    others, whose steps are not the gradient times a number that the spec gives.
    """
    if isinstance(optimizer, GradientDescent):
        return optimizer.lr * factors_until(optimizer.schedule, optimizer.steps, steps)
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
