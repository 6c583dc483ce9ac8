"""Metrics of the outputs and states of networks on sequences, linear or not.

Students and teacher get the same fresh white Gaussian sequences up to the horizon q, so that
failures past the training length k show at the times t >= k.
"""

import numpy as np

from core.metrics.errors import over_variance
from core.metrics.spectrum import effective_rank
from core.shapes import Float64
from core.systems import where_finite


def sequence_metrics(
    error: Float64[np.ndarray, "*batch q"], variance: Float64[np.ndarray, " q"], length: int
) -> dict[str, Float64[np.ndarray, "*batch"]]:
    """The largest squared error over the variance, over t < k and over k <= t < q, by metric.

    While the teacher's output is constant, the error is relative to the variance at the horizon; if
    that is 0 too, the metrics are undefined, NaN.

    Args:
        error: mean over sequences of |y_t - ŷ_t|², (..., q).
        variance: mean over sequences of |ŷ_t - mean ŷ_t|², (q,).
        length: k.
    """
    relative = over_variance(error, variance)
    return {
        "sequence_fit_error": relative[..., :length].max(axis=-1),
        "sequence_extrapolation_error": relative[..., length:].max(axis=-1),
    }


def hankel_singular_values_of(
    response: Float64[np.ndarray, "*batch q p m"],
) -> Float64[np.ndarray, "*batch n"]:
    """Singular values of the n x n block Hankel matrix (h_{r+s}), r, s < n = ⌊q/2⌋.

    For a linear system they equal :func:`core.systems.hankel_singular_values`, but need only the
    response (..., q, p, m).

    Returns:
        Falling, shape (..., n min(p, m)).

    Example:
        >>> hankel_singular_values_of(np.array([1.0, 0.5, 0.25, 0.125])[:, None, None]).round(12)
        array([1.25, 0.  ])
    """
    *batch, q, p, m = response.shape
    n = q // 2
    lags = np.arange(n)[:, None] + np.arange(n)
    blocks = response[..., lags, :, :]
    return where_finite(
        np.linalg.svdvals, np.moveaxis(blocks, -2, -3).reshape(*batch, n * p, n * m)
    )


def covariance_effective_rank(
    covariance: Float64[np.ndarray, "*batch d d"],
) -> Float64[np.ndarray, "*batch"]:
    """Effective rank of the states' covariance (..., d, d), by its eigenvalues; shape (...)."""
    return effective_rank(np.maximum(where_finite(np.linalg.eigvalsh, covariance), 0))
