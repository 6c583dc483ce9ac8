"""Ho-Kalman realisation (ERA): a system from the first lags of a response.

With r + c = n, H_0 = (h_{i+j}) and H_1 = (h_{i+j+1}), i < r, j < c, and H_0 = U S Vᵀ cut at an
order, A = S^-½ Uᵀ H_1 V S^-½, B the first columns of S^½ Vᵀ, C the first rows of U S^½. It is exact
for n >= 2 d̂ lags of a system of d̂ states. For fewer lags it is wrong, even within them.

Sources: Ho and Kalman (1966); Juang and Pappa (1985); Antoulas (2005), section 4.4.
"""

import numpy as np

from core.baselines.estimate import Estimate, hankel, numerical_rank, order_by_gap
from core.baselines.least_squares import fir
from core.labels import how_many
from core.losses import Target
from core.shapes import Float64
from core.spec import ExperimentSpec
from core.systems import LinearSystem

RANK_TOLERANCE = 1e-12
"""Singular values of the Hankel matrix below this x the largest count as zero."""


def estimate(spec: ExperimentSpec, target: Target) -> Estimate:
    """ERA of the lags that :func:`core.baselines.least_squares.fir` finds in the data."""
    lags, _ = fir(target)
    noisy = target.shift is not None
    system, gap = era(lags, _order_of_noisy(lags) if noisy else None)
    dropped = (
        "no singular value of the Hankel matrix was dropped" if np.isnan(gap) else f"gap {gap:.1e}"
    )
    chosen = (
        "before the largest fall of the singular values"
        if noisy
        else f"singular values above {RANK_TOLERANCE:g} of the first"
    )
    note = (
        f"Ho-Kalman, order {len(system.A)} from {how_many(len(lags), 'lag')}, {chosen}: {dropped}."
    )
    return Estimate.of_system(system, spec.horizon, note)


def _order_of_noisy(lags: Float64[np.ndarray, "n p m"]) -> int | None:
    """The order before the largest fall of the singular values of H_0; None for a single lag."""
    rows = (len(lags) + 1) // 2
    if len(lags) == 1:
        return None
    values = np.linalg.svd(hankel(lags, rows, len(lags) - rows), compute_uv=False)
    return order_by_gap(values, RANK_TOLERANCE)


def era(
    lags: Float64[np.ndarray, "n p m"], order: int | None = None, tolerance: float = RANK_TOLERANCE
) -> tuple[LinearSystem, float]:
    """The realisation of h_0 .. h_{n-1}, (n, p, m).

    Args:
        lags: The response.
        order: The number of states; by default, the number of singular values of H_0 above
            ``tolerance`` x the first.
        tolerance: See ``order``.

    Returns:
        The system, and the gap: the last singular value kept over the first one dropped; infinite
        if only zeros were dropped, NaN if none was.
    """
    n, p, m = lags.shape
    if n == 1:  # one lag says nothing about A
        return LinearSystem(np.zeros((m, m)), np.eye(m), lags[0]), np.nan
    rows = (n + 1) // 2
    U, values, VT = np.linalg.svd(hankel(lags, rows, n - rows), full_matrices=False)
    size = numerical_rank(values, tolerance) if order is None else min(order, len(values))
    U, root, VT = U[:, :size], np.sqrt(values[:size]), VT[:size]
    A = (U.T @ hankel(lags[1:], rows, n - rows) @ VT.T) / root[:, None] / root
    system = LinearSystem(A, (root[:, None] * VT)[:, :m], (U * root)[:p])
    if size == len(values) or size == 0:
        return system, np.nan
    return system, float(values[size - 1] / values[size]) if values[size] > 0 else np.inf
