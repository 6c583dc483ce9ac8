"""Backpropagation through time of a GRU, an LSTM or a tanh RNN, compiled, in blocks of sequences.

A seed's flat vector holds weight_ih, weight_hh, bias_ih, bias_hh, C. A vector holds the same number
of several sequences side by side, so d needs no padding. A block is as many sequences as a tile is
wide; the intermediates of its steps stay in the second-level cache.
"""

from typing import Any, NamedTuple

import numpy as np

from core.networks import CELLS, Recurrent
from core.training.loops.cells import (
    CODES,
    GRU,
    LSTM,
    TANH_RNN,
    gru,
    gru_backward,
    lstm,
    lstm_backward,
    tanh_rnn,
    tanh_rnn_backward,
)
from core.training.loops.lanes import BYTES, aligned
from core.training.loops.optimizer_steps import cached, inlined, internal
from core.training.loops.tiles import (
    MAX_WIDTH,
    add_product,
    address,
    flush_subnormals,
    offset,
    transpose,
)

SOURCE_DIGEST = "7c2f7e0eb2615951"
"""A digest of lanes.py, tiles.py, optimizer_steps.py, formulas.py and cells.py.

See :data:`core.training.loops.linear.SOURCE_DIGEST`.
"""


class Sizes(NamedTuple):
    """The sizes of the network and of its blocks.

    Attributes:
        cell: GRU, LSTM or TANH_RNN.
        gates: The number g of gates; a weight matrix has g blocks of d rows.
        d: Dimension of the state.
        m: Inputs.
        p: Outputs.
        length: The length k of the sequences.
        lanes: Numbers in a vector.
        block: Sequences in a block.
        rows: m + 1 + d, the size of [x_t | 1 | s_t], rounded up to whole vectors.
    """

    cell: int
    gates: int
    d: int
    m: int
    p: int
    length: int
    lanes: int
    block: int
    rows: int


class Workspace(NamedTuple):
    """The arrays to work on a block; each is aligned to a vector.

    Attributes:
        weights: [W_ih | b | W_hh] of all gates, (g d, rows); for a GRU's n [0 | b_hh | W_hh].
        candidate: [W_ih | b_ih] of a GRU's n, (d, rows).
        C: (p, d).
        states: [x_t | 1 | s_t] of each t, (k + 1, rows, block).
        gates: Before and after σ and tanh; on the way back their derivatives, (k, g d, block).
        saved: n of a GRU, tanh(c) of an LSTM, (k, d, block).
        carries: c_t of an LSTM, (k + 1, d, block).
        derivatives: By s_t, by the carry, and by the outputs, (2 d + p, block).
        transposed: A step's states transposed, (block, rows).
        gradients: By ``weights``, ``candidate`` and C, (g d + d + p, rows).
    """

    weights: np.ndarray
    candidate: np.ndarray
    C: np.ndarray
    states: np.ndarray
    gates: np.ndarray
    saved: np.ndarray
    carries: np.ndarray
    derivatives: np.ndarray
    transposed: np.ndarray
    gradients: np.ndarray


