"""A spec's optimizer in the words of the compiled loops."""

from typing import assert_never

import numpy as np
import torch

from core.spec import (
    Adam,
    AdaptiveGradientDescent,
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    GradientDescent,
    GradientFlow,
    Momentum,
    Optimizer,
    WarmupSchedule,
)
from core.training.layout import Layout
from core.training.loops import optimizer_steps
from core.training.schedule import rates_of
from core.training.stepper import DIVERGED_ABOVE

Float = type[np.float64] | type[np.float32]


def kind_of(dtype: torch.dtype) -> Float:
    """NumPy's word for the dtype of a training."""
    return np.float64 if dtype == torch.float64 else np.float32


def ending_of(optimizer: Optimizer) -> optimizer_steps.Ending:
    """When the optimizer's seeds end."""
    return optimizer_steps.Ending(optimizer.stop_below, optimizer.more_steps, DIVERGED_ABOVE)


def method_of(optimizer: Optimizer, layout: Layout, kind: Float) -> optimizer_steps.Method:
    """The optimizer in the words of the compiled loops."""
    match optimizer:
        case GradientDescent():
            rule, numbers = optimizer_steps.GRADIENT_DESCENT, [0.0]
        case Momentum():
            rule, numbers = optimizer_steps.MOMENTUM, [optimizer.momentum]
        case AdaptiveGradientDescent():
            rule, numbers = optimizer_steps.ADAPTIVE, [optimizer.beta, optimizer.soft]
        case Adam():
            rule, numbers = optimizer_steps.ADAM, [*optimizer.betas, optimizer.eps]
        case GradientFlow():
            raise TypeError("gradient flow is not a rule of steps")
        case _:
            assert_never(optimizer)
    match optimizer.schedule:
        case ConstantSchedule():
            schedule, shape = optimizer_steps.CONSTANT, [0.0]
        case CosineSchedule(floor=floor):
            schedule, shape = optimizer_steps.COSINE, [floor, optimizer.steps]
        case ExponentialSchedule(decay=decay, every=every):
            schedule, shape = optimizer_steps.EXPONENTIAL, [decay, every]
        case WarmupSchedule(steps=rise):
            schedule, shape = optimizer_steps.WARMUP, [rise]
        case _:
            assert_never(optimizer.schedule)
    rates = rates_of(optimizer, layout)
    return optimizer_steps.Method(
        rule,
        np.array(numbers),
        optimizer.lr,
        schedule,
        np.array(shape, dtype=float),
        np.empty(0, kind) if rates is None else rates.astype(kind),
    )
