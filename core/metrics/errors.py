"""Errors of a response, e_j = h_j - ĥ_j, within the training length k and past it.

With several channels, maximum and mean also run over the p x m entries of each e_j. Where a
response is infinite, past the range of float64, its errors are too; NaN stands for what is not
known, as with NaN parameters.
Source: Cohen-Karlik et al. (2023), definition of ε-extrapolation with horizon q.
"""

import numpy as np

from core.losses import Target
from core.shapes import Float64
from core.systems import past_float64

_SMALLER = 2.0**-520
"""A scale on which the squares of any 2^16 numbers of float64 have a finite sum."""


def train_loss(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch"]:
    """L = Σ_{j,l<k} M_jl <e_j, e_l>, shape (...); ``response`` is (..., q, p, m).

    With noise on the labels, e_j - δ_j instead of e_j: see :mod:`core.losses`.
    """
    error = _difference(response, target)[..., : target.length, :, :]
    if target.shift is not None:
        error = error - target.shift
    error = error.reshape(*error.shape[:-2], -1)
    loss = (error * (target.M @ error)).sum(axis=(-2, -1))
    return np.where(np.isinf(error).any(axis=(-2, -1)), np.inf, loss)


def fit_error(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch"]:
    """max_{j<k} |e_j|, shape (...)."""
    return _largest(_difference(response, target)[..., : target.length, :, :])


def extrapolation_error(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch"]:
    """max_{k<=j<q} |e_j|, shape (...)."""
    return _largest(_difference(response, target)[..., target.length :, :, :])


def extrapolation_error_rms(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch"]:
    """(mean_{k<=j<q} e_j²)^½, shape (...)."""
    error = _difference(response, target)[..., target.length :, :, :]
    largest = _largest(error)[..., None, None, None]
    # Scaled, so that no square overflows.
    scaled = np.divide(error, largest, out=np.zeros_like(error), where=largest != 0)
    rms = largest[..., 0, 0, 0] * np.sqrt(np.mean(scaled**2, axis=(-3, -2, -1)))
    return np.where(np.isinf(largest[..., 0, 0, 0]), np.inf, rms)


def zero_baseline(target: Target) -> float:
    """max_{k<=j<q} |ĥ_j|: the error of a student that outputs zero past k."""
    return float(_largest(target.response[target.length :]))


def relative_error(
    error: Float64[np.ndarray, "*batch"], baseline: float
) -> Float64[np.ndarray, "*batch"]:
    """``error`` over the zero baseline, shape (...); infinite where the error is.

    NaN, undefined, for a baseline of 0 and for one past the range of float64.
    """
    if not 0 < baseline < np.inf:
        return np.full(np.shape(error), np.nan)
    return np.asarray(np.where(np.isinf(error), np.inf, error / baseline))


def extrapolation_horizon(
    response: Float64[np.ndarray, "*batch q p m"], target: Target, tolerance: float
) -> Float64[np.ndarray, "*batch"]:
    """The first lag j with |e_j| > ``tolerance`` x max_{j<k} |ĥ_j|, or q, shape (...).

    It is below k for a student that does not fit. If the teacher is silent up to k, as a long delay
    is, the scale is max_{j<q} |ĥ_j|. NaN exceeds every tolerance.

    Args:
        response: (..., q, p, m).
        target: The teacher's response and the loss matrix.
        tolerance: ``evaluation.fit_tolerance``.
    """
    scale = np.abs(target.response[: target.length]).max() or np.abs(target.response).max()
    error = np.abs(_difference(response, target)).max(axis=(-2, -1))
    exceeds = ~(error <= tolerance * scale) | np.isinf(error)
    return np.where(exceeds.any(axis=-1), exceeds.argmax(axis=-1), target.horizon).astype(float)


def sequence_errors(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch q"]:
    """E|y_t - ŷ_t|² / E|ŷ_t|² on white inputs for every t < q, exact, shape (..., q).

    From rest y_t = Σ_{j<=t} h_j x_{t-j}, so E[x xᵀ] = I gives Σ_{j<=t} |e_j|² / Σ_{j<=t} |ĥ_j|² in
    the Frobenius norm. While the teacher is silent, as a delay is before its lag, the error is
    relative to the variance at the horizon. If that is 0 too, the error is undefined, NaN. An error
    whose square overflows is infinite. Where the square of the teacher's response overflows, both
    are computed on a smaller scale; where the response itself does, the error is undefined.
    """
    difference = _difference(response, target)
    error, variance = _energy(difference), _energy(target.response)
    relative = over_variance(error, variance)
    overflowed = np.isinf(variance)
    if overflowed.any():
        scaled = _energy(difference * _SMALLER), _energy(target.response * _SMALLER)
        relative = np.where(overflowed, over_variance(*scaled), relative)
    return relative


@past_float64
def _energy(values: Float64[np.ndarray, "*batch q p m"]) -> Float64[np.ndarray, "*batch q"]:
    """Σ_{j<=t} |v_j|² in the Frobenius norm, for every t < q."""
    return np.cumsum((values**2).sum(axis=(-2, -1)), axis=-1)


def over_variance(
    error: Float64[np.ndarray, "*batch q"], variance: Float64[np.ndarray, " q"]
) -> Float64[np.ndarray, "*batch q"]:
    """The error over the variance at each time, or at the horizon where that is 0, (..., q).

    NaN if the variance is 0 at the horizon too, or infinite: the quotient is undefined. Infinite
    where the error is.
    """
    scale = np.where(variance > 0, variance, variance[-1])
    is_defined = (scale > 0) & (scale < np.inf)
    quotient = np.divide(error, scale, out=np.full(error.shape, np.nan), where=is_defined)
    return np.where(np.isinf(error) & is_defined, np.inf, quotient)


def sequence_fit_error(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch"]:
    """max_{t<k} of :func:`sequence_errors`, shape (...)."""
    return np.asarray(sequence_errors(response, target)[..., : target.length].max(axis=-1))


def sequence_extrapolation_error(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch"]:
    """max_{k<=t<q} of :func:`sequence_errors`, shape (...)."""
    return np.asarray(sequence_errors(response, target)[..., target.length :].max(axis=-1))


def _difference(
    response: Float64[np.ndarray, "*batch q p m"], target: Target
) -> Float64[np.ndarray, "*batch q p m"]:
    """e_j = h_j - ĥ_j, infinite where h_j or ĥ_j is, even if both are."""
    error = response - target.response
    known = ~(np.isnan(response) | np.isnan(target.response))
    return np.where(np.isnan(error) & known, np.inf, error)


def _largest(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(values).max(axis=(-3, -2, -1)))
