"""Loss and gradient of a linear student in closed form, compiled, on padded rows.

The formulas are those of :mod:`core.training.closed_form.gradient` for one input and one output.
Every sum of products goes through the tiles of :mod:`core.training.loops.tiles`. NaN and infinity
always reach the loss.
"""

from core.training.loops.optimizer_steps import internal
from core.training.loops.tiles import (
    add_product,
    inner,
    multiply,
    offset,
    product,
    symmetrise,
    transpose,
)

SHORT_LENGTH = 10
"""The training length up to which dA = GᵀT + TᵀG is faster as two products than by transposition.

All its tiles sum in the same order, so the two products make it exactly symmetric.
"""


@internal
def _loss_and_v(error, v, M, rows, k, lags, lanes):
    """The loss eᵀ M e; writes v = 2 M e, with zeros after it. M is diagonal if it has one row."""
    if rows < k:
        multiply(error, M, v, lags // lanes)
    else:
        product(error, 0, 1, M, lags, k, v, 0, 1, lags)
    loss = inner(error, v, lags // lanes)
    for j in range(k):
        v[j] *= 2
    return loss


@internal
def _symmetrise_all(dA, width, lanes, only_lower):
    """Replaces dA by (dA + dAᵀ)/2.

    If ``only_lower``, dA is symmetric up to rounding and its upper blocks are not computed yet.
    """
    for i in range(0, width, lanes):
        for j in range(0, i, lanes):
            lower, upper = offset(dA, i * width + j), offset(dA, j * width + i)
            if only_lower:
                transpose(lower, upper, width, width)
            else:
                symmetrise(lower, upper, width)
        symmetrise(offset(dA, i * width + i), offset(dA, i * width + i), width)


@internal
def _gradient_of_A(dA, G, H, step, T, v, w, d, k, width, lanes, symmetric, tied):
    """The gradient dA = Σ_r G_r ⊗ T_r, or its symmetric part.

    T_r = Σ_{s < k - 1 - r} v_{r+s+1} H_s. ``w`` is scratch of the size of v.
    """
    count = k - 1
    two_products = symmetric and not tied and k <= SHORT_LENGTH
    for j in range(k):
        w[j] = v[j] / 2 if two_products else v[j]
    for r in range(0, count, 4):  # w ends in zeros, so all four rows can be as long as the first
        product(offset(w, r + 1), 1, 1, H, step, count - r, offset(T, r * width), width, 4, width)
    if symmetric and tied:  # dA is symmetric up to rounding: the lower blocks are enough
        for row in range(0, width, lanes):
            H_row, dA_row = offset(H, row), offset(dA, row * width)
            product(H_row, 1, step, T, width, count, dA_row, width, lanes, row + lanes)
    else:
        product(G, 1, step, T, width, count, dA, width, (d + 3) // 4 * 4, width)
    if two_products:
        add_product(T, 1, width, G, step, count, dA, width, (d + 3) // 4 * 4, width)
    elif symmetric:
        _symmetrise_all(dA, width, lanes, tied)


@internal
def _transpose_all(A, A_transposed, width, lanes):
    """Writes the transpose of A."""
    for i in range(0, width, lanes):
        for j in range(0, width, lanes):
            block, mirrored = offset(A, i * width + j), offset(A_transposed, j * width + i)
            transpose(block, mirrored, width, width)


@internal
def dense_gradient(theta, gradient, work, rows, d, k, lanes, width, lags, symmetric, tied, trained):
    """The loss and gradient for a symmetric or general A.

    ``work`` holds M, target, error and v, Aᵀ, rows G_r = c A^r, H_s = A^s b, T_r.
    """
    A, dA, vectors = theta, gradient, width // lanes
    b, db = offset(A, width * width), offset(dA, width * width)
    c, dc = (b, db) if tied else (offset(b, width), offset(db, width))
    M, target = work, offset(work, rows * lags)
    error, v = offset(target, lags), offset(target, 2 * lags)
    A_transposed = offset(v, lags)
    G_is_H = symmetric and tied
    step = width if G_is_H else 2 * width
    H = offset(A_transposed, width * width)
    G = H if G_is_H else offset(H, width)
    T = offset(H, 2 * k * width)
    if not symmetric:
        _transpose_all(A, A_transposed, width, lanes)
    for i in range(width):
        H[i] = b[i]
        G[i] = c[i]
    for j in range(1, k):
        now, before = offset(H, j * step), offset(H, (j - 1) * step)
        if symmetric:  # both sequences lie side by side: one pass over A
            product(before, width, 1, A, width, d, now, width, 1 if tied else 2, width)
        else:
            G_now, G_before = offset(now, width), offset(before, width)
            product(before, width, 1, A_transposed, width, d, now, width, 1, width)
            product(G_before, width, 1, A, width, d, G_now, width, 1, width)
    for j in range(k):
        error[j] = inner(c, offset(H, j * step), vectors) - target[j]
    loss = _loss_and_v(error, v, M, rows, k, lags, lanes)
    if trained[0]:
        scratch = error  # no longer needed
        _gradient_of_A(dA, G, H, step, T, v, scratch, d, k, width, lanes, symmetric, tied)
    if trained[1]:
        product(v, 0, 1, G, step, k, db, 0, 1, width)
    if trained[2]:
        product(v, 0, 1, H, step, k, T, 0, 1, width)
        _add_or_set(dc, T, width, tied)
    return loss


@internal
def long_gradient(theta, gradient, work, rows, d, k, lanes, width, lags, symmetric, tied, trained):
    """The same as :func:`dense_gradient`, by the adjoint states L_s = cᵀ v_s + Aᵀ L_{s+1}.

    db = L_0 and dA = Σ_{s < k - 1} L_{s+1} ⊗ H_s. ``work`` holds M, target, error and v, Aᵀ, rows
    H_s = A^s b and L_s.
    """
    A, dA, vectors = theta, gradient, width // lanes
    b, db = offset(A, width * width), offset(dA, width * width)
    c, dc = (b, db) if tied else (offset(b, width), offset(db, width))
    M, target = work, offset(work, rows * lags)
    error, v = offset(target, lags), offset(target, 2 * lags)
    A_transposed = offset(v, lags)
    H = offset(A_transposed, width * width)
    L, sums = offset(H, k * width), offset(H, 2 * k * width)
    _transpose_all(A, A_transposed, width, lanes)
    for i in range(width):
        H[i] = b[i]
    for j in range(1, k):
        before, now = offset(H, (j - 1) * width), offset(H, j * width)
        product(before, width, 1, A_transposed, width, d, now, width, 1, width)
    for j in range(k):
        error[j] = inner(c, offset(H, j * width), vectors) - target[j]
    loss = _loss_and_v(error, v, M, rows, k, lags, lanes)
    for j in range(k - 1, -1, -1):
        now, after = offset(L, j * width), offset(L, (j + 1) * width)
        for i in range(width):
            now[i] = c[i] * v[j]
        if j < k - 1:
            add_product(after, width, 1, A, width, d, now, width, 1, width)
    if trained[0]:
        after, height = offset(L, width), (d + 3) // 4 * 4
        product(after, 1, width, H, width, k - 1, dA, width, height, width)
        if symmetric:
            _symmetrise_all(dA, width, lanes, False)
    if trained[1]:
        _add_or_set(db, L, width, False)
    if trained[2]:
        product(v, 0, 1, H, width, k, sums, 0, 1, width)
        _add_or_set(dc, sums, width, tied)
    return loss


@internal
def diagonal_gradient(theta, gradient, work, rows, k, lanes, width, lags, tied, trained):
    """The loss and gradient for A = diag(a), h_j = Σ_i c_i a_i^j b_i.

    ``work`` holds M, target, error and v, the weights c_i b_i, sums, and the powers of a.
    """
    a, da, vectors = theta, gradient, width // lanes
    b, db = offset(a, width), offset(da, width)
    c, dc = (b, db) if tied else (offset(b, width), offset(db, width))
    M, target = work, offset(work, rows * lags)
    error, v = offset(target, lags), offset(target, 2 * lags)
    weight, sums, powers = offset(v, lags), offset(v, lags + width), offset(v, lags + 2 * width)
    multiply(b, c, weight, vectors)
    for i in range(width):
        powers[i] = 1
    for j in range(1, k):
        multiply(offset(powers, (j - 1) * width), a, offset(powers, j * width), vectors)
    for j in range(k):
        error[j] = inner(weight, offset(powers, j * width), vectors) - target[j]
    loss = _loss_and_v(error, v, M, rows, k, lags, lanes)
    if trained[0]:
        for j in range(k):
            error[j] = j * v[j]
        product(offset(error, 1), 0, 1, powers, width, k - 1, sums, 0, 1, width)
        multiply(weight, sums, da, vectors)
    product(v, 0, 1, powers, width, k, sums, 0, 1, width)
    if trained[1]:
        multiply(sums, c, db, vectors)
    if trained[2]:
        multiply(sums, b, sums, vectors)
        _add_or_set(dc, sums, width, tied)
    return loss


@internal
def _add_or_set(out, values, count, add):
    """Adds the values for a tied student, whose b and c share a gradient; else sets them."""
    for i in range(count):
        out[i] = out[i] + values[i] if add else values[i]
