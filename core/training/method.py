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
from core.training.loops import moves
from core.training.schedule import rates_of
from core.training.stepper import DIVERGED_ABOVE

Float = type[np.float64] | type[np.float32]


def kind_of(dtype: torch.dtype) -> Float:
    """NumPy's word for the dtype of a training."""
    return np.float64 if dtype == torch.float64 else np.float32


def ending_of(optimizer: Optimizer) -> moves.Ending:
    """When the optimizer's seeds end."""
    return moves.Ending(optimizer.stop_below, optimizer.more_steps, DIVERGED_ABOVE)


def method_of(optimizer: Optimizer, layout: Layout, kind: Float) -> moves.Method:
    """The optimizer in the words of the compiled loops."""
    match optimizer:
        case GradientDescent():
            rule, numbers = moves.GRADIENT_DESCENT, [0.0]
        case Momentum():
            rule, numbers = moves.MOMENTUM, [optimizer.momentum]
        case AdaptiveGradientDescent():
            rule, numbers = moves.ADAPTIVE, [optimizer.beta, optimizer.soft]
        case Adam():
            rule, numbers = moves.ADAM, [*optimizer.betas, optimizer.eps]
        case GradientFlow():
            raise TypeError("gradient flow is not a rule of steps")
        case _:
            assert_never(optimizer)
    match optimizer.schedule:
        case ConstantSchedule():
            schedule, shape = moves.CONSTANT, [0.0]
        case CosineSchedule(floor=floor):
            schedule, shape = moves.COSINE, [floor, optimizer.steps]
        case ExponentialSchedule(decay=decay, every=every):
            schedule, shape = moves.EXPONENTIAL, [decay, every]
        case WarmupSchedule(steps=rise):
            schedule, shape = moves.WARMUP, [rise]
        case _:
            assert_never(optimizer.schedule)
    rates = rates_of(optimizer, layout)
    return moves.Method(
        rule,
        np.array(numbers),
        optimizer.lr,
        schedule,
        np.array(shape, dtype=float),
        np.empty(0, kind) if rates is None else rates.astype(kind),
    )
