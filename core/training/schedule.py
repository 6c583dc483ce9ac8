"""The schedule of an experiment: its recorded steps, the size of each step, and the training time.

The spec alone determines them, so they are the same for every seed and every slicing.
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
    """The steps at which every running seed is measured, in ascending order.

    They are :func:`log_spaced_steps` and ``evaluation.record_at``.
    """
    spaced = log_spaced_steps(spec.optimizer.steps, spec.evaluation.points)
    return tuple(sorted({*spaced, *spec.evaluation.record_at}))


def log_spaced_steps(steps: int, points: int) -> list[int]:
    """Exactly min(points, steps + 1) distinct steps, always including 0 and ``steps``.

    They are log-spaced. If rounding makes early ones coincide, the smallest unused steps fill up.

    Example:
        >>> log_spaced_steps(1000, 8)
        [0, 1, 3, 10, 32, 100, 316, 1000]
        >>> log_spaced_steps(20, 12)
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 20]
    """
    count = min(points, steps + 1)
    chosen = {0, *np.geomspace(steps, 1, points - 1).round().astype(int).tolist(), steps}
    unused = (step for step in range(steps) if step not in chosen)
    while len(chosen) < count:
        chosen.add(next(unused))
    return sorted(chosen)


def schedule_factor(schedule: Schedule, steps: int, done: torch.Tensor) -> torch.Tensor:
    """The factor on lr, in float64. The docstrings of the schedules give the formulas.

    Args:
        schedule: The schedule.
        steps: All the steps of the experiment.
        done: The number of steps t that each seed has done.
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


def summed_factors(schedule: Schedule, steps: int, done: np.ndarray) -> np.ndarray:
    """Σ_{t < done} of :func:`schedule_factor`, in closed form.

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


def parameter_rates(optimizer: Optimizer, layout: Layout) -> np.ndarray | None:
    """The factor on lr for each number of the layout, (n,); None if all rates are 1.

    A tied C shares the rate of B.
    """
    if isinstance(optimizer, GradientFlow) or optimizer.rates == Rates():
        return None
    rates = [getattr(optimizer.rates, name, 1.0) for name in layout.names]
    return np.repeat(rates, np.diff([0, *layout.ends]))


def training_time(optimizer: Optimizer, steps: np.ndarray) -> np.ndarray:
    """The training time after ``steps``, comparable between gradient descent and gradient flow.

    gd: the sum of the step sizes, Σ_{t < steps} lr_t. gradient_flow: the time of the waypoint,
    (1 + time)^(s / steps) - 1. NaN for the others, whose steps are not the gradient times a number
    that the spec gives.
    """
    if isinstance(optimizer, GradientDescent):
        return optimizer.lr * summed_factors(optimizer.schedule, optimizer.steps, steps)
    if isinstance(optimizer, GradientFlow):
        return np.expm1(steps / optimizer.steps * np.log1p(optimizer.time))
    return np.full(steps.shape, np.nan)
