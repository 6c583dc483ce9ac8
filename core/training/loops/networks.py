"""Backpropagation through time of a GRU, an LSTM or a tanh RNN, compiled by Numba: a block of sequences at a time.

The formulas are those of :mod:`core.networks.cells`, on one seed's flat vector: weight_ih,
weight_hh, bias_ih, bias_hh, C. A vector holds a number of several sequences side by side, so that d
needs no padding; a block is as many sequences as a tile is wide, and what its steps keep stays in
the second cache.
"""

from typing import Any, NamedTuple

import numpy as np

from core.networks import CELLS, Recurrent
from core.training.loops.formulas import Numbers, each, sigmoid, tanh
from core.training.loops.lanes import BYTES, aligned
from core.training.loops.optimizer_steps import inlined, kept, part
from core.training.loops.tiles import WIDEST, add_product, address, flushing, past, transpose

PARTS = "df7d09357e45608c"
"""A hash of what is compiled with this and stands elsewhere, as in
:mod:`core.training.loops.linear`."""

GRU, LSTM, TANH_RNN = 0, 1, 2
"""Cells, as the loops tell them apart."""

_CELLS = {"gru": GRU, "lstm": LSTM, "tanh_rnn": TANH_RNN}


class Sizes(NamedTuple):
    """What is trained on what.

    Attributes:
        cell: GRU, LSTM or TANH_RNN.
        gates: Its g blocks of d rows.
        d: Entries of the state.
        m: Inputs.
        p: Outputs.
        length: k, of the sequences.
        lanes: Numbers of a vector.
        block: Sequences that are worked on together.
        rows: m + 1 + d in whole vectors: [x_t | 1 | s_t].
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


class Room(NamedTuple):
    """Where a block is worked on; each begins where a vector may.

    Attributes:
        weights: [W_ih | b | W_hh] of all gates, (g d, rows); for the block that is apart [0 | b_hh
            | W_hh].
        apart: [W_ih | b_ih] of that block, (d, rows).
        C: (p, d).
        states: [x_t | 1 | s_t] of each t, (k + 1, rows, block).
        gates: Before and after σ and tanh, on the way back their derivatives, (k, g d, block).
        kept: n of a GRU, tanh(c) of an LSTM, (k, d, block).
        carries: c_t of an LSTM, (k + 1, d, block).
        pull: The derivative by s_t, by the carry, and by the outputs, (2 d + p, block).
        turned: A step's states transposed, (block, rows).
        slopes: The derivative by ``weights``, ``apart`` and C, (g d + d + p, rows).
    """

    weights: np.ndarray
    apart: np.ndarray
    C: np.ndarray
    states: np.ndarray
    gates: np.ndarray
    kept: np.ndarray
    carries: np.ndarray
    pull: np.ndarray
    turned: np.ndarray
    slopes: np.ndarray


def sizes_of(network: Recurrent, length: int, sequences: int, dtype: np.dtype[Any]) -> Sizes:
    """The sizes of a network on so many sequences of this length."""
    kind, d, m, p = network.kind, network.dim, network.inputs, network.outputs_
    lanes = BYTES // dtype.itemsize
    block = lanes * min(WIDEST[4], -(-sequences // lanes))
    rows = -(-(m + 1 + d) // lanes) * lanes
    return Sizes(_CELLS[kind], CELLS[kind].gates, d, m, p, length, lanes, block, rows)


def room_for(sizes: Sizes, dtype: np.dtype[Any]) -> Room:
    """Room for one thread."""
    g, d, p, k, block, rows = sizes.gates, sizes.d, sizes.p, sizes.length, sizes.block, sizes.rows
    keeps, carries = sizes.cell != TANH_RNN, sizes.cell == LSTM
    shapes = (
        (g * d, rows), (d, rows), (p, d), (k + 1, rows, block), (k, g * d, block), (k * keeps, d, block),
        ((k + 1) * carries, d, block), (2 * d + p, block), (block, rows), (g * d + d + p, rows),
    )  # fmt: skip
    return Room(*(aligned(shape, dtype) for shape in shapes))


@each
def _gru(
    r: Numbers, z: Numbers, weighed: Numbers, inner: Numbers, s: Numbers
) -> tuple[Numbers, ...]:
    """To r, z, n and the next state."""
    r, z = sigmoid(r), sigmoid(z)
    n = tanh(inner + r * weighed)
    return r, z, n, n + z * (s - n)


@each
def _gru_back(
    ds: Numbers, r: Numbers, z: Numbers, weighed: Numbers, n: Numbers, s: Numbers
) -> tuple[Numbers, ...]:
    """To the derivatives by s past the gates, and by what r, z, n and the block that is apart are made of."""
    straight = ds * z
    dn = (ds - straight) * (1 - n * n)
    return straight, dn * weighed * r * (1 - r), ds * (s - n) * z * (1 - z), dn * r, dn


@each
def _lstm(i: Numbers, f: Numbers, g: Numbers, o: Numbers, c: Numbers) -> tuple[Numbers, ...]:
    """To i, f, g, o, the next c, its tanh, and the next state."""
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    c = f * c + i * g
    squashed = tanh(c)
    return i, f, g, o, c, squashed, o * squashed


@each
def _lstm_back(
    ds: Numbers,
    dc: Numbers,
    i: Numbers,
    f: Numbers,
    g: Numbers,
    o: Numbers,
    c: Numbers,
    squashed: Numbers,
) -> tuple[Numbers, ...]:
    """To the derivatives by c, and by what i, f, g and o are made of; by s past the gates there is none."""
    dc = dc + ds * o * (1 - squashed * squashed)
    return (
        dc * f, dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), ds * squashed * o * (1 - o), ds * 0
    )  # fmt: skip


@each
def _tanh(a: Numbers) -> tuple[Numbers, ...]:
    return (tanh(a),)


@each
def _tanh_back(ds: Numbers, s: Numbers) -> tuple[Numbers, ...]:
    """To the derivative by what s is the tanh of; past it there is none."""
    return ds * (1 - s * s), ds * 0


@inlined
def _places(sizes):
    """Where W_hh, b_ih, b_hh and C begin in a flat vector, how many rows W_hh has, and which is the first apart."""
    rows = sizes.gates * sizes.d
    W_hh = rows * sizes.m
    b_ih = W_hh + rows * sizes.d
    return (
        W_hh,
        b_ih,
        b_ih + rows,
        b_ih + 2 * rows,
        rows,
        rows - sizes.d if sizes.cell == GRU else rows,
    )


@part
def _lay(theta, room, sizes):
    """The weights of a flat vector, a matrix for each product with a step's states."""
    d, m = sizes.d, sizes.m
    W_hh, b_ih, b_hh, C, rows, first = _places(sizes)
    for i in range(rows):
        row = room.weights[i]
        within = row if i < first else room.apart[i - first]
        row[m] = 0
        for j in range(m):
            within[j] = theta[i * m + j]
        within[m] = theta[b_ih + i]
        row[m] += theta[b_hh + i]
        for j in range(d):
            row[m + 1 + j] = theta[W_hh + i * d + j]
    for i in range(sizes.p):
        for j in range(d):
            room.C[i, j] = theta[C + i * d + j]


