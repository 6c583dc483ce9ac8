"""The training loop of linear students, compiled: no allocation and no Python between steps.

A seed's flat vector holds A, then b, then c (a diagonal A as its diagonal, a tied c not stored).
The loop works on padded rows, filled with zeros to whole vectors.
"""

from typing import NamedTuple

import numpy as np

from core.training.loops.lanes import BYTES, aligned
from core.training.loops.linear_gradient import (
    dense_gradient,
    diagonal_gradient,
    long_gradient,
)
from core.training.loops.optimizer_steps import cached, inlined, internal, status_at, take_step
from core.training.loops.tiles import address, flush_subnormals
from core.training.stepper import RUNNING

SOURCE_DIGEST = "db9f7ea7dd6a4180"
"""A digest of lanes.py, tiles.py, optimizer_steps.py and linear_gradient.py.

Numba's cache only checks this file, so a change of those files must change this one.
"""


class Sizes(NamedTuple):
    """The sizes of the padded arrays, in numbers.

    Attributes:
        lanes: Of a vector.
        width: d, rounded up to whole vectors.
        lags: k, with at least four zeros after it, rounded up to whole vectors.
        rows: The number of rows of A, each ``width`` long.
        all: Of all parameters together.
    """

    lanes: int
    width: int
    lags: int
    rows: int
    all: int


class Problem(NamedTuple):
    """The loss to minimise. Arrays of numbers have the dtype of the parameters.

    Attributes:
        M: The loss matrix, k x k; if it is diagonal, one row, 1 x k.
        target: The teacher's response, (k,).
        d: The student's dimension.
        sizes: The sizes of the padded arrays.
        diagonal: Whether A is diagonal.
        symmetric: Whether A is symmetric.
        tied: Whether c is b.
        long: Whether adjoint states sum the gradient of A.
        trained: Whether A, b and c are trained, each.
    """

    M: np.ndarray
    target: np.ndarray
    d: int
    sizes: Sizes
    diagonal: bool
    symmetric: bool
    tied: bool
    long: bool
    trained: np.ndarray


def sizes_of(d: int, k: int, float_type: type[np.floating], *, diagonal: bool, tied: bool) -> Sizes:
    """The sizes for a student of dimension ``d`` and training length ``k``."""
    lanes = BYTES // np.dtype(float_type).itemsize
    width = -(-d // lanes) * lanes
    rows = 1 if diagonal else width
    return Sizes(
        lanes, width, -(-(k + 4) // lanes) * lanes, rows, (rows + (1 if tied else 2)) * width
    )


def workspace_for(problem: Problem, memory: int = 0) -> np.ndarray:
    """An aligned workspace for one seed: its parameters, gradient, rates, memory and intermediates.

    Args:
        problem: The loss to minimise.
        memory: The numbers that the optimizer remembers for each parameter.
    """
    dtype, k, (_, width, lags, _, size) = problem.target.dtype, len(problem.target), problem.sizes
    numbers = (3 + memory) * size + width * width + 3 * (k + 1) * width
    numbers += (3 + len(problem.M)) * lags
    return aligned((numbers,), dtype)


@internal
def _copy_rows(flat, padded, problem, pad):
    """Copies flat numbers to padded rows if ``pad``, else padded rows to flat numbers."""
    d, width, padded_rows = problem.d, problem.sizes.width, problem.sizes.rows
    rows = 1 if problem.diagonal else d
    for r in range(len(flat) // d):
        start = (r if r < rows else r - rows + padded_rows) * width
        for i in range(d):
            if pad:
                padded[start + i] = flat[r * d + i]
            else:
                flat[r * d + i] = padded[start + i]


@inlined
def _load(workspace, theta, problem):
    """Clears the workspace and copies parameters and problem into it.

    Returns:
        The padded parameters, their gradient, and the rest of the workspace.
    """
    workspace[:] = 0
    lags, size = problem.sizes.lags, problem.sizes.all
    padded, gradient, work = workspace[:size], workspace[size : 2 * size], workspace[2 * size :]
    _copy_rows(theta, padded, problem, True)
    rows = len(problem.M)
    for j in range(len(problem.target)):
        work[rows * lags + j] = problem.target[j]
        for i in range(rows):
            work[i * lags + j] = problem.M[i, j]
    return padded, gradient, work


@cached
def loss_and_gradient(theta, gradient, workspace, problem):
    """The loss at ``theta``; writes its gradient, zero for parameters that are not trained."""
    padded, padded_gradient, work = _load(workspace, theta, problem)
    loss = _gradient(address(padded), address(padded_gradient), address(work), problem)
    _copy_rows(gradient, padded_gradient, problem, False)
    return loss


@inlined
def _gradient(theta, gradient, work, problem):
    M, target, d, (lanes, width, lags, _, _), diagonal, symmetric, tied, is_long, trained = problem
    k, rows = len(target), len(M)
    if diagonal:
        return diagonal_gradient(theta, gradient, work, rows, k, lanes, width, lags, tied, trained)
    if is_long:
        return long_gradient(
            theta, gradient, work, rows, d, k, lanes, width, lags, symmetric, tied, trained
        )
    return dense_gradient(
        theta, gradient, work, rows, d, k, lanes, width, lags, symmetric, tied, trained
    )


@inlined
def _ends(problem):
    """Where A, b and c end; a tied student's c is b."""
    _, width, _, rows, size = problem.sizes
    return rows * width, (rows + 1) * width, size


@inlined
def _train(theta, memory, workspace, problem, optimizer, stop_rule, until, done, steps):
    """Takes up to ``steps`` steps of one seed in place, checking its loss before each.

    With 0 steps, it only checks the loss.

    Returns:
        The steps done, the status, and the stop step.
    """
    rates, size = optimizer.rates, problem.sizes.all
    ends = _ends(problem)
    blocks, n = len(memory) // len(theta), len(theta)
    padded, gradient, work = _load(workspace, theta, problem)
    padded_memory = work[len(work) - (blocks + 1) * size :] if blocks else memory
    padded_rates = work[len(work) - size :] if len(rates) else rates
    for i in range(blocks):
        block = padded_memory[i * size : (i + 1) * size]
        _copy_rows(memory[i * n : (i + 1) * n], block, problem, True)
    if len(rates):
        _copy_rows(rates, padded_rates, problem, True)
    status, end = RUNNING, done + steps
    for step in range(done, done + max(steps, 1)):
        loss = _gradient(address(padded), address(gradient), address(work), problem)
        status, until = status_at(loss, step, until, stop_rule)
        if status != RUNNING:
            end = step
            break
        if steps:
            take_step(padded, gradient, padded_memory, optimizer, padded_rates, ends, step)
    _copy_rows(theta, padded, problem, False)
    for i in range(blocks):
        block = padded_memory[i * size : (i + 1) * size]
        _copy_rows(memory[i * n : (i + 1) * n], block, problem, False)
    return end, status, until


@cached
def train(
    seeds,
    parameters,
    memory,
    steps,
    status,
    until,
    workspace,
    problem,
    optimizer,
    stop_rule,
    count,
):
    """Takes up to ``count`` steps of each of the ``seeds``, one after the other, in place.

    ``parameters`` (S, n), ``memory`` (S, w), ``steps``, ``status`` and ``until`` (S,) are those of
    a batch.
    """
    mode = flush_subnormals(np.int32(-1))
    for seed in seeds:
        steps[seed], status[seed], until[seed] = _train(
            parameters[seed],
            memory[seed],
            workspace,
            problem,
            optimizer,
            stop_rule,
            until[seed],
            steps[seed],
            count,
        )
    flush_subnormals(mode)
