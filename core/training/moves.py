"""The optimizers' steps, compiled as a part of the loops that take them; see :mod:`core.training.optimizers`.

Here, too, is how all of it is compiled: NaN and infinity stay what they are, other sums may be reordered.
"""

from typing import Any

import numpy as np
from numba import njit

from core.training.tiles import address, inner, past

GRADIENT_DESCENT, MOMENTUM, ADAPTIVE, ADAM = 0, 1, 2, 3
"""Optimizers, as the loops tell them apart."""

CONSTANT, COSINE, EXPONENTIAL, WARMUP = 0, 1, 2, 3
"""Schedules, likewise."""

jit: Any = njit
how = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz", "reassoc"}}
part = jit(**how, **dict.fromkeys(("no_cpython_wrapper", "no_cfunc_wrapper"), True))
"""Called by compiled code alone."""
inlined = jit(inline="always", **how)
"""Likewise, and compiled with its caller: what is compiled by itself is optimised once more wherever it is called."""


@part
def factor(schedule, shape, done):
    """What :func:`core.training.schedule.factor` is."""
    if schedule == COSINE:
        return shape[0] + (1 - shape[0]) * (1 + np.cos(np.pi * done / shape[1])) / 2
    if schedule == EXPONENTIAL:
        return shape[0] ** (done / shape[1])
    if schedule == WARMUP:
        return min(1.0, (done + 1) / shape[0])
    return 1.0


@part
def _adam(gradient, memory, numbers, done):
    """The direction, in place of the gradient."""
    kind, n = gradient.dtype.type, len(gradient)
    keep, keep_square, eps = kind(numbers[0]), kind(numbers[1]), kind(numbers[2])
    take, take_square = kind(1 - numbers[0]), kind(1 - numbers[1])
    unbiased = kind(1 / (1 - numbers[0] ** (done + 1)))
    unbiased_square = kind(1 / (1 - numbers[1] ** (done + 1)))
    mean, square = memory[:n], memory[n:]
    for i in range(n):
        mean[i] = keep * mean[i] + take * gradient[i]
        square[i] = keep_square * square[i] + take_square * gradient[i] * gradient[i]
        gradient[i] = mean[i] * unbiased / (np.sqrt(square[i] * unbiased_square) + eps)


@part
def _go(theta, direction, lr, rates):
    """θ ← θ - lr rate direction."""
    lr = theta.dtype.type(lr)
    if len(rates):
        for i in range(len(theta)):
            theta[i] -= lr * rates[i] * direction[i]
    else:
        for i in range(len(theta)):
            theta[i] -= lr * direction[i]


@part
def _norms(gradient, rows, width, lanes):
    """The sum of the parameters' Euclidean norms: A in so many rows, then b, then c."""
    total, at, count = gradient[0] * 0, 0, rows * width
    while at < len(gradient):
        block = past(address(gradient), at)
        total += np.sqrt(inner(block, block, count // lanes))
        at, count = at + count, width
    return total


@part
def move(theta, gradient, memory, rule, numbers, lr, rates, shape, done):
    """One step of the optimizer."""
    if rule == MOMENTUM:
        keep = theta.dtype.type(numbers[0])
        for i in range(len(theta)):
            memory[i] = keep * memory[i] + gradient[i]
        _go(theta, memory, lr, rates)
        return
    if rule == ADAPTIVE:
        rows, width, lanes = shape
        memory[0] = numbers[0] * memory[0] + (1 - numbers[0]) * _norms(gradient, rows, width, lanes)
        lr /= np.sqrt(memory[0] / (1 - numbers[0] ** (done + 1))) + numbers[1]
    if rule == ADAM:
        _adam(gradient, memory, numbers, done)
    _go(theta, gradient, lr, rates)