@part
def _collect(gradient, slopes, sizes):
    """The derivatives by those matrices as a flat vector."""
    d, m = sizes.d, sizes.m
    W_hh, b_ih, b_hh, C, rows, first = _places(sizes)
    for i in range(rows):
        within = slopes[i if i < first else i + d]
        for j in range(m):
            gradient[i * m + j] = within[j]
        gradient[b_ih + i], gradient[b_hh + i] = within[m], slopes[i, m]
        for j in range(d):
            gradient[W_hh + i * d + j] = slopes[i, m + 1 + j]
    for i in range(sizes.p):
        for j in range(d):
            gradient[C + i * d + j] = slopes[rows + d + i, m + 1 + j]


@part
def _step(room, sizes, inputs, begin, end, place, seen):
    """The state after a step, from the state at ``place`` in the room to the next place, and what the way back needs.

    ``inputs`` are the step's, (N, m); only the first ``seen`` of the rows [x_t | 1 | s_t] count.
    """
    cell, gates, d, m, _, _, lanes, block, rows = sizes
    vectors, one = d * block // lanes, d * block
    x, a = room.states[place], room.gates[place]
    for n in range(block):
        for i in range(m):
            x[i, n] = inputs[begin + n, i] if begin + n < end else 0
        x[m, n] = 1
    a[:] = 0
    now = address(x)
    s = past(now, (m + 1) * block)
    moved, a0 = past(s, rows * block), address(a)
    add_product(address(room.weights), rows, 1, now, block, seen, a0, block, gates * d, block)
    a1, a2, a3 = past(a0, one), past(a0, 2 * one), past(a0, 3 * one)
    if cell == GRU:
        room.kept[place] = 0
        n = address(room.kept[place])
        add_product(address(room.apart), rows, 1, now, block, m + 1, n, block, d, block)
        _gru((a0, a1, a2, n, s), (a0, a1, n, moved), vectors)
    elif cell == LSTM:
        c, squashed = address(room.carries[place]), address(room.kept[place])
        _lstm((a0, a1, a2, a3, c), (a0, a1, a2, a3, past(c, one), squashed, moved), vectors)
    else:
        _tanh((a0,), (moved,), vectors)


@part
def _forward(room, sizes, inputs, begin, end):
    """The states that follow s_0 = 0."""
    for t in range(sizes.length):
        _step(room, sizes, inputs[t], begin, end, t, sizes.m + 1 + sizes.d if t else sizes.m + 1)


@part
def _turn(states, turned, block, rows, lanes):
    """A step's states, transposed."""
    for i in range(0, rows, lanes):
        for n in range(0, block, lanes):
            transpose(past(states, i * block + n), past(turned, n * rows + i), block, rows)


