"""The inner loops of a seed, compiled by Numba: no allocation, no call out of machine code, from step to step.

The formulas are those of :mod:`core.training.closed_form.gradient` for one input and one output, on
one seed's flat vector: A, then b, then c (a diagonal A as its diagonal, a tied c not at all). Rows
are padded with zeros to whole vectors, and every sum of products goes through the tiles of
:mod:`core.training.loops.tiles`. NaN and infinity are never missed.
"""

from typing import NamedTuple

import numpy as np

from core.training.loops.lanes import BYTES, aligned
from core.training.loops.optimizer_steps import inlined, judged, kept, move, part
from core.training.loops.tiles import (
    add_product,
    address,
    flushing,
    inner,
    past,
    product,
    symmetrise,
    times,
    transpose,
)
from core.training.stepper import RUNNING

PARTS = "b6fe84aa8bce60fe"
"""A hash of lanes.py, tiles.py and optimizer_steps.py: Numba's cache looks at this file alone, so a change
there must show."""

FEW = 10
"""Steps of a sequence up to which GᵀT + TᵀG is sooner summed than transposed.

Its tiles sum alike, to the bit.
"""


class Sizes(NamedTuple):
    """How numbers are laid out in whole vectors, all in numbers.

    Attributes:
        lanes: Of a vector.
        width: d in whole vectors.
        lags: k in whole vectors, with at least four zeros after it.
        rows: Rows of so much width that A takes.
        all: What the parameters take together.
    """

    lanes: int
    width: int
    lags: int
    rows: int
    all: int


class Problem(NamedTuple):
    """What is minimised. Arrays of numbers are of the dtype of the parameters.

    Attributes:
        M: The loss matrix, k x k.
        target: The teacher's response, (k,).
        d: The student's dimension.
        sizes: How its parameters are laid out.
        diagonal: Its structure, as is ``symmetric``.
        tied: Whether c is b.
        trained: Of A, b and c, each.
    """

    M: np.ndarray
    target: np.ndarray
    d: int
    sizes: Sizes
    diagonal: bool
    symmetric: bool
    tied: bool
    trained: np.ndarray


