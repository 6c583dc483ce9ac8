"""Losses: every linear loss is L = Σ_{j,l<k} M_jl <e_j, e_l>, e_j = h_j - ĥ_j; here are M and ĥ.

With second moments Σ = E[x xᵀ] of the inputs (index 0 the oldest), the squared error of the last
output has M_jl = Σ_{k-1-j, k-1-l}. Output t < k only depends on the lags j <= t, with M^(t)_jl =
Σ_{t-j, t-l}; ``outputs: all`` is the mean. A finite sample has Σ = Xᵀ X / N. There is no factor
1/2, and no 1/k beyond that mean.
"""

from __future__ import annotations  # NumPy loads its generators when they are named

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
    RecurrentTeacher,
    SecondMomentLoss,
    Training,
    has_white_inputs,
)
from core.systems import impulse_response

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
    """

    response: Float64[np.ndarray, "q p m"]
    M: LossMatrix

    @property
    def length(self) -> int:
        """The training length k."""
        return len(self.M)

    @property
    def horizon(self) -> int:
        """The horizon q."""
        return len(self.response)


def target_of(spec: ExperimentSpec) -> Target:
    """The target of a spec with a linear teacher."""
    assert not isinstance(spec.teacher, RecurrentTeacher)  # noqa: S101  # see core.spec.has_closed_form
    return Target(
        impulse_response(teachers.build(spec.teacher), spec.horizon),
        _of_white_inputs(spec.training)
        if has_white_inputs(spec.training)
        else loss_matrix(spec.training),
    )


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


def _sample_moments(loss: FiniteSampleLoss, k: int) -> np.ndarray:
    """Xᵀ X / N of the N x k :func:`sample`, drawn in blocks of rows to bound the memory."""
    if loss.inputs is not None:
        inputs = np.array(loss.inputs)
        return inputs.T @ inputs / len(inputs)
    assert loss.sequences is not None  # noqa: S101  # validated: sequences or inputs
    generator = np.random.default_rng(loss.seed)
    moments, rows = np.zeros((k, k)), max(1, _NUMBERS_PER_BLOCK // k)
    for start in range(0, loss.sequences, rows):
        block = _draw(loss, generator, (min(rows, loss.sequences - start), k))
        moments += block.T @ block
    return moments / loss.sequences


def _draw(
    loss: FiniteSampleLoss, generator: np.random.Generator, shape: tuple[int, int]
) -> np.ndarray:
    if loss.distribution == "rademacher":
        return generator.choice([-1.0, 1.0], shape)
    return generator.standard_normal(shape)
