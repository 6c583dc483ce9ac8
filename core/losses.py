"""Losses: every linear loss is L = Σ_{j,l<k} M_jl <e_j, e_l>, e_j = h_j - ĥ_j; here are M and ĥ.

With second moments Σ = E[x xᵀ] of the inputs (index 0 the oldest), the squared error of the last
output has M_jl = Σ_{k-1-j, k-1-l}. Output t < k only depends on the lags j <= t, with M^(t)_jl =
Σ_{t-j, t-l}; ``outputs: all`` is the mean. A finite sample has Σ = Xᵀ X / N. There is no factor
1/2, and no 1/k beyond that mean.

Noise ν on the labels of a finite sample adds a constant, which no student can change, and moves the
minimum from ĥ to ĥ + δ, with M δ = b and b_j the mean of x_{t-j} ν_t over the outputs that count.
The loss is L = Σ_{j,l<k} M_jl <e_j - δ_j, e_l - δ_l>: it leaves out the constant.
"""

from __future__ import annotations  # NumPy loads its generators when they are named

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import DTypeLike

from core import teachers
from core.shapes import Float64
from core.spec import (
    Ar1Covariance,
    ExperimentSpec,
    ExplicitCovariance,
    FiniteSampleLoss,
    SecondMomentLoss,
    Training,
    has_white_inputs,
)
from core.systems import impulse_response

RANK_TOLERANCE = 1e-10
"""Eigenvalues of M below this x the largest count as zero: the data say nothing in that direction.
"""

_NUMBERS_PER_BLOCK = 2**22
"""The numbers of a sample that are in memory at a time while its moments are computed."""


@dataclass(frozen=True)
class Diagonal:
    """A diagonal loss matrix, such as that of white inputs, as k numbers.

    NumPy takes it for the k x k matrix, except in ``M @ x``, which takes k products.

    Attributes:
        values: Its diagonal, (k,).
    """

    values: Float64[np.ndarray, " k"]

    def __len__(self) -> int:
        """The training length k."""
        return len(self.values)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        """M x of x (..., k, n)."""
        return self.values[:, None] * x

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """The matrix, k x k."""
        del copy  # it is always new
        return np.diag(self.values).astype(dtype)


def as_rows(M: LossMatrix) -> np.ndarray:
    """The rows of a loss matrix, k x k; of a diagonal one only its diagonal, 1 x k."""
    return M.values[None] if isinstance(M, Diagonal) else M


LossMatrix = Float64[np.ndarray, "k k"] | Diagonal


@dataclass(frozen=True)
class Target:
    """The response that a student is trained towards and measured against, and the loss matrix.

    Attributes:
        response: The teacher's ĥ_0 .. ĥ_{q-1}, (q, p, m).
        M: The loss matrix, k x k, symmetric positive semidefinite, index j the lag.
        shift: δ, which noise on the labels adds to the response of least loss; None without noise.
    """

    response: Float64[np.ndarray, "q p m"]
    M: LossMatrix
    shift: Float64[np.ndarray, "k p m"] | None = None

    @property
    def length(self) -> int:
        """The training length k."""
        return len(self.M)

    @property
    def horizon(self) -> int:
        """The horizon q."""
        return len(self.response)

    @property
    def taught(self) -> Float64[np.ndarray, "k p m"]:
        """The response of least loss, (k, p, m): ĥ without noise on the labels, else ĥ + δ."""
        exact = self.response[: self.length]
        return exact if self.shift is None else exact + self.shift


def target_of(spec: ExperimentSpec) -> Target:
    """The target of a spec with a linear teacher."""
    response = impulse_response(teachers.build(spec.linear_teacher), spec.horizon)
    if has_white_inputs(spec.training):
        return Target(response, _of_white_inputs(spec.training))
    M = loss_matrix(spec.training)
    if not noise_of(spec.training):
        return Target(response, M)
    b = _mean_noise(spec.training, response.shape[1])
    values, V = seen_directions(M)
    return Target(response, M, (V / values @ (V.T @ b))[:, :, None])


def seen_directions(M: LossMatrix) -> tuple[Float64[np.ndarray, " r"], Float64[np.ndarray, "k r"]]:
    """The eigenvalues of M that aren't zero, rising, and their eigenvectors: r = rank(M)."""
    values, V = np.linalg.eigh(np.asarray(M))
    seen = values > RANK_TOLERANCE * values[-1]
    return values[seen], V[:, seen]


def noise_of(training: Training) -> float:
    """The standard deviation of the noise on the labels."""
    return training.loss.noise if isinstance(training.loss, FiniteSampleLoss) else 0.0


def variance_per_direction(training: Training) -> float:
    """σ² over the number of labels that count: E[b bᵀ] / p = this x M; 0 without noise."""
    loss = training.loss
    if not isinstance(loss, FiniteSampleLoss):
        return 0.0
    labels = (loss.sequences or len(loss.inputs or ())) * (
        1 if training.outputs == "last" else training.length
    )
    return loss.noise**2 / labels


