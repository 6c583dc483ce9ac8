"""The inner loops of one seed, compiled by Numba: no allocation, no call out of machine code, from step to step.

The formulas are those of :mod:`core.training.gradient` for one input and one output, on one seed's flat vector: A,
then b, then c (a diagonal A as its diagonal, a tied c not at all). Products take four rows of a matrix at a time, so
that each number that is loaded is used in several sums. Sums may be reordered and fused, but NaN and infinity are
never missed. All of it is one file, since Numba's cache on disk looks at no other file than the function's own.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from core.training.stepper import DIVERGED, NEVER, RUNNING, STOPPED

GRADIENT_DESCENT, MOMENTUM, ADAPTIVE, ADAM = 0, 1, 2, 3
"""Optimizers, as the loops tell them apart."""

CONSTANT, COSINE, EXPONENTIAL, WARMUP = 0, 1, 2, 3
"""Schedules, likewise."""


class Problem(NamedTuple):
    """What is minimised. Arrays of numbers are of the dtype of the parameters.

    Attributes:
        M: The loss matrix, k x k.
        target: The teacher's response, (k,).
        d: The student's dimension.
        diagonal: Its structure, as is ``symmetric``.
        tied: Whether c is b.
        trained: Of A, b and c, each.
    """

    M: np.ndarray
    target: np.ndarray
    d: int
    diagonal: bool
    symmetric: bool
    tied: bool
    trained: np.ndarray


class Method(NamedTuple):
    """How it is minimised.

    Attributes:
        rule: The optimizer.
        numbers: Its numbers: (momentum,), (beta, soft) or (beta1, beta2, eps), in float64.
        lr: The step size.
        schedule: What multiplies it from step to step.
        shape: The schedule's numbers: (floor, steps), (decay, every) or (steps,).
        rates: What multiplies it for each number; empty where nothing does.
        ends: Where each parameter ends.
    """

    rule: int
    numbers: np.ndarray
    lr: float
    schedule: int
    shape: np.ndarray
    rates: np.ndarray
    ends: np.ndarray


class Ending(NamedTuple):
    """When a seed ends: ``more_steps`` after its loss was ``below``, or once it isn't at most ``above``."""

    below: float
    more_steps: int
    above: float


_compiled: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})


@_compiled
def _weighted_rows(weights, rows, count, out):
    """Out = Σ_{r < count} weights[r] rows[r]."""
    out[:] = 0
    width, whole = len(out), count - count % 4
    for r in range(0, whole, 4):
        w0, w1, w2, w3 = weights[r], weights[r + 1], weights[r + 2], weights[r + 3]
        row0, row1, row2, row3 = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        for i in range(width):
            out[i] += (w0 * row0[i] + w1 * row1[i]) + (w2 * row2[i] + w3 * row3[i])
    for r in range(whole, count):
        w0, row0 = weights[r], rows[r]
        for i in range(width):
            out[i] += w0 * row0[i]


@_compiled
def _two_weighted_rows(weights, others, rows, out, other_out):
    """Both Σ_r weights[r] rows[r] and Σ_r others[r] rows[r], in one pass over the rows."""
    out[:] = 0
    other_out[:] = 0
    width, count = len(out), len(rows)
    whole = count - count % 4
    for r in range(0, whole, 4):
        w0, w1, w2, w3 = weights[r], weights[r + 1], weights[r + 2], weights[r + 3]
        z0, z1, z2, z3 = others[r], others[r + 1], others[r + 2], others[r + 3]
        row0, row1, row2, row3 = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        for i in range(width):
            out[i] += (w0 * row0[i] + w1 * row1[i]) + (w2 * row2[i] + w3 * row3[i])
            other_out[i] += (z0 * row0[i] + z1 * row1[i]) + (z2 * row2[i] + z3 * row3[i])
    for r in range(whole, count):
        w0, z0, row0 = weights[r], others[r], rows[r]
        for i in range(width):
            out[i] += w0 * row0[i]
            other_out[i] += z0 * row0[i]


