"""The optimizers' steps, compiled into the loops; see :mod:`core.training.optimizers`.

Also the options of all compilation: NaN and infinity keep their meaning, while sums may be
reordered.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from core.training.stepper import DIVERGED, NEVER, RUNNING, STOPPED

GRADIENT_DESCENT, MOMENTUM, ADAPTIVE, ADAM = 0, 1, 2, 3
"""The codes of the optimizers."""

CONSTANT, COSINE, EXPONENTIAL, WARMUP = 0, 1, 2, 3
"""The codes of the schedules."""


class OptimizerEncoding(NamedTuple):
    """An optimizer as numbers.

    Attributes:
        rule: The code of the optimizer.
        coefficients: (momentum,), (beta, soft) or (beta1, beta2, eps), in float64.
        lr: The step size.
        schedule: The code of the schedule, which multiplies lr.
        shape: The schedule's numbers: (floor, steps), (decay, every) or (steps,).
        rates: A factor on lr for each parameter's numbers; empty if all are 1.
    """

    rule: int
    coefficients: np.ndarray
    lr: float
    schedule: int
    shape: np.ndarray
    rates: np.ndarray


class StopRule(NamedTuple):
    """When a seed ends.

    Attributes:
        below: A loss below this meets the stop rule.
        more_steps: The steps after that.
        above: A loss that is not at most this has diverged.
    """

    below: float
    more_steps: int
    above: float


jit: Any = njit
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz", "reassoc"}}
internal = jit(**OPTIONS, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles a function into its callers, which are compiled too.

Without forced inlining, the process that compiles would call the function's own code, and a process
that reads the cache the copy in its caller's, which is optimised once more and can round
differently.
"""
inlined = jit(inline="always", **OPTIONS)
"""Compiles a function together with its caller.

A function compiled separately is optimised again wherever it is called.
"""


def cached(function: Any) -> Any:
    """Compiles a function that Python calls, and caches it on disk.

    Without a writable cache folder, each process compiles it.
    """
    try:
        return jit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # neither this folder nor the user's cache is writable
        return jit(**OPTIONS)(function)


@internal
def schedule_factor(schedule, shape, done):
    """See :func:`core.training.schedule.schedule_factor`."""
    if schedule == COSINE:
        return shape[0] + (1 - shape[0]) * (1 + np.cos(np.pi * done / shape[1])) / 2
    if schedule == EXPONENTIAL:
        return shape[0] ** (done / shape[1])
    if schedule == WARMUP:
        return min(1.0, (done + 1) / shape[0])
    return 1.0


@internal
def _adam(gradient, memory, coefficients, done):
    """Replaces the gradient by the direction of Adam, and updates the memory."""
    number, n = gradient.dtype.type, len(gradient)
    beta1, beta2, eps = number(coefficients[0]), number(coefficients[1]), number(coefficients[2])
    rest1, rest2 = number(1 - coefficients[0]), number(1 - coefficients[1])
    m_correction = number(1 / (1 - coefficients[0] ** (done + 1)))
    v_correction = number(1 / (1 - coefficients[1] ** (done + 1)))
    m, v = memory[:n], memory[n:]
    for i in range(n):
        m[i] = beta1 * m[i] + rest1 * gradient[i]
        v[i] = beta2 * v[i] + rest2 * gradient[i] * gradient[i]
        gradient[i] = m[i] * m_correction / (np.sqrt(v[i] * v_correction) + eps)


@internal
def _subtract(theta, direction, lr, rates):
    """θ ← θ - lr rate direction."""
    lr = theta.dtype.type(lr)
    if len(rates):
        for i in range(len(theta)):
            theta[i] -= lr * rates[i] * direction[i]
    else:
        for i in range(len(theta)):
            theta[i] -= lr * direction[i]


@internal
def _sum_of_norms(gradient, ends):
    """The sum of the parameters' Euclidean norms."""
    total, start = gradient[0] * 0, 0
    for end in ends:
        square = total * 0
        for i in range(start, end):
            square += gradient[i] * gradient[i]
        total, start = total + np.sqrt(square), end
    return total


@internal
def take_step(theta, gradient, memory, optimizer, rates, ends, done):
    """Takes one step of the optimizer in place; it overwrites the gradient.

    ``rates`` are the optimizer's, in the layout of ``theta``, whose parameters end at ``ends``.
    """
    rule, coefficients, lr, schedule, shape, _ = optimizer
    lr *= schedule_factor(schedule, shape, done)
    if rule == MOMENTUM:
        momentum = theta.dtype.type(coefficients[0])
        for i in range(len(theta)):
            memory[i] = momentum * memory[i] + gradient[i]
        _subtract(theta, memory, lr, rates)
        return
    if rule == ADAPTIVE:
        beta, soft = coefficients[0], coefficients[1]
        memory[0] = beta * memory[0] + (1 - beta) * _sum_of_norms(gradient, ends)
        lr /= np.sqrt(memory[0] / (1 - beta ** (done + 1))) + soft
    if rule == ADAM:
        _adam(gradient, memory, coefficients, done)
    _subtract(theta, gradient, lr, rates)


@internal
def status_at(loss, done, until, stop_rule):
    """The status of a running seed with this loss, and its stop step."""
    below, more_steps, above = stop_rule
    if until == NEVER and loss < below:
        until = done + more_steps
    if not loss <= above:
        return DIVERGED, until
    return STOPPED if done >= until else RUNNING, until


@cached
def step_batch(
    seeds,
    parameters,
    memory,
    steps,
    status,
    until,
    losses,
    gradients,
    optimizer,
    stop_rule,
    ends,
    moving,
):
    """Checks the loss (R,) of each of the R ``seeds`` and, if ``moving``, takes a step.

    ``gradients`` are (R, n); the arrays of the batch, (S, ..), are changed in place.
    """
    for i, seed in enumerate(seeds):
        status[seed], until[seed] = status_at(losses[i], steps[seed], until[seed], stop_rule)
        if moving and status[seed] == RUNNING:
            take_step(
                parameters[seed],
                gradients[i],
                memory[seed],
                optimizer,
                optimizer.rates,
                ends,
                steps[seed],
            )
            steps[seed] += 1