def sizes_of(network: Recurrent, length: int, sequences: int, dtype: np.dtype[Any]) -> Sizes:
    """The sizes of a network on this many sequences of this length."""
    d, m, p = network.dim, network.input_size, network.output_size
    lanes = BYTES // dtype.itemsize
    block = lanes * min(MAX_WIDTH[4], -(-sequences // lanes))
    rows = -(-(m + 1 + d) // lanes) * lanes
    gates = CELLS[network.kind].gates
    return Sizes(CODES[network.kind], gates, d, m, p, length, lanes, block, rows)


def workspace_for(sizes: Sizes, dtype: np.dtype[Any]) -> Workspace:
    """A workspace for one thread."""
    g, d, p, k, block, rows = sizes.gates, sizes.d, sizes.p, sizes.length, sizes.block, sizes.rows
    has_saved, has_carry = sizes.cell != TANH_RNN, sizes.cell == LSTM
    shapes = (
        (g * d, rows),
        (d, rows),
        (p, d),
        (k + 1, rows, block),
        (k, g * d, block),
        (k * has_saved, d, block),
        ((k + 1) * has_carry, d, block),
        (2 * d + p, block),
        (block, rows),
        (g * d + d + p, rows),
    )
    return Workspace(*(aligned(shape, dtype) for shape in shapes))


@inlined
def _offsets(sizes):
    """The places of the parameters in a flat vector.

    Returns:
        The offsets of W_hh, b_ih, b_hh and C; the g d rows of W_hh; and the first row of a GRU's n,
        which for other cells is past the last.
    """
    rows = sizes.gates * sizes.d
    W_hh = rows * sizes.m
    b_ih = W_hh + rows * sizes.d
    candidate = rows - sizes.d if sizes.cell == GRU else rows
    return W_hh, b_ih, b_ih + rows, b_ih + 2 * rows, rows, candidate


@internal
def _load_weights(theta, workspace, sizes):
    """Copies a flat vector to the matrices that multiply a step's states."""
    d, m = sizes.d, sizes.m
    W_hh, b_ih, b_hh, C, rows, first = _offsets(sizes)
    for i in range(rows):
        row = workspace.weights[i]
        input_row = row if i < first else workspace.candidate[i - first]
        row[m] = 0
        for j in range(m):
            input_row[j] = theta[i * m + j]
        input_row[m] = theta[b_ih + i]
        row[m] += theta[b_hh + i]
        for j in range(d):
            row[m + 1 + j] = theta[W_hh + i * d + j]
    for i in range(sizes.p):
        for j in range(d):
            workspace.C[i, j] = theta[C + i * d + j]


@internal
def _collect(gradient, gradients, sizes):
    """Copies the derivatives by those matrices to a flat vector."""
    d, m = sizes.d, sizes.m
    W_hh, b_ih, b_hh, C, rows, first = _offsets(sizes)
    for i in range(rows):
        input_row = gradients[i if i < first else i + d]
        for j in range(m):
            gradient[i * m + j] = input_row[j]
        gradient[b_ih + i], gradient[b_hh + i] = input_row[m], gradients[i, m]
        for j in range(d):
            gradient[W_hh + i * d + j] = gradients[i, m + 1 + j]
    for i in range(sizes.p):
        for j in range(d):
            gradient[C + i * d + j] = gradients[rows + d + i, m + 1 + j]


@internal
def _step(workspace, sizes, inputs, begin, end, t, used_rows):
    """Computes the next state from the state at ``t``, and saves what the way back needs.

    ``inputs`` are the step's, (N, m). Only the first ``used_rows`` of [x_t | 1 | s_t] count.
    """
    cell, gates, d, m, _, _, lanes, block, rows = sizes
    vectors, size = d * block // lanes, d * block
    x, a = workspace.states[t], workspace.gates[t]
    for n in range(block):
        for i in range(m):
            x[i, n] = inputs[begin + n, i] if begin + n < end else 0
        x[m, n] = 1
    a[:] = 0
    now = address(x)
    s = offset(now, (m + 1) * block)
    next_s, a0 = offset(s, rows * block), address(a)
    weights = address(workspace.weights)
    add_product(weights, rows, 1, now, block, used_rows, a0, block, gates * d, block)
    a1, a2, a3 = offset(a0, size), offset(a0, 2 * size), offset(a0, 3 * size)
    if cell == GRU:
        workspace.saved[t] = 0
        n, candidate = address(workspace.saved[t]), address(workspace.candidate)
        add_product(candidate, rows, 1, now, block, m + 1, n, block, d, block)
        gru((a0, a1, a2, n, s), (a0, a1, n, next_s), vectors)
    elif cell == LSTM:
        c, tanh_c = address(workspace.carries[t]), address(workspace.saved[t])
        lstm((a0, a1, a2, a3, c), (a0, a1, a2, a3, offset(c, size), tanh_c, next_s), vectors)
    else:
        tanh_rnn((a0,), (next_s,), vectors)


@internal
def _forward(workspace, sizes, inputs, begin, end):
    """Computes the states that follow s_0 = 0."""
    m, d = sizes.m, sizes.d
    for t in range(sizes.length):
        _step(workspace, sizes, inputs[t], begin, end, t, m + 1 + d if t else m + 1)


@internal
def _transpose_states(states, transposed, block, rows, lanes):
    """Transposes a step's states."""
    for i in range(0, rows, lanes):
        for n in range(0, block, lanes):
            source, target = offset(states, i * block + n), offset(transposed, n * rows + i)
            transpose(source, target, block, rows)


@internal
def _outputs(workspace, sizes, t):
    """The outputs C s_{t+1}, (p, block)."""
    y = workspace.derivatives[2 * sizes.d :]
    y[:] = 0
    d, block = sizes.d, sizes.block
    states = offset(address(workspace.states), ((t + 1) * sizes.rows + sizes.m + 1) * block)
    add_product(address(workspace.C), d, 1, states, block, d, address(y), block, sizes.p, block)
    return y


@internal
def _squared_errors(y, sizes, labels, begin, end, weight):
    """The sum of a step's squared errors; replaces the outputs y by the derivative."""
    total = 0.0
    for i in range(sizes.p):
        for n in range(sizes.block):
            error = y[i, n] - labels[begin + n, i] if begin + n < end else y[i, n] * 0
            total += error * error
            y[i, n] = 2 * weight * error
    return total


@internal
def _backward(workspace, sizes, labels, begin, end, weight):
    """The sum of squared errors; adds the derivatives by the weights to the workspace."""
    cell, gates, d, m, p, length, lanes, block, rows = sizes
    vectors, size, gate_rows = d * block // lanes, d * block, gates * d
    input_rows = -(-(m + 1) // lanes) * lanes
    weights, C = address(workspace.weights), address(workspace.C)
    states, transposed = address(workspace.states), address(workspace.transposed)
    dweights = address(workspace.gradients)
    dcandidate, dC = offset(dweights, gate_rows * rows), offset(dweights, (gate_rows + d) * rows)
    workspace.derivatives[:] = 0
    ds = address(workspace.derivatives)
    dc, dy = offset(ds, size), offset(ds, 2 * size)
    total = 0.0
    for t in range(length - 1, -1, -1):
        now = offset(states, t * rows * block)
        s = offset(now, (m + 1) * block)
        next_s = offset(s, rows * block)
        row = t - (length - len(labels))
        if row >= 0:
            y = _outputs(workspace, sizes, t)
            total += _squared_errors(y, sizes, labels[row], begin, end, weight)
            _transpose_states(offset(now, rows * block), transposed, block, rows, lanes)
            add_product(dy, block, 1, transposed, rows, block, dC, rows, p, rows)
            add_product(C, 1, d, dy, block, p, ds, block, d, block)
        a0 = address(workspace.gates[t])
        a1, a2, a3 = offset(a0, size), offset(a0, 2 * size), offset(a0, 3 * size)
        _transpose_states(now, transposed, block, rows, lanes)
        if cell == GRU:
            n = address(workspace.saved[t])
            gru_backward((ds, a0, a1, a2, n, s), (ds, a0, a1, a2, n), vectors)
            add_product(n, block, 1, transposed, rows, block, dcandidate, rows, d, input_rows)
        elif cell == LSTM:
            c, tanh_c = address(workspace.carries[t]), address(workspace.saved[t])
            lstm_backward((ds, dc, a0, a1, a2, a3, c, tanh_c), (dc, a0, a1, a2, a3, ds), vectors)
        else:
            tanh_rnn_backward((ds, next_s), (a0, ds), vectors)
        used_rows = rows if t else input_rows
        add_product(a0, block, 1, transposed, rows, block, dweights, rows, gate_rows, used_rows)
        if t:
            W_hh = offset(weights, m + 1)
            add_product(W_hh, 1, rows, a0, block, gate_rows, ds, block, d, block)
    return total


@cached
def loss_and_gradient(theta, inputs, labels, begin, end, gradient, workspace, sizes):
    """The contribution of sequences ``begin`` to ``end`` to the loss; writes that to its gradient.

    ``theta`` and ``gradient`` are (n,), ``inputs`` (k, N, m), ``labels`` (T, N, p): of the last T
    outputs.
    """
    mode = flush_subnormals(np.int32(-1))
    _load_weights(theta, workspace, sizes)
    workspace.gradients[:] = 0
    weight = theta.dtype.type(1 / (labels.shape[0] * labels.shape[1]))
    total = 0.0
    for first in range(begin, end, sizes.block):
        _forward(workspace, sizes, inputs, first, end)
        total += _backward(workspace, sizes, labels, first, end, weight)
    _collect(gradient, workspace.gradients, sizes)
    flush_subnormals(mode)
    return total * weight


@cached
def outputs(theta, inputs, begin, end, out, workspace, sizes):
    """Writes the last T outputs of sequences ``begin`` to ``end`` to their place in ``out``.

    ``out`` is (T, N, p). The workspace is that for sequences of length 1: each step's state
    replaces the previous one.
    """
    _load_weights(theta, workspace, sizes)
    d, m = sizes.d, sizes.m
    for first in range(begin, end, sizes.block):
        last = min(first + sizes.block, end)
        workspace.states[0, m + 1 : m + 1 + d] = 0
        workspace.carries[:] = 0
        for t in range(len(inputs)):
            _step(workspace, sizes, inputs[t], first, last, 0, m + 1 + d)
            workspace.states[0, m + 1 : m + 1 + d] = workspace.states[1, m + 1 : m + 1 + d]
            if sizes.cell == LSTM:
                workspace.carries[0] = workspace.carries[1]
            row = t - (len(inputs) - len(out))
            if row >= 0:
                y = _outputs(workspace, sizes, 0)
                for n in range(first, last):
                    for i in range(sizes.p):
                        out[row, n, i] = y[i, n - first]
