"""How far a student's response is from its teacher's: e_j = h_j - ĥ_j, within the training length and past it.

With several channels the maximum and the mean are also over the p x m entries of each e_j.
Source: Cohen-Karlik et al. (2023), definition of ε-extrapolation with horizon q.
"""

import numpy as np

from core.losses import Target


def train_loss(response: np.ndarray, target: Target) -> np.ndarray:
    """L = Σ_{j,l<k} M_jl <e_j, e_l>, shape (...); ``response`` is (..., q, p, m)."""
    error = (response - target.response)[..., : target.length, :, :]
    return np.einsum("jl,...jpm,...lpm->...", target.M, error, error, optimize=True)


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
    scaled = np.divide(error, largest, out=np.zeros_like(error), where=largest != 0)  # so that no square overflows
    return largest[..., 0, 0, 0] * np.sqrt(np.mean(scaled**2, axis=(-3, -2, -1)))


def zero_baseline(target: Target) -> float:
    """max_{k<=j<q} |ĥ_j|, the error of a student that answers zero past k: not to beat it is not to extrapolate."""
    return float(_largest(target.response[target.length :]))


def _largest(values: np.ndarray) -> np.ndarray:
    return np.abs(values).max(axis=(-3, -2, -1))
