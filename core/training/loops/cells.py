"""One step of a GRU, an LSTM and a tanh RNN and its derivatives, as elementwise formulas.

They are those of :mod:`core.networks.cells`.
"""

from core.training.loops.formulas import Numbers, elementwise, sigmoid, tanh

GRU, LSTM, TANH_RNN = 0, 1, 2
"""The codes of the cells."""

CODES = {"gru": GRU, "lstm": LSTM, "tanh_rnn": TANH_RNN}


@elementwise
def gru(
    r: Numbers, z: Numbers, weighted: Numbers, inner: Numbers, s: Numbers
) -> tuple[Numbers, ...]:
    """Computes r, z, n and the next state."""
    r, z = sigmoid(r), sigmoid(z)
    n = tanh(inner + r * weighted)
    return r, z, n, n + z * (s - n)


@elementwise
def gru_backward(
    ds: Numbers, r: Numbers, z: Numbers, weighted: Numbers, n: Numbers, s: Numbers
) -> tuple[Numbers, ...]:
    """Computes the derivatives by s (not through the gates) and by the arguments of :func:`gru`."""
    direct = ds * z
    dn = (ds - direct) * (1 - n * n)
    return direct, dn * weighted * r * (1 - r), ds * (s - n) * z * (1 - z), dn * r, dn


@elementwise
def lstm(i: Numbers, f: Numbers, g: Numbers, o: Numbers, c: Numbers) -> tuple[Numbers, ...]:
    """Computes i, f, g, o, the next c, its tanh, and the next state."""
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    c = f * c + i * g
    tanh_c = tanh(c)
    return i, f, g, o, c, tanh_c, o * tanh_c


@elementwise
def lstm_backward(
    ds: Numbers,
    dc: Numbers,
    i: Numbers,
    f: Numbers,
    g: Numbers,
    o: Numbers,
    c: Numbers,
    tanh_c: Numbers,
) -> tuple[Numbers, ...]:
    """Computes the derivatives by c and by the arguments of i, f, g and o.

    The last result is the derivative by s that doesn't go through the gates: zero.
    """
    dc = dc + ds * o * (1 - tanh_c * tanh_c)
    di, df = dc * g * i * (1 - i), dc * c * f * (1 - f)
    dg, do = dc * i * (1 - g * g), ds * tanh_c * o * (1 - o)
    return dc * f, di, df, dg, do, ds * 0


@elementwise
def tanh_rnn(a: Numbers) -> tuple[Numbers, ...]:
    """Computes the next state."""
    return (tanh(a),)


@elementwise
def tanh_rnn_backward(ds: Numbers, s: Numbers) -> tuple[Numbers, ...]:
    """Computes the derivative by the argument of the tanh; that by s past it is zero."""
    return ds * (1 - s * s), ds * 0
