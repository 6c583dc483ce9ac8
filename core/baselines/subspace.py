"""Subspace identification (N4SID): a system from sequences of inputs and outputs, without a response in between.

In the usual form s_{t+1} = A s_t + B x_t, y_t = C' s_t + D x_t, with C' = C A and D = C B here,
every window of 2i steps gives a column of past inputs and outputs W and of future inputs X and
outputs Y. What of Y is explained by W and not by X, the oblique projection of Y along X on W, is Γ
S: Γ the rows C' A^r, r < i, and S the states. Its singular vectors give Γ, whose shift gives A; B
and D then follow by least squares on all outputs.

It has i = ⌊k / 2⌋ and identifies at most p (i - 1) states: k >= 2 d̂ + 2 for one output. Sources:
Van Overschee and De Moor (1994); Ljung (1999), section 10.6.
"""

import numpy as np

from core.baselines.estimate import Estimate, order_of
from core.losses import Target
from core.spec import ExperimentSpec, FiniteSampleLoss, RecurrentTeacher, channels
from core.systems import LinearSystem, impulse_response, observability_rows

SEQUENCES = 512
"""Gaussian sequences that it is given where the training's loss is that of a population."""

_MOST = 2**18
"""Numbers that it looks at: of a longer sample the first sequences."""

_RANK = 1e-10
"""Singular values below this x the largest count as zero."""


def of_spec(spec: ExperimentSpec, target: Target) -> Estimate:
    """N4SID of sequences of the training's length, each from rest, of which all outputs are seen."""
    assert not isinstance(spec.teacher, RecurrentTeacher)  # noqa: S101  # a rule of the spec
    k = spec.training.length
    if k < 4:
        return Estimate.none(
            target, f"It needs windows of two past and two future steps, k >= 4; k = {k}."
        )
    inputs, whence = _inputs(spec)
    outputs = _respond(target.response[:k], inputs)
    A, C, D, B = identify(inputs, outputs)
    order = len(A)
    response = np.concatenate([D[None], _later(A, B, C, spec.horizon - 1)])
    given = f"{len(inputs)} sequences of length {k} ({whence}) with all their outputs"
    return Estimate(response, order, A, f"Order {order} from {given}.")


def identify(
    inputs: np.ndarray, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The system of sequences that begin at rest.

    Args:
        inputs: (N, k, m).
        outputs: (N, k, p), without noise.

    Returns:
        A (n x n), C' (p x n), D (p x m), B (n x m): h_0 = D and h_j = C' A^{j-1} B.
    """
    p, i = outputs.shape[2], inputs.shape[1] // 2
    past_x, future_x = _windows(inputs, i, 0), _windows(inputs, i, i)
    past_y, future_y = _windows(outputs, i, 0), _windows(outputs, i, i)
    known = np.concatenate([past_x, past_y])
    both = np.concatenate([future_x, known])
    explained = (future_y @ np.linalg.pinv(both, rcond=1e-10))[:, len(future_x) :] @ known
    U, scale, _ = np.linalg.svd(explained, full_matrices=False)
    silent = scale.size == 0 or scale[0] <= _RANK * np.linalg.norm(future_y)
    order = 0 if silent else min(order_of(scale, _RANK), p * (i - 1))
    observed = U[:, :order] * np.sqrt(scale[:order])
    A, C = np.linalg.pinv(observed[:-p]) @ observed[p:], observed[:p]
    B, D = _inlets(A, C, inputs, outputs)
    return A, C, D, B


def _inlets(
    A: np.ndarray, C: np.ndarray, inputs: np.ndarray, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """B and D by least squares: y_t = D x_t + Σ_{j>=1} C' A^{j-1} B x_{t-j} is linear in them."""
    (N, k, m), p, n = inputs.shape, outputs.shape[2], len(A)
    rows = (
        observability_rows(LinearSystem(A, np.zeros((n, 0)), C), k - 1)
        if n
        else np.zeros((k - 1, p, 0))
    )
    seen = np.zeros((N, k, p, n, m))
    for t in range(1, k):
        seen[:, t] = np.einsum("jpn,sjm->spnm", rows[:t], inputs[:, t - 1 :: -1][:, :t])
    direct = np.einsum("stm,po->stpom", inputs, np.eye(p))
    unknown = np.concatenate(
        [seen.reshape(N * k * p, n * m), direct.reshape(N * k * p, p * m)], axis=1
    )
    found = np.linalg.lstsq(unknown, outputs.ravel(), rcond=None)[0]
    return found[: n * m].reshape(n, m), found[n * m :].reshape(p, m)


def _windows(signal: np.ndarray, length: int, delay: int) -> np.ndarray:
    """Columns of ``length`` steps from ``delay`` on, of every window of every sequence: (length channels) x windows."""
    N, k, channel = signal.shape
    count = k - 2 * length + 1
    at = delay + np.arange(length)[:, None] + np.arange(count)
    return signal[:, at].transpose(1, 3, 0, 2).reshape(length * channel, N * count)


def _later(A: np.ndarray, B: np.ndarray, C: np.ndarray, count: int) -> np.ndarray:
    """C' A^j B for j < count."""
    return (
        impulse_response(LinearSystem(A, B, C), count)
        if len(A)
        else np.zeros((count, len(C), B.shape[1]))
    )


def _respond(response: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """y_t = Σ_{j<=t} h_j x_{t-j}, (N, k, p)."""
    N, k, _ = inputs.shape
    outputs = np.zeros((N, k, response.shape[1]))
    for j, h in enumerate(response):
        outputs[:, j:] += inputs[:, : k - j] @ h.T
    return outputs


def _inputs(spec: ExperimentSpec) -> tuple[np.ndarray, str]:
    """The sequences (N, k, m) of a finite sample, or Gaussian ones drawn by ``evaluation.seed``."""
    loss, k, (m, _) = spec.training.loss, spec.training.length, channels(spec.teacher)
    most = max(1, _MOST // k)
    if not isinstance(loss, FiniteSampleLoss):
        drawn = np.random.default_rng(spec.evaluation.seed).standard_normal(
            (min(SEQUENCES, most), k, m)
        )
        return drawn, f"Gaussian, of evaluation.seed {spec.evaluation.seed}"
    if loss.inputs is not None:
        return np.array(loss.inputs)[:most, :, None], "the training's"
    assert loss.sequences is not None  # noqa: S101  # validated: sequences or inputs
    generator, shape = np.random.default_rng(loss.seed), (min(loss.sequences, most), k)
    if loss.distribution == "rademacher":
        return generator.choice([-1.0, 1.0], shape)[:, :, None], "the training's"
    return generator.standard_normal(shape)[:, :, None], "the training's"