def variance_of_fit(training: Training, target: Target) -> float:
    """E[δᵀ M δ]: how far the noise moves the response of least loss, in units of the loss."""
    if not noise_of(training):
        return 0.0
    rank, p = len(seen_directions(target.M)[0]), target.response.shape[1]
    return variance_per_direction(training) * rank * p


def _of_white_inputs(training: Training) -> Diagonal:
    """M = I for the last output; for the mean over all of them, the share that has each lag."""
    lags = np.arange(training.length)
    return Diagonal(
        np.ones(len(lags)) if training.outputs == "last" else (len(lags) - lags) / len(lags)
    )


def loss_matrix(training: Training) -> Float64[np.ndarray, "k k"]:
    """M of L = eᵀ M e, k x k.

    Example:
        >>> loss_matrix(Training(length=3, outputs="all")).diagonal().round(3)
        array([1.   , 0.667, 0.333])
    """
    if isinstance(training.loss, SecondMomentLoss):
        return np.array(training.loss.matrix)
    moments, k = input_moments(training), training.length
    if training.outputs == "last":
        return moments[::-1, ::-1].copy()
    M = np.zeros((k, k))
    for t in range(k):
        M[: t + 1, : t + 1] += moments[t::-1, t::-1]
    return M / k


def input_moments(training: Training) -> Float64[np.ndarray, "k k"]:
    """E[x xᵀ] of one input sequence x_0 .. x_{k-1}, k x k, index 0 the oldest."""
    k, loss = training.length, training.loss
    if isinstance(loss, FiniteSampleLoss):
        return _sample_moments(loss, k)
    if isinstance(loss, SecondMomentLoss):
        raise TypeError("second_moment gives M itself; it has no input moments")
    match loss.covariance:
        case None:
            return np.eye(k)
        case Ar1Covariance(rho=rho):
            lag = np.arange(k)
            return np.power(rho, np.abs(lag[:, None] - lag))
        case ExplicitCovariance(matrix=matrix):
            return np.array(matrix)
        case _:
            assert_never(loss.covariance)


def sample(
    loss: FiniteSampleLoss, length: int, limit: int | None = None
) -> Float64[np.ndarray, "N {length}"]:
    """The sequences of a finite sample, or the first ``limit`` of them, (N, k)."""
    if loss.inputs is not None:
        return np.array(loss.inputs)[:limit]
    assert loss.sequences is not None  # noqa: S101  # validated: sequences or inputs
    count = loss.sequences if limit is None else min(loss.sequences, limit)
    return _draw(loss, np.random.default_rng(loss.seed), (count, length))


def label_noise(
    loss: FiniteSampleLoss,
    shape: tuple[int, int, int],
    generator: np.random.Generator | None = None,
) -> Float64[np.ndarray, "N k p"]:
    """The noise on the labels of the first N sequences, in ``shape`` (N, k, p).

    Drawn by a generator of its own, so that the sequences are those without noise; ``generator``
    continues one.
    """
    return loss.noise * (generator or _noise_generator(loss)).standard_normal(shape)


def _noise_generator(loss: FiniteSampleLoss) -> np.random.Generator:
    return np.random.default_rng((loss.seed, 1))


def _blocks(loss: FiniteSampleLoss, k: int) -> Iterator[Float64[np.ndarray, "N k"]]:
    """The rows of the N x k :func:`sample`, in blocks that bound the memory."""
    if loss.inputs is not None:
        yield np.array(loss.inputs)
        return
    assert loss.sequences is not None  # noqa: S101  # validated: sequences or inputs
    generator, rows = np.random.default_rng(loss.seed), max(1, _NUMBERS_PER_BLOCK // k)
    for start in range(0, loss.sequences, rows):
        yield _draw(loss, generator, (min(rows, loss.sequences - start), k))


def _sample_moments(loss: FiniteSampleLoss, k: int) -> np.ndarray:
    """Xᵀ X / N of the sample X, N x k."""
    moments, count = np.zeros((k, k)), 0
    for block in _blocks(loss, k):
        moments += block.T @ block
        count += len(block)
    return moments / count


def _mean_noise(training: Training, p: int) -> Float64[np.ndarray, "k p"]:
    """The mean of x_{t-j} ν_t over sequences and over the outputs t that count, for each lag j."""
    loss, k = training.loss, training.length
    assert isinstance(loss, FiniteSampleLoss)  # noqa: S101  # no other has noise
    generator, total, count = _noise_generator(loss), np.zeros((k, p)), 0
    for block in _blocks(loss, k):
        noise = label_noise(loss, (len(block), k, p), generator)
        for t in range(k - 1 if training.outputs == "last" else 0, k):
            total[: t + 1] += block[:, t::-1].T @ noise[:, t]
        count += len(block)
    return total / count / (1 if training.outputs == "last" else k)


def _draw(
    loss: FiniteSampleLoss, generator: np.random.Generator, shape: tuple[int, int]
) -> np.ndarray:
    if loss.distribution == "rademacher":
        return generator.choice([-1.0, 1.0], shape)
    return generator.standard_normal(shape)
