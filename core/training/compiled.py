"""The inner loops of one seed, compiled by Numba: no allocation, no call out of machine code, from step to step.

The formulas are those of :mod:`core.training.gradient` for one input and one output, on one seed's flat vector: A,
then b, then c (a diagonal A as its diagonal, a tied c not at all). Products take four rows of a matrix at a time, so
that each number that is loaded is used in several sums. Sums may be reordered and fused, but NaN and infinity are
never missed.
"""

from typing import Any

import numpy as np
from numba import njit

from core.training.stepper import DIVERGED, RUNNING, STOPPED

GRADIENT_DESCENT, MOMENTUM, ADAPTIVE = 0, 1, 2
"""Optimizers, as the loops tell them apart."""

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
def dense_gradient(theta, gradient, M, target, work, symmetric, tied, trained):
    """The loss at ``theta``, and its gradient into ``gradient``, for a symmetric or general A.

    ``work`` is room for 3 k d numbers: the rows G_r = c A^r, the columns H_s = A^s b, and sums of those.
    """
    k, d = len(target), work.shape[2]
    b, db = theta[d * d : d * d + d], gradient[d * d : d * d + d]
    c, dc = (b, db) if tied else (theta[d * d + d :], gradient[d * d + d :])
    A, dA = theta[: d * d].reshape(d, d), gradient[: d * d].reshape(d, d)
    G, H, T = work[0], work[1], work[2]
    G[0] = c
    H[0] = b
    _powers(A, G, H, symmetric, tied)
    error, v = np.empty_like(target), np.empty_like(target)
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
def diagonal_gradient(theta, gradient, M, target, work, tied, trained):
    """The same for A = diag(a), h_j = Σ_i c_i a_i^j b_i; ``work`` holds the powers of a."""
    k, d = len(target), work.shape[2]
    a, b, da, db = theta[:d], theta[d : 2 * d], gradient[:d], gradient[d : 2 * d]
    c, dc = (b, db) if tied else (theta[2 * d :], gradient[2 * d :])
    powers, weight, sums = work[0], work[1, 0], work[2, 0]
    powers[0] = 1
    weight[:] = b * c
    for j in range(1, k):
        for i in range(d):
            powers[j, i] = powers[j - 1, i] * a[i]
    error, v = np.empty_like(target), np.empty_like(target)
    for j in range(k):
        error[j] = _dot(weight, powers[j]) - target[j]
    loss = _weigh(M, error, v)
    if trained[0]:
        for j in range(k):
            error[j] = j * v[j]
        _weighted_rows(error[1:], powers, k - 1, sums)
        da[:] = weight * sums
    _weighted_rows(v, powers, k, sums)
    if trained[1]:
        db[:] = sums * c
    if trained[2]:
        _add_or_set(dc, sums * b, tied)
    return loss


@_compiled
def _add_or_set(into, values, add):
    """A tied student's b and c are one, and so is their gradient."""
    for i in range(len(into)):
        into[i] = into[i] + values[i] if add else values[i]


@_compiled
def _move(theta, gradient, memory, rule, numbers, ends, done):
    """One step of the optimizer. ``numbers`` is (lr, momentum or beta, soft); ``ends`` where each parameter ends."""
    lr = numbers[0]
    if rule == MOMENTUM:
        for i in range(len(theta)):
            memory[i] = numbers[1] * memory[i] + gradient[i]
            theta[i] -= lr * memory[i]
        return
    if rule == ADAPTIVE:
        norms, start = gradient[0] * 0, 0
        for end in ends:
            norms += np.sqrt(_dot(gradient[start:end], gradient[start:end]))
            start = end
        memory[0] = numbers[1] * memory[0] + (1 - numbers[1]) * norms
        lr /= np.sqrt(memory[0] / (1 - numbers[1] ** (done + 1))) + numbers[2]
    for i in range(len(theta)):
        theta[i] -= lr * gradient[i]


@_compiled
def train(theta, memory, M, target, d, diagonal, symmetric, tied, trained, rule, numbers, ends, limits, done, steps):
    """Up to ``steps`` steps of one seed in place, each after a look at its loss; with 0 steps, only the look.

    ``limits`` is (stop below, diverged above). Returns the steps done and the status.
    """
    gradient = np.zeros_like(theta)
    work = np.empty((3, len(target), d), theta.dtype)
    for step in range(max(steps, 1)):
        if diagonal:
            loss = diagonal_gradient(theta, gradient, M, target, work, tied, trained)
        else:
            loss = dense_gradient(theta, gradient, M, target, work, symmetric, tied, trained)
        if not loss <= limits[1]:
            return done + step, DIVERGED
        if loss < limits[0]:
            return done + step, STOPPED
        if steps:
            _move(theta, gradient, memory, rule, numbers, ends, done + step)
    return done + steps, RUNNING
