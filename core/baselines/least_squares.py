"""Least squares: the finite response (FIR) that fits the training's outputs best, and knows nothing past them.

The minimiser of L = Σ_{j,l<k} M_jl <h_j - ĥ_j, h_l - ĥ_l> that is smallest, h = M⁺ M ĥ: on N
sequences it is the least norm solution of the N equations for h_0 .. h_{k-1}. It is exact where M
is positive definite; h_j = 0 for j >= k. Source: Ljung, "System Identification" (1999), chapter 7.
"""

import numpy as np

from core.baselines.estimate import Estimate
from core.losses import Target
from core.spec import ExperimentSpec

SEEN = 1e-10
"""Eigenvalues of M below this x the largest count as zero: the data say nothing in that direction.
"""


def of_spec(spec: ExperimentSpec, target: Target) -> Estimate:
    """The FIR of the spec's training data, cut at k."""
    del spec
    k = target.length
    response = np.zeros_like(target.response)
    response[:k], rank = fir(target)
    blind = f"; the data determine {rank} of them, the rest is the least norm's" if rank < k else ""
    return Estimate(
        response, k, np.zeros((0, 0)), f"The {k} lags of the training{blind}; zero beyond."
    )


def fir(target: Target) -> tuple[np.ndarray, int]:
    """M⁺ M ĥ, (k, p, m), and the rank of M."""
    values, V = np.linalg.eigh(target.M)
    V = V[:, values > SEEN * values[-1]]
    taught = target.response[: target.length]
    if V.shape[1] == target.length:
        return taught, target.length
    return np.einsum("jr,lr,lpm->jpm", V, V, taught), V.shape[1]
