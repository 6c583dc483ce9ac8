"""How many dimensions a student uses, seen from its response (Hankel singular values) and from A (eigenvalues).

Judge the dimension of a state space by the Hankel singular values: an eigenvalue whose weight is zero is invisible,
and students from large starts keep many such eigenvalues.
"""

import numpy as np


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
    scaled = np.divide(values, largest, out=np.zeros_like(values), where=largest != 0)  # so that no sum overflows
    total = scaled.sum(axis=-1, keepdims=True)
    share = np.divide(scaled, total, out=np.zeros_like(values), where=total != 0)
    entropy = -np.sum(share * np.log(share, out=np.zeros_like(share), where=share > 0), axis=-1)
    return np.where(total[..., 0] == 0, 0.0, np.exp(entropy))
