"""Least squares: the finite impulse response (FIR) that best fits the training's outputs.

It is the smallest minimiser of L = Σ_{j,l<k} M_jl <h_j - ĥ_j, h_l - ĥ_l>, h = M⁺ M ĥ. On N
sequences it is the least-norm solution of the N equations for h_0 .. h_{k-1}. Without noise on the
labels it is exact if M is positive definite; h_j = 0 for j >= k. Source: Ljung, "System
Identification" (1999), chapter 7.
"""

import numpy as np

from core.baselines.estimate import Estimate
from core.labels import how_many
from core.losses import Target, seen_directions
from core.shapes import Float64
from core.spec import ExperimentSpec


def estimate(spec: ExperimentSpec, target: Target) -> Estimate:
    """The FIR of the spec's training data, zero from k on."""
    del spec
    k = target.length
    response = np.zeros_like(target.response)
    response[:k], rank = fir(target)
    lags = how_many(k, "lag")
    note = f"The {lags} of the training; zero beyond."
    if rank < k:
        note = (
            f"The {lags} of the training, of which the data determine {rank} and the least norm "
            "the rest; zero beyond."
        )
    return Estimate(response, k, np.zeros((0, 0)), note)


def fir(target: Target) -> tuple[Float64[np.ndarray, "k p m"], int]:
    """M⁺ M ĥ, (k, p, m), and the rank of M."""
    _, V = seen_directions(target.M)
    taught = target.taught
    if V.shape[1] == target.length:
        return taught, target.length
    return np.einsum("jr,lr,lpm->jpm", V, V, taught), V.shape[1]