def sizes_of(d: int, k: int, kind: type[np.floating], *, diagonal: bool, tied: bool) -> Sizes:
    """The sizes of a student."""
    lanes = BYTES // np.dtype(kind).itemsize
    width = -(-d // lanes) * lanes
    rows = 1 if diagonal else width
    return Sizes(
        lanes, width, -(-(k + 4) // lanes) * lanes, rows, (rows + (1 if tied else 2)) * width
    )


def room_for(problem: Problem, memory: int = 0) -> np.ndarray:
    """Room to train a seed in, beginning where a vector may: for it, its gradient, rates, memory, and work.

    Args:
        problem: What is minimised.
        memory: How many numbers the optimizer remembers for each parameter.
    """
    kind, k, (_, width, lags, _, size) = problem.target.dtype, len(problem.target), problem.sizes
    numbers = (3 + memory) * size + width * width + 3 * (k + 1) * width + (3 + k) * lags
    return aligned((numbers,), kind)


@part
def _lay(flat, padded, problem, lay):
    """Flat parameters, or numbers that lie as they do, to rows of whole vectors; back where ``lay`` is not."""
    d, width, room = problem.d, problem.sizes.width, problem.sizes.rows
    rows = 1 if problem.diagonal else d
    for r in range(len(flat) // d):
        at = (r if r < rows else r - rows + room) * width
        for i in range(d):
            if lay:
                padded[at + i] = flat[r * d + i]
            else:
                flat[r * d + i] = padded[at + i]


@part
def _weigh(error, v, M, k, lags, lanes):
    """The loss eᵀ M e, and v = 2 M e, with zeros after it."""
    product(error, 0, 1, M, lags, k, v, 0, 1, lags)
    loss = inner(error, v, lags // lanes)
    for j in range(k):
        v[j] *= 2
    return loss


@part
def _symmetrised(dA, width, lanes, lower):
    """(dA + dAᵀ)/2; where ``lower``, dA is symmetric but for rounding, and its upper blocks are not known yet."""
    for i in range(0, width, lanes):
        for j in range(0, i, lanes):
            one, other = past(dA, i * width + j), past(dA, j * width + i)
            if lower:
                transpose(one, other, width, width)
            else:
                symmetrise(one, other, width)
        symmetrise(past(dA, i * width + i), past(dA, i * width + i), width)


@part
def _gradient_of_A(dA, G, H, step, T, v, w, d, k, width, lanes, symmetric, tied):
    """DA = Σ_r G_r ⊗ T_r with T_r = Σ_{s < k - 1 - r} v_{r+s+1} H_s, or its symmetric part; ``w`` is room, like v."""
    reach = k - 1
    summed = symmetric and not tied and k <= FEW
    for j in range(k):
        w[j] = v[j] / 2 if summed else v[j]
    for r in range(0, reach, 4):  # w ends in zeros, so that four rows may be as long as the first
        product(past(w, r + 1), 1, 1, H, step, reach - r, past(T, r * width), width, 4, width)
    if symmetric and tied:  # dA is symmetric but for rounding: the lower blocks are enough
        for row in range(0, width, lanes):
            product(
                past(H, row),
                1,
                step,
                T,
                width,
                reach,
                past(dA, row * width),
                width,
                lanes,
                row + lanes,
            )
    else:
        product(G, 1, step, T, width, reach, dA, width, (d + 3) // 4 * 4, width)
    if summed:
        add_product(T, 1, width, G, step, reach, dA, width, (d + 3) // 4 * 4, width)
    elif symmetric:
        _symmetrised(dA, width, lanes, tied)


@part
def _dense_gradient(theta, gradient, work, d, k, lanes, width, lags, symmetric, tied, trained):
    """For a symmetric or general A.

    ``work`` has M, target, error and v, Aᵀ, rows G_r = c A^r, H_s = A^s b, T_r.
    """
    A, dA, vectors = theta, gradient, width // lanes
    b, db = past(A, width * width), past(dA, width * width)
    c, dc = (b, db) if tied else (past(b, width), past(db, width))
    M, target = work, past(work, k * lags)
    error, v = past(target, lags), past(target, 2 * lags)
    turned = past(v, lags)
    one_sequence = symmetric and tied
    step = width if one_sequence else 2 * width
    H = past(turned, width * width)
    G = H if one_sequence else past(H, width)
    T = past(H, 2 * k * width)
    if not symmetric:
        for i in range(0, width, lanes):
            for j in range(0, width, lanes):
                transpose(past(A, i * width + j), past(turned, j * width + i), width, width)
    for i in range(width):
        H[i] = b[i]
        G[i] = c[i]
    for j in range(1, k):
        now, then = past(H, j * step), past(H, (j - 1) * step)
        if symmetric:  # both sequences, which lie side by side, in one pass over A
            product(then, width, 1, A, width, d, now, width, 1 if tied else 2, width)
        else:
            product(then, width, 1, turned, width, d, now, width, 1, width)
            product(past(then, width), width, 1, A, width, d, past(now, width), width, 1, width)
    for j in range(k):
        error[j] = inner(c, past(H, j * step), vectors) - target[j]
    loss = _weigh(error, v, M, k, lags, lanes)
    if trained[0]:
        _gradient_of_A(
            dA, G, H, step, T, v, error, d, k, width, lanes, symmetric, tied
        )  # the error is needed no more
    if trained[1]:
        product(v, 0, 1, G, step, k, db, 0, 1, width)
    if trained[2]:
        product(v, 0, 1, H, step, k, T, 0, 1, width)
        _add_or_set(dc, T, width, tied)
    return loss


@part
def _diagonal_gradient(theta, gradient, work, k, lanes, width, lags, tied, trained):
    """For A = diag(a), h_j = Σ_i c_i a_i^j b_i; ``work`` has M, target, error and v, sums, the powers of a."""
    a, da, vectors = theta, gradient, width // lanes
    b, db = past(a, width), past(da, width)
    c, dc = (b, db) if tied else (past(b, width), past(db, width))
    M, target = work, past(work, k * lags)
    error, v = past(target, lags), past(target, 2 * lags)
    weight, sums, powers = past(v, lags), past(v, lags + width), past(v, lags + 2 * width)
    times(b, c, weight, vectors)
    for i in range(width):
        powers[i] = 1
    for j in range(1, k):
        times(past(powers, (j - 1) * width), a, past(powers, j * width), vectors)
    for j in range(k):
        error[j] = inner(weight, past(powers, j * width), vectors) - target[j]
    loss = _weigh(error, v, M, k, lags, lanes)
    if trained[0]:
        for j in range(k):
            error[j] = j * v[j]
        product(past(error, 1), 0, 1, powers, width, k - 1, sums, 0, 1, width)
        times(weight, sums, da, vectors)
    product(v, 0, 1, powers, width, k, sums, 0, 1, width)
    if trained[1]:
        times(sums, c, db, vectors)
    if trained[2]:
        times(sums, b, sums, vectors)
        _add_or_set(dc, sums, width, tied)
    return loss


@part
def _add_or_set(into, values, count, add):
    """A tied student's b and c are one, and so is their gradient."""
    for i in range(count):
        into[i] = into[i] + values[i] if add else values[i]


@inlined
def _begin(room, theta, problem):
    """Lays parameters and problem into an emptied room; returns padded parameters, gradient, and room to work in."""
    room[:] = 0
    lags, size = problem.sizes.lags, problem.sizes.all
    padded, gradient, work = room[:size], room[size : 2 * size], room[2 * size :]
    _lay(theta, padded, problem, True)
    k = len(problem.target)
    for j in range(k):
        work[k * lags + j] = problem.target[j]
        for i in range(k):
            work[i * lags + j] = problem.M[j, i]
    return padded, gradient, work


@kept
def loss_and_gradient(theta, gradient, room, problem):
    """The loss at ``theta``, and its gradient into ``gradient``, zero where a parameter is not trained."""
    padded, slope, work = _begin(room, theta, problem)
    loss = _gradient(address(padded), address(slope), address(work), problem)
    _lay(gradient, slope, problem, False)
    return loss


@inlined
def _gradient(theta, gradient, work, problem):
    _, target, d, (lanes, width, lags, _, _), diagonal, symmetric, tied, trained = problem
    if diagonal:
        return _diagonal_gradient(
            theta, gradient, work, len(target), lanes, width, lags, tied, trained
        )
    return _dense_gradient(
        theta, gradient, work, d, len(target), lanes, width, lags, symmetric, tied, trained
    )


@inlined
def _ends(problem):
    """Where A, b and c end; a tied student's c is b."""
    _, width, _, rows, size = problem.sizes
    return rows * width, (rows + 1) * width, size


@inlined
def _train(theta, memory, room, problem, method, ending, until, done, steps):
    """Up to ``steps`` steps of one seed in place, each after a look at its loss; with 0 steps, only the look.

    Returns:
        The steps done, the status, and the step at which the seed is to stop.
    """
    rates, size = method.rates, problem.sizes.all
    ends = _ends(problem)
    many, n = len(memory) // len(theta), len(theta)
    padded, gradient, rest = _begin(room, theta, problem)
    remembered, work = rest[len(rest) - (many + 1) * size :] if many else memory, rest
    own_rates = rest[len(rest) - size :] if len(rates) else rates
    for i in range(many):
        _lay(memory[i * n : (i + 1) * n], remembered[i * size : (i + 1) * size], problem, True)
    if len(rates):
        _lay(rates, own_rates, problem, True)
    status, end = RUNNING, done + steps
    for step in range(done, done + max(steps, 1)):
        loss = _gradient(address(padded), address(gradient), address(work), problem)
        status, until = judged(loss, step, until, ending)
        if status != RUNNING:
            end = step
            break
        if steps:
            move(padded, gradient, remembered, method, own_rates, ends, step)
    _lay(theta, padded, problem, False)
    for i in range(many):
        _lay(memory[i * n : (i + 1) * n], remembered[i * size : (i + 1) * size], problem, False)
    return end, status, until


@kept
def train(seeds, parameters, memory, steps, status, until, room, problem, method, ending, count):
    """Up to ``count`` steps of each of the ``seeds``, one after the other, in place.

    ``parameters`` (S, n), ``memory`` (S, w), ``steps``, ``status`` and ``until`` (S,) are those of
    a batch.
    """
    mode = flushing(np.int32(-1))
    for seed in seeds:
        steps[seed], status[seed], until[seed] = _train(
            parameters[seed],
            memory[seed],
            room,
            problem,
            method,
            ending,
            until[seed],
            steps[seed],
            count,
        )
    flushing(mode)
