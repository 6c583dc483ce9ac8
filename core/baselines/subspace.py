"""Subspace identification (N4SID): a system directly from sequences of inputs and outputs.

In the usual form s_{t+1} = A s_t + B x_t, y_t = C' s_t + D x_t, with C' = C A and D = C B here,
every window of 2i steps gives a column of past inputs and outputs W, of future inputs X and of
future outputs Y. The part of Y that W explains and X doesn't, the oblique projection of Y along X
on W, is Γ S: Γ the rows C' A^r, r < i, and S the states. Its singular vectors give Γ, whose shift
gives A; B and D then follow by least squares on all outputs.

With i = ⌊k / 2⌋ it identifies at most p (i - 1) states: k >= 2 d̂ + 2 for one output. Sources: Van
Overschee and De Moor (1994); Ljung (1999), section 10.6.
"""

import numpy as np

from core.baselines.estimate import Estimate, numerical_rank, order_by_gap
from core.cost.baselines import MAX_NUMBERS, SEQUENCES
from core.labels import how_many
from core.losses import Target, label_noise, noise_of, sample
from core.shapes import Float64
from core.spec import ExperimentSpec, FiniteSampleLoss, channels
from core.systems import LinearSystem, impulse_response, observability_rows

_RANK_TOLERANCE = 1e-10
"""Singular values below this x the largest count as zero."""


def estimate(spec: ExperimentSpec, target: Target) -> Estimate:
    """N4SID of sequences of the training's length that start at rest, with all their outputs."""
    k = spec.training.length
    if k < 4:
        return Estimate.missing(
            target, f"It needs windows of two past and two future steps, k >= 4; k = {k}."
        )
    inputs, source = _inputs(spec)
    outputs = _respond(target.response[:k], inputs)
    loss, noise = spec.training.loss, noise_of(spec.training)
    if isinstance(loss, FiniteSampleLoss) and noise:
        outputs += label_noise(loss, outputs.shape)
    A, C, D, B = identify(inputs, outputs, noisy=noise > 0)
    order = len(A)
    response = np.concatenate([D[None], _later_response(A, B, C, spec.horizon - 1)])
    note = (
        f"Order {order} from {how_many(len(inputs), 'sequence')} of length {k} ({source}) "
        f"with all their outputs{', noise included' if noise else ''}."
    )
    return Estimate(response, order, A, note)


def identify(
    inputs: Float64[np.ndarray, "N k m"],
    outputs: Float64[np.ndarray, "N k p"],
    *,
    noisy: bool = False,
) -> tuple[
    Float64[np.ndarray, "n n"],
    Float64[np.ndarray, "p n"],
    Float64[np.ndarray, "p m"],
    Float64[np.ndarray, "n m"],
]:
    """The system of sequences that start at rest.

    Args:
        inputs: (N, k, m).
        outputs: (N, k, p).
        noisy: Whether the outputs have noise. The order is then the number of singular values
            before their largest relative fall, else of those that aren't zero.

    Returns:
        A (n x n), C' (p x n), D (p x m), B (n x m): h_0 = D and h_j = C' A^{j-1} B.
    """
    p, i = outputs.shape[2], inputs.shape[1] // 2
    past_x, future_x = _windows(inputs, i, 0), _windows(inputs, i, i)
    past_y, future_y = _windows(outputs, i, 0), _windows(outputs, i, i)
    past = np.concatenate([past_x, past_y])
    regressors = np.concatenate([future_x, past])
    projection = (future_y @ np.linalg.pinv(regressors, rcond=1e-10))[:, len(future_x) :] @ past
    U, scale, _ = np.linalg.svd(projection, full_matrices=False)
    is_zero = scale.size == 0 or scale[0] <= _RANK_TOLERANCE * np.linalg.norm(future_y)
    count = (order_by_gap if noisy else numerical_rank)(scale, _RANK_TOLERANCE)
    order = 0 if is_zero else min(count, p * (i - 1))
    observability = U[:, :order] * np.sqrt(scale[:order])
    A, C = np.linalg.pinv(observability[:-p]) @ observability[p:], observability[:p]
    B, D = _input_matrices(A, C, inputs, outputs)
    return A, C, D, B


def _input_matrices(
    A: np.ndarray, C: np.ndarray, inputs: np.ndarray, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """B and D by least squares: y_t = D x_t + Σ_{j>=1} C' A^{j-1} B x_{t-j} is linear in them."""
    (N, k, m), p, n = inputs.shape, outputs.shape[2], len(A)
    rows = np.zeros((k - 1, p, 0))
    if n:
        rows = observability_rows(LinearSystem(A, np.zeros((n, 0)), C), k - 1)
    through_state = np.zeros((N, k, p, n, m))
    for t in range(1, k):
        past_inputs = inputs[:, t - 1 :: -1][:, :t]
        through_state[:, t] = np.einsum("jpn,sjm->spnm", rows[:t], past_inputs)
    direct = np.einsum("stm,po->stpom", inputs, np.eye(p))
    regressors = np.concatenate(
        [through_state.reshape(N * k * p, n * m), direct.reshape(N * k * p, p * m)], axis=1
    )
    solution = np.linalg.lstsq(regressors, outputs.ravel(), rcond=None)[0]
    return solution[: n * m].reshape(n, m), solution[n * m :].reshape(p, m)


def _windows(signal: np.ndarray, length: int, delay: int) -> np.ndarray:
    """Columns of ``length`` steps from ``delay`` on, one for every window of every sequence.

    The shape is (length channels) x windows.
    """
    N, k, channel = signal.shape
    count = k - 2 * length + 1
    times = delay + np.arange(length)[:, None] + np.arange(count)
    return signal[:, times].transpose(1, 3, 0, 2).reshape(length * channel, N * count)


def _later_response(A: np.ndarray, B: np.ndarray, C: np.ndarray, count: int) -> np.ndarray:
    """C' A^j B for j < count."""
    if not len(A):
        return np.zeros((count, len(C), B.shape[1]))
    return impulse_response(LinearSystem(A, B, C), count)


def _respond(
    response: Float64[np.ndarray, "k p m"], inputs: Float64[np.ndarray, "N k m"]
) -> Float64[np.ndarray, "N k p"]:
    """y_t = Σ_{j<=t} h_j x_{t-j}, (N, k, p)."""
    N, k, _ = inputs.shape
    outputs = np.zeros((N, k, response.shape[1]))
    for j, h in enumerate(response):
        outputs[:, j:] += inputs[:, : k - j] @ h.T
    return outputs


def _inputs(spec: ExperimentSpec) -> tuple[np.ndarray, str]:
    """Sequences (N, k, m) and their source: a finite sample, or Gaussian by ``evaluation.seed``."""
    loss, k, (m, _) = spec.training.loss, spec.training.length, channels(spec.teacher)
    limit = max(1, MAX_NUMBERS // k)
    if isinstance(loss, FiniteSampleLoss):
        return sample(loss, k, limit)[:, :, None], "the training's"
    generator = np.random.default_rng(spec.evaluation.seed)
    sequences = generator.standard_normal((min(SEQUENCES, limit), k, m))
    return sequences, f"Gaussian, of evaluation.seed {spec.evaluation.seed}"
