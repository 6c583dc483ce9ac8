"""Encodes a spec's optimizer as the numbers that the compiled loops take."""

from typing import assert_never

import numpy as np
import torch

from core.result import DIVERGED_ABOVE
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
from core.training.schedule import parameter_rates

FloatType = type[np.float64] | type[np.float32]


def numpy_type(dtype: torch.dtype) -> FloatType:
    """The NumPy type of a training's dtype."""
    return np.float64 if dtype == torch.float64 else np.float32


def stop_rule_of(optimizer: Optimizer) -> optimizer_steps.StopRule:
    """The optimizer's stop rule, with the bound on a diverged loss."""
    return optimizer_steps.StopRule(optimizer.stop_below, optimizer.more_steps, DIVERGED_ABOVE)


def encode_optimizer(
    optimizer: Optimizer, layout: Layout, float_type: FloatType
) -> optimizer_steps.OptimizerEncoding:
    """The numbers of the optimizer's rule, schedule and rates."""
    match optimizer:
        case GradientDescent():
            rule, coefficients = optimizer_steps.GRADIENT_DESCENT, [0.0]
        case Momentum():
            rule, coefficients = optimizer_steps.MOMENTUM, [optimizer.momentum]
        case AdaptiveGradientDescent():
            rule, coefficients = optimizer_steps.ADAPTIVE, [optimizer.beta, optimizer.soft]
        case Adam():
            rule, coefficients = optimizer_steps.ADAM, [*optimizer.betas, optimizer.eps]
        case GradientFlow():
            raise TypeError("gradient flow is integrated, not stepped")
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
    rates = parameter_rates(optimizer, layout)
    return optimizer_steps.OptimizerEncoding(
        rule,
        np.array(coefficients),
        optimizer.lr,
        schedule,
        np.array(shape, dtype=float),
        np.empty(0, float_type) if rates is None else rates.astype(float_type),
    )