@part
def _read(room, sizes, t):
    """The outputs C s_{t+1}, (p, block)."""
    made = room.pull[2 * sizes.d :]
    made[:] = 0
    d, block = sizes.d, sizes.block
    states = past(address(room.states), ((t + 1) * sizes.rows + sizes.m + 1) * block)
    add_product(address(room.C), d, 1, states, block, d, address(made), block, sizes.p, block)
    return made


@part
def _errors(outputs, sizes, labels, begin, end, weight):
    """The squared errors of a step's outputs, and the derivative by them in their place."""
    total = 0.0
    for i in range(sizes.p):
        for n in range(sizes.block):
            error = outputs[i, n] - labels[begin + n, i] if begin + n < end else outputs[i, n] * 0
            total += error * error
            outputs[i, n] = 2 * weight * error
    return total


@part
def _back(room, sizes, labels, begin, end, weight):
    """The squared errors, and the derivatives by the weights, added to what is there."""
    cell, gates, d, m, p, length, lanes, block, rows = sizes
    vectors, one, high = d * block // lanes, d * block, gates * d
    narrow = -(-(m + 1) // lanes) * lanes
    weights, C, states, turned = (
        address(room.weights),
        address(room.C),
        address(room.states),
        address(room.turned),
    )
    slopes = address(room.slopes)
    room.pull[:] = 0
    ds = address(room.pull)
    dc, dy = past(ds, one), past(ds, 2 * one)
    total = 0.0
    for t in range(length - 1, -1, -1):
        now = past(states, t * rows * block)
        s = past(now, (m + 1) * block)
        moved = past(s, rows * block)
        counted = t - (length - len(labels))
        if counted >= 0:
            total += _errors(_read(room, sizes, t), sizes, labels[counted], begin, end, weight)
            _turn(past(now, rows * block), turned, block, rows, lanes)
            add_product(
                dy, block, 1, turned, rows, block, past(slopes, (high + d) * rows), rows, p, rows
            )
            add_product(C, 1, d, dy, block, p, ds, block, d, block)
        a0 = address(room.gates[t])
        a1, a2, a3 = past(a0, one), past(a0, 2 * one), past(a0, 3 * one)
        _turn(now, turned, block, rows, lanes)
        if cell == GRU:
            n = address(room.kept[t])
            _gru_back((ds, a0, a1, a2, n, s), (ds, a0, a1, a2, n), vectors)
            add_product(
                n, block, 1, turned, rows, block, past(slopes, high * rows), rows, d, narrow
            )
        elif cell == LSTM:
            c, squashed = address(room.carries[t]), address(room.kept[t])
            _lstm_back((ds, dc, a0, a1, a2, a3, c, squashed), (dc, a0, a1, a2, a3, ds), vectors)
        else:
            _tanh_back((ds, moved), (a0, ds), vectors)
        add_product(a0, block, 1, turned, rows, block, slopes, rows, high, rows if t else narrow)
        if t:
            add_product(past(weights, m + 1), 1, rows, a0, block, high, ds, block, d, block)
    return total


@kept
def loss_and_gradient(theta, inputs, labels, begin, end, gradient, room, sizes):
    """The share of the sequences from ``begin`` up to ``end`` in the loss, and in its gradient, into ``gradient``.

    ``theta`` and ``gradient`` are (n,), ``inputs`` (k, N, m), ``labels`` (T, N, p): of the last T
    outputs.
    """
    mode = flushing(np.int32(-1))
    _lay(theta, room, sizes)
    room.slopes[:] = 0
    weight = theta.dtype.type(1 / (labels.shape[0] * labels.shape[1]))
    total = 0.0
    for first in range(begin, end, sizes.block):
        _forward(room, sizes, inputs, first, end)
        total += _back(room, sizes, labels, first, end, weight)
    _collect(gradient, room.slopes, sizes)
    flushing(mode)
    return total * weight


@kept
def outputs(theta, inputs, begin, end, into, room, sizes):
    """The last T outputs of the sequences from ``begin`` up to ``end``, to their place in ``into`` (T, N, p).

    The ``room`` is that for sequences of length 1: each step's state takes the place of the last
    one's.
    """
    _lay(theta, room, sizes)
    d, m = sizes.d, sizes.m
    for first in range(begin, end, sizes.block):
        last = min(first + sizes.block, end)
        room.states[0, m + 1 : m + 1 + d] = 0
        room.carries[:] = 0
        for t in range(len(inputs)):
            _step(room, sizes, inputs[t], first, last, 0, m + 1 + d)
            room.states[0, m + 1 : m + 1 + d] = room.states[1, m + 1 : m + 1 + d]
            if sizes.cell == LSTM:
                room.carries[0] = room.carries[1]
            counted = t - (len(inputs) - len(into))
            if counted >= 0:
                made = _read(room, sizes, 0)
                for n in range(first, last):
                    for i in range(sizes.p):
                        into[counted, n, i] = made[i, n - first]