@_compiled
def _dot(x, y):
    total = x[0] * y[0]
    for i in range(1, len(x)):
        total += x[i] * y[i]
    return total


@_compiled
def _weigh(M, error, v):
    """The loss eᵀ M e, and v = 2 M e."""
    loss = error[0] * 0
    for j in range(len(error)):
        weighed = _dot(M[j], error)
        loss += error[j] * weighed
        v[j] = 2 * weighed
    return loss


@_compiled
def _powers(A, G, H, symmetric, tied):
    """G_r = G_0 A^r and H_s = A^s H_0 from the first rows, for as many rows as there are."""
    for j in range(1, len(G)):
        if symmetric and tied:
            _weighted_rows(H[j - 1], A, len(A), H[j])
            G[j] = H[j]
        elif symmetric:
            _two_weighted_rows(G[j - 1], H[j - 1], A, G[j], H[j])
        else:
            _weighted_rows(G[j - 1], A, len(A), G[j])
            for i in range(len(A)):
                H[j, i] = _dot(A[i], H[j - 1])


@_compiled
def _gradient_of_A(dA, G, H, v, T, symmetric):
    """DA = Σ_r G_r ⊗ T_r with T_r = Σ_{s < k - 1 - r} v_{r+s+1} H_s."""
    reach = len(v) - 1
    for r in range(reach):
        _weighted_rows(v[r + 1 :], H, reach - r, T[r])
    for i in range(len(dA)):
        _weighted_rows(G[:reach, i], T, reach, dA[i])
    if symmetric:
        for i in range(len(dA)):
            for j in range(i):
                mean = (dA[i, j] + dA[j, i]) / 2
                dA[i, j] = mean
                dA[j, i] = mean


@_compiled
def _dense_gradient(theta, gradient, M, target, work, pair, symmetric, tied, trained):
    """For a symmetric or general A. ``work`` holds the rows G_r = c A^r, the columns H_s = A^s b, sums of those."""
    k, d = len(target), work.shape[2]
    b, db = theta[d * d : d * d + d], gradient[d * d : d * d + d]
    c, dc = (b, db) if tied else (theta[d * d + d :], gradient[d * d + d :])
    A, dA = theta[: d * d].reshape(d, d), gradient[: d * d].reshape(d, d)
    G, H, T = work[0], work[1], work[2]
    G[0] = c
    H[0] = b
    _powers(A, G, H, symmetric, tied)
    error, v = pair[0], pair[1]
    for j in range(k):
        error[j] = _dot(c, H[j]) - target[j]
    loss = _weigh(M, error, v)
    if trained[0]:
        _gradient_of_A(dA, G, H, v, T, symmetric)
    if trained[1]:
        _weighted_rows(v, G, k, db)
    if trained[2]:
        _weighted_rows(v, H, k, T[0])
        _add_or_set(dc, T[0], tied)
    return loss


@_compiled
def _diagonal_gradient(theta, gradient, M, target, work, pair, tied, trained):
    """For A = diag(a), h_j = Σ_i c_i a_i^j b_i; ``work`` holds the powers of a."""
    k, d = len(target), work.shape[2]
    a, b, da, db = theta[:d], theta[d : 2 * d], gradient[:d], gradient[d : 2 * d]
    c, dc = (b, db) if tied else (theta[2 * d :], gradient[2 * d :])
    powers, weight, sums = work[0], work[1, 0], work[2, 0]
    powers[0] = 1
    for i in range(d):
        weight[i] = b[i] * c[i]
    for j in range(1, k):
        for i in range(d):
            powers[j, i] = powers[j - 1, i] * a[i]
    error, v = pair[0], pair[1]
    for j in range(k):
        error[j] = _dot(weight, powers[j]) - target[j]
    loss = _weigh(M, error, v)
    if trained[0]:
        for j in range(k):
            error[j] = j * v[j]
        _weighted_rows(error[1:], powers, k - 1, sums)
        for i in range(d):
            da[i] = weight[i] * sums[i]
    _weighted_rows(v, powers, k, sums)
    if trained[1]:
        for i in range(d):
            db[i] = sums[i] * c[i]
    if trained[2]:
        for i in range(d):
            sums[i] *= b[i]
        _add_or_set(dc, sums, tied)
    return loss


