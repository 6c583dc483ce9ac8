"""Effective ranks of a student, and the distance of its weighted poles from the teacher's.

The Hankel singular values give the dimension of a state space. Eigenvalues do not: one with zero
weight is invisible, and students from large starts keep many of them.
"""

import numpy as np

from core.shapes import Float64
from core.systems import ZERO_TOLERANCE, LinearSystem, controllability_columns, where_finite


def effective_rank(values: Float64[np.ndarray, "*batch n"]) -> Float64[np.ndarray, "*batch"]:
    """exp(-Σ p_i ln p_i), p_i = v_i / Σ v: 1 for one value, n for n equal values, 0 for zeros.

    Source: Roy and Vetterli, "The effective rank" (2007).

    Args:
        values: Nonnegative, shape (..., n).

    Returns:
        Shape (...).

    Example:
        >>> effective_rank(np.array([[1.0, 1.0, 0.0], [3.0, 0.0, 0.0]])).round(12)
        array([2., 1.])
    """
    largest = values.max(axis=-1, keepdims=True)
    # Scaled, so that no sum overflows.
    scaled = np.divide(values, largest, out=np.zeros_like(values), where=largest != 0)
    total = scaled.sum(axis=-1, keepdims=True)
    share = np.divide(scaled, total, out=np.zeros_like(values), where=total != 0)
    entropy = -np.sum(share * np.log(share, out=np.zeros_like(share), where=share > 0), axis=-1)
    return np.where(total[..., 0] == 0, 0.0, np.exp(entropy))


def state_effective_rank(system: LinearSystem, horizon: int) -> Float64[np.ndarray, "..."]:
    """Effective rank of the eigenvalues of P = Σ_{s<q} A^s B Bᵀ (A^s)ᵀ, shape (...).

    P is the covariance of the state after q white inputs: the controllability Gramian up to the
    horizon. With K = [B, A B, ..., A^{q-1} B] it is K Kᵀ, which has the nonzero eigenvalues of
    Kᵀ K; the smaller of the two is used. Source: Antoulas (2005), section 4.2.
    """
    columns = controllability_columns(system, horizon)
    K = np.moveaxis(columns, -3, -2).reshape(*columns.shape[:-3], columns.shape[-2], -1)
    KT = K.swapaxes(-1, -2)
    gram = K @ KT if K.shape[-2] <= K.shape[-1] else KT @ K
    return effective_rank(np.maximum(where_finite(np.linalg.eigvalsh, gram), 0))


def spectral_distance(
    poles: Float64[np.ndarray, "*batch d"],
    weights: Float64[np.ndarray, "*batch d"],
    teacher_poles: Float64[np.ndarray, " n"],
    teacher_weights: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, "*batch"]:
    """Wasserstein-1 distance of two weighted real spectra, shape (...).

    Weights of equal poles are added up: only their sum is in the response. Then each spectrum is
    divided by Σ|w| and split by sign, and the parts are compared by
    ∫|F(x) - G(x)| dx, where F and G are the cumulative weights. For nonnegative spectra this is the
    W1 distance of probability measures. If parts have unequal mass, the excess travels to the ends
    of [-r, r], r = max(1, |λ|): the result is the mean of the integrals with weights cumulated from
    either end. It is zero exactly if the normalised spectra are equal.

    Source: Vallender (1974) for W1 as that integral; the extension to signed weights is this
    project's definition.

    Args:
        poles: The students' poles, real, (..., d).
        weights: The students' weights, real, (..., d).
        teacher_poles: (n,).
        teacher_weights: (n,).

    Returns:
        NaN if all weights of a spectrum are 0.
    """
    student, teacher = (
        merged / np.abs(merged).sum(axis=-1, keepdims=True)
        for merged in (_merged(poles, weights), _merged(teacher_poles, teacher_weights))
    )
    batch = (*student.shape[:-1], teacher_poles.size)
    locations = np.concatenate([poles, np.broadcast_to(teacher_poles, batch)], axis=-1)
    reach = np.maximum(1, np.abs(locations).max(axis=-1, keepdims=True))
    order = locations.argsort(axis=-1)
    gaps = np.diff(np.take_along_axis(locations, order, axis=-1), prepend=-reach, append=reach)
    distance = np.zeros(batch[:-1])
    for sign in (1, -1):
        parts = [
            np.maximum(sign * student, 0),
            np.broadcast_to(np.minimum(-sign * teacher, 0), batch),
        ]
        weights_in_order = np.take_along_axis(np.concatenate(parts, axis=-1), order, axis=-1)
        cumulative = np.cumsum(weights_in_order, axis=-1)
        from_left = np.concatenate([np.zeros((*batch[:-1], 1)), cumulative], axis=-1)
        from_right = from_left - from_left[..., -1:]
        distance += (gaps * (np.abs(from_left) + np.abs(from_right))).sum(axis=-1) / 2
    return distance


def _merged(
    poles: Float64[np.ndarray, "*batch n"], weights: Float64[np.ndarray, "*batch n"]
) -> Float64[np.ndarray, "*batch n"]:
    """The weights with those of equal poles moved to one of them, and 0 for the others."""
    order = poles.argsort(axis=-1)
    by_pole = np.take_along_axis(poles, order, axis=-1)
    scale = np.maximum(1, np.abs(poles).max(axis=-1, keepdims=True))
    differs = np.diff(by_pole, axis=-1) > ZERO_TOLERANCE * scale
    merged = np.take_along_axis(weights, order, axis=-1).copy()
    for i in range(merged.shape[-1] - 1, 0, -1):
        carried = np.where(differs[..., i - 1], 0.0, merged[..., i])
        merged[..., i] -= carried
        merged[..., i - 1] += carried
    result = np.empty_like(merged)
    np.put_along_axis(result, order, merged, axis=-1)
    return result
