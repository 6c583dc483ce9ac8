"""How far a student's response is from its teacher's: e_j = h_j - ĥ_j, within the training length and past it.

With several channels the maximum and the mean are also over the p x m entries of each e_j.
Source: Cohen-Karlik et al. (2023), definition of ε-extrapolation with horizon q.
"""

import numpy as np

from core.losses import Target


def train_loss(response: np.ndarray, target: Target) -> np.ndarray:
    """L = Σ_{j,l<k} M_jl <e_j, e_l>, shape (...); ``response`` is (..., q, p, m)."""
    error = (response - target.response)[..., : target.length, :, :]
    error = error.reshape(*error.shape[:-2], -1)
    return (error * (target.M @ error)).sum(axis=(-2, -1))


def fit_error(response: np.ndarray, target: Target) -> np.ndarray:
    """max_{j<k} |e_j|, shape (...)."""
    return _largest((response - target.response)[..., : target.length, :, :])


def extrapolation_error(response: np.ndarray, target: Target) -> np.ndarray:
    """max_{k<=j<q} |e_j|, shape (...)."""
    return _largest((response - target.response)[..., target.length :, :, :])


def extrapolation_error_rms(response: np.ndarray, target: Target) -> np.ndarray:
    """(mean_{k<=j<q} e_j²)^½, shape (...)."""
    error = (response - target.response)[..., target.length :, :, :]
    largest = _largest(error)[..., None, None, None]
    scaled = np.divide(
        error, largest, out=np.zeros_like(error), where=largest != 0
    )  # so that no square overflows
    return largest[..., 0, 0, 0] * np.sqrt(np.mean(scaled**2, axis=(-3, -2, -1)))


def zero_baseline(target: Target) -> float:
    """max_{k<=j<q} |ĥ_j|, the error of a student that answers zero past k: not to beat it is not to extrapolate."""
    return float(_largest(target.response[target.length :]))


def extrapolation_horizon(response: np.ndarray, target: Target, tolerance: float) -> np.ndarray:
    """The first lag j with |e_j| > ``tolerance`` x max_{j<k} |ĥ_j|, q where there is none, shape (...).

    It is below k for a student that does not fit. Where the teacher is silent up to k, as a long
    delay is, the scale is max_{j<q} |ĥ_j|. A response that is not a number is off.

    Args:
        response: (..., q, p, m).
        target: What it should be.
        tolerance: ``evaluation.fit_tolerance``.
    """
    scale = np.abs(target.response[: target.length]).max() or np.abs(target.response).max()
    off = ~(np.abs(response - target.response).max(axis=(-2, -1)) <= tolerance * scale)
    return np.where(off.any(axis=-1), off.argmax(axis=-1), target.horizon).astype(float)


def sequence_errors(response: np.ndarray, target: Target) -> np.ndarray:
    """E|y_t - ŷ_t|² / E|ŷ_t|² on white inputs, for every t < q, shape (..., q); exact, without a sample.

    From rest y_t = Σ_{j<=t} h_j x_{t-j}, so that E[x xᵀ] = I gives Σ_{j<=t} |e_j|² / Σ_{j<=t}
    |ĥ_j|², norms being Frobenius'. As long as the teacher is silent, as a delay is before its lag,
    there is no variance to compare with; the error is then relative to that at the horizon (and if
    that is 0 too, 0 for a silent student, else infinite).
    """
    error, variance = (
        np.cumsum((values**2).sum(axis=(-2, -1)), axis=-1)
        for values in (response - target.response, target.response)
    )
    variance = np.where(variance > 0, variance, variance[-1])
    return np.divide(error, variance, out=np.where(error > 0, np.inf, error), where=variance > 0)


def sequence_fit_error(response: np.ndarray, target: Target) -> np.ndarray:
    """max_{t<k} of :func:`sequence_errors`, shape (...)."""
    return sequence_errors(response, target)[..., : target.length].max(axis=-1)


def sequence_extrapolation_error(response: np.ndarray, target: Target) -> np.ndarray:
    """max_{k<=t<q} of :func:`sequence_errors`, shape (...)."""
    return sequence_errors(response, target)[..., target.length :].max(axis=-1)


def _largest(values: np.ndarray) -> np.ndarray:
    return np.abs(values).max(axis=(-3, -2, -1))