@_compiled
def _add_or_set(into, values, add):
    """A tied student's b and c are one, and so is their gradient."""
    for i in range(len(into)):
        into[i] = into[i] + values[i] if add else values[i]


@_compiled
def loss_and_gradient(theta, gradient, work, pair, problem):
    """The loss at ``theta``, and its gradient into ``gradient`` where a parameter is trained.

    ``work`` (3, k, d) and ``pair`` (2, k) are room to work in.
    """
    M, target, _, diagonal, symmetric, tied, trained = problem
    if diagonal:
        return _diagonal_gradient(theta, gradient, M, target, work, pair, tied, trained)
    return _dense_gradient(theta, gradient, M, target, work, pair, symmetric, tied, trained)


@_compiled
def _factor(schedule, shape, done):
    """What :func:`core.training.schedule.factor` is."""
    if schedule == COSINE:
        return shape[0] + (1 - shape[0]) * (1 + np.cos(np.pi * done / shape[1])) / 2
    if schedule == EXPONENTIAL:
        return shape[0] ** (done / shape[1])
    if schedule == WARMUP:
        return min(1.0, (done + 1) / shape[0])
    return 1.0


@_compiled
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


@_compiled
def _go(theta, direction, lr, rates):
    """θ ← θ - lr rate direction."""
    lr = theta.dtype.type(lr)
    if len(rates):
        for i in range(len(theta)):
            theta[i] -= lr * rates[i] * direction[i]
    else:
        for i in range(len(theta)):
            theta[i] -= lr * direction[i]


@_compiled
def _move(theta, gradient, memory, rule, numbers, lr, rates, ends, done):
    """One step of the optimizer."""
    if rule == MOMENTUM:
        keep = theta.dtype.type(numbers[0])
        for i in range(len(theta)):
            memory[i] = keep * memory[i] + gradient[i]
        _go(theta, memory, lr, rates)
        return
    if rule == ADAPTIVE:
        norms, start = gradient[0] * 0, 0
        for end in ends:
            norms += np.sqrt(_dot(gradient[start:end], gradient[start:end]))
            start = end
        memory[0] = numbers[0] * memory[0] + (1 - numbers[0]) * norms
        lr /= np.sqrt(memory[0] / (1 - numbers[0] ** (done + 1))) + numbers[1]
    if rule == ADAM:
        _adam(gradient, memory, numbers, done)
    _go(theta, gradient, lr, rates)


@_compiled
def train(theta, memory, problem, method, ending, until, done, steps):
    """Up to ``steps`` steps of one seed in place, each after a look at its loss; with 0 steps, only the look.

    Returns:
        The steps done, the status, and the step at which the seed is to stop.
    """
    M, target, d, diagonal, symmetric, tied, trained = problem  # here, since to count who holds an array takes time
    rule, numbers, lr, schedule, shape, rates, ends = method
    below, more_steps, above = ending
    gradient = np.zeros_like(theta)
    work, pair = np.empty((3, len(target), d), theta.dtype), np.empty((2, len(target)), theta.dtype)
    for step in range(done, done + max(steps, 1)):
        if diagonal:
            loss = _diagonal_gradient(theta, gradient, M, target, work, pair, tied, trained)
        else:
            loss = _dense_gradient(theta, gradient, M, target, work, pair, symmetric, tied, trained)
        if not loss <= above:
            return step, DIVERGED, until
        if until == NEVER and loss < below:
            until = step + more_steps
        if step >= until:
            return step, STOPPED, until
        if steps:
            lr_now = lr * _factor(schedule, shape, step)
            _move(theta, gradient, memory, rule, numbers, lr_now, rates, ends, step)
    return done + steps, RUNNING, until
