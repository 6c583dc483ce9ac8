"""How many dimensions a student uses, and how far its poles and their weights are from the teacher's.

Judge the dimension of a state space by the Hankel singular values: an eigenvalue whose weight is
zero is invisible, and students from large starts keep many such eigenvalues.
"""

import numpy as np

from core.systems import LinearSystem, controllability_columns, where_finite


def effective_rank(values: np.ndarray) -> np.ndarray:
    """exp(-Σ p_i ln p_i), p_i = v_i / Σ v: from 1 (one value) to n (all equal); 0 where all are zero.

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
    scaled = np.divide(
        values, largest, out=np.zeros_like(values), where=largest != 0
    )  # so that no sum overflows
    total = scaled.sum(axis=-1, keepdims=True)
    share = np.divide(scaled, total, out=np.zeros_like(values), where=total != 0)
    entropy = -np.sum(share * np.log(share, out=np.zeros_like(share), where=share > 0), axis=-1)
    return np.where(total[..., 0] == 0, 0.0, np.exp(entropy))


def state_effective_rank(system: LinearSystem, horizon: int) -> np.ndarray:
    """The effective rank of the eigenvalues of P = Σ_{s<q} A^s B Bᵀ (A^s)ᵀ, shape (...).

    P is the covariance of the state after q white inputs, the Gramian of reachability cut at the
    horizon. With K = [B, A B, ..., A^{q-1} B] it is K Kᵀ, whose nonzero eigenvalues are those of Kᵀ
    K, taken where that is smaller. Source: Antoulas (2005), section 4.2.
    """
    columns = controllability_columns(system, horizon)
    K = np.moveaxis(columns, -3, -2).reshape(*columns.shape[:-3], columns.shape[-2], -1)
    KT = K.swapaxes(-1, -2)
    gram = K @ KT if K.shape[-2] <= K.shape[-1] else KT @ K
    return effective_rank(np.maximum(where_finite(np.linalg.eigvalsh, gram), 0))


def spectral_distance(
    poles: np.ndarray, weights: np.ndarray, teacher_poles: np.ndarray, teacher_weights: np.ndarray
) -> np.ndarray:
    """Wasserstein-1 distance of two weighted real spectra, shape (...): how far weight must travel along the real line.

    Each spectrum is first divided by Σ|w|, then split by sign, and the parts are compared: ∫|F(x) -
    G(x)| dx, F and G the cumulated weights. Nonnegative spectra become probability measures and
    this is W1 of them. Between parts of unequal mass the excess travels to the ends of [-r, r], r =
    max(1, |λ|), on average: the mean of the integrals with the weights cumulated from either end.
    Zero exactly where the normalised spectra are the same.

    Source: Vallender (1974) for W1 as that integral; the extension to signed weights is a
    definition of ours.

    Args:
        poles: Of the students, real, (..., d).
        weights: Their weights, real, (..., d).
        teacher_poles: (n,).
        teacher_weights: (n,).

    Returns:
        NaN where all weights of one of the two are 0.
    """
    own, teacher = (w / np.abs(w).sum(axis=-1, keepdims=True) for w in (weights, teacher_weights))
    batch = (*own.shape[:-1], teacher_poles.size)
    places = np.concatenate([poles, np.broadcast_to(teacher_poles, batch)], axis=-1)
    reach = np.maximum(1, np.abs(places).max(axis=-1, keepdims=True))
    order = places.argsort(axis=-1)
    gaps = np.diff(np.take_along_axis(places, order, axis=-1), prepend=-reach, append=reach)
    distance = np.zeros(batch[:-1])
    for sign in (1, -1):
        parts = [np.maximum(sign * own, 0), np.broadcast_to(np.minimum(-sign * teacher, 0), batch)]
        risen = np.cumsum(
            np.take_along_axis(np.concatenate(parts, axis=-1), order, axis=-1), axis=-1
        )
        from_left = np.concatenate([np.zeros((*batch[:-1], 1)), risen], axis=-1)
        from_right = from_left - from_left[..., -1:]
        distance += (gaps * (np.abs(from_left) + np.abs(from_right))).sum(axis=-1) / 2
    return distance
