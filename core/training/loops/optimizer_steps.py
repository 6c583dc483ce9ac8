"""The optimizers' steps, compiled as a part of the loops that take them; see :mod:`core.training.optimizers`.

Here, too, is how all of it is compiled: NaN and infinity stay what they are, other sums may be
reordered.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from core.training.stepper import DIVERGED, NEVER, RUNNING, STOPPED

GRADIENT_DESCENT, MOMENTUM, ADAPTIVE, ADAM = 0, 1, 2, 3
"""Optimizers, as the loops tell them apart."""

CONSTANT, COSINE, EXPONENTIAL, WARMUP = 0, 1, 2, 3
"""Schedules, likewise."""


class Method(NamedTuple):
    """How a loss is minimised.

    Attributes:
        rule: The optimizer.
        numbers: Its numbers: (momentum,), (beta, soft) or (beta1, beta2, eps), in float64.
        lr: The step size.
        schedule: What multiplies it from step to step.
        shape: The schedule's numbers: (floor, steps), (decay, every) or (steps,).
        rates: What multiplies it for each number; empty where nothing does.
    """

    rule: int
    numbers: np.ndarray
    lr: float
    schedule: int
    shape: np.ndarray
    rates: np.ndarray


class Ending(NamedTuple):
    """When a seed ends: ``more_steps`` after its loss was ``below``, or once it isn't at most ``above``."""

    below: float
    more_steps: int
    above: float


jit: Any = njit
how = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz", "reassoc"}}
part = jit(**how, **dict.fromkeys(("no_cpython_wrapper", "no_cfunc_wrapper"), True))
"""Called by compiled code alone."""
inlined = jit(inline="always", **how)
"""Likewise, and compiled with its caller: what is compiled by itself is optimised once more
wherever it is called."""


def kept(function: Any) -> Any:
    """Called from Python, and kept on disk, unless there is no place for it: then each process compiles it."""
    try:
        return jit(cache=True, **how)(function)
    except RuntimeError:  # neither this folder nor the user's cache can be written to
        return jit(**how)(function)


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
def _norms(gradient, ends):
    """The sum of the parameters' Euclidean norms."""
    total, begin = gradient[0] * 0, 0
    for end in ends:
        square = total * 0
        for i in range(begin, end):
            square += gradient[i] * gradient[i]
        total, begin = total + np.sqrt(square), end
    return total


@part
def move(theta, gradient, memory, method, rates, ends, done):
    """One step of the optimizer, along the ``gradient``, which is overwritten.

    ``rates`` are the method's, laid as ``theta`` is, whose parameters end at ``ends``.
    """
    rule, numbers, lr, schedule, shape, _ = method
    lr *= factor(schedule, shape, done)
    if rule == MOMENTUM:
        keep = theta.dtype.type(numbers[0])
        for i in range(len(theta)):
            memory[i] = keep * memory[i] + gradient[i]
        _go(theta, memory, lr, rates)
        return
    if rule == ADAPTIVE:
        memory[0] = numbers[0] * memory[0] + (1 - numbers[0]) * _norms(gradient, ends)
        lr /= np.sqrt(memory[0] / (1 - numbers[0] ** (done + 1))) + numbers[1]
    if rule == ADAM:
        _adam(gradient, memory, numbers, done)
    _go(theta, gradient, lr, rates)


@part
def judged(loss, done, until, ending):
    """The status of a running seed with that loss, and the step at which it is to stop."""
    below, more_steps, above = ending
    if until == NEVER and loss < below:
        until = done + more_steps
    if not loss <= above:
        return DIVERGED, until
    return STOPPED if done >= until else RUNNING, until


@kept
def step(
    seeds, parameters, memory, steps, status, until, losses, gradients, method, ending, ends, moving
):
    """A look at the loss (R,) of each of the R ``seeds`` and, if ``moving``, one step along its gradient (R, n).

    The others, (S, ..), are those of a batch, and are changed in place.
    """
    for i, seed in enumerate(seeds):
        status[seed], until[seed] = judged(losses[i], steps[seed], until[seed], ending)
        if moving and status[seed] == RUNNING:
            move(
                parameters[seed],
                gradients[i],
                memory[seed],
                method,
                method.rates,
                ends,
                steps[seed],
            )
            steps[seed] += 1
