"""Hankel nuclear norm: the response that fits the data and has the least Σσ_i of its Hankel matrix.

The rank of the Hankel matrix H(h) = (h_{r+s}) is the number of states, and the nuclear norm ‖H‖_*,
the sum of its singular values, is its convex relaxation. Over 2k - 1 lags, r, s < k, of which the
data see the first k, whose response of least loss is h̃,

    minimise ‖H(h)‖_* + κ/2 Σ_{j,l<k} M_jl <h_j - h̃_j, h_l - h̃_l>,

by alternating directions (ADMM): Z = H(h) is thresholded in its singular values, then h solves a
linear system. Without noise on the labels κ is so large that h fits them. With noise of standard
deviation σ on n labels, which the method is told, κ is the one for which the fit's loss is σ²
rank(M) / n for each output, as that of the true response is on average. Ho-Kalman then gives a
system, whose order is the numerical rank. Source: Fazel, Pong, Sun and Tseng (2013).
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.optimize import brentq

from core.baselines.estimate import Estimate, hankel
from core.baselines.realisation import era
from core.cost.baselines import LONGEST
from core.labels import how_many
from core.losses import Target, variance_of_fit
from core.pulse import beat
from core.shapes import Float64
from core.spec import ExperimentSpec

ORDER_TOLERANCE = 1e-3
"""Singular values of the Hankel matrix below this x the largest are dropped."""

ITERATIONS = 1000
EXACT, SETTLED_EXACT = 1e9, 1e-9
"""κ that fits labels without noise, for a response of size 1, and the change of h per iteration at
which it is solved."""

SETTLED = 1e-5
"""The same change where labels have noise."""

REACH = 4.0
"""How many powers of 10 around the first guess, 6 / √(the allowed error), κ is sought."""


def estimate(spec: ExperimentSpec, target: Target) -> Estimate:
    """The system of the response of least nuclear norm."""
    k, scale = target.length, float(np.abs(target.taught).max())
    if k > LONGEST["nuclear_norm"]:
        return Estimate.too_long(target, LONGEST["nuclear_norm"])
    if k == 1 or scale == 0:
        return Estimate.of_system(era(target.taught)[0], spec.horizon, "There is nothing to fit.")
    M, labels = np.asarray(target.M), target.taught / scale
    allowed = variance_of_fit(spec.training, target) / scale**2

    @cache
    def excess(exponent: float) -> float:
        error = complete(M, labels, 10**exponent, SETTLED)[:k] - labels
        return float(np.einsum("jl,jpm,lpm->", M, error, error)) / allowed - 1

    kappa, settled = (
        (10 ** _root(excess, 0.8 - np.log10(allowed) / 2), SETTLED)
        if allowed
        else (EXACT, SETTLED_EXACT)
    )
    lags = scale * complete(M, labels, kappa, settled)
    system, _ = era(lags, tolerance=ORDER_TOLERANCE)
    chosen = f"κ = {kappa:.2g} by the known noise" if allowed else "an exact fit"
    note = (
        f"Order {len(system.A)} from {how_many(len(lags), 'lag')} of least nuclear norm, "
        f"{chosen}; singular values above {ORDER_TOLERANCE:g} of the first."
    )
    return Estimate.of_system(system, spec.horizon, note)


def complete(
    M: Float64[np.ndarray, "k k"],
    labels: Float64[np.ndarray, "k p m"],
    kappa: float,
    settled: float,
) -> Float64[np.ndarray, "n p m"]:
    """The minimising h_0 .. h_{2k-2}, (n, p, m) with n = 2k - 1.

    Args:
        M: The loss matrix.
        labels: h̃_0 .. h̃_{k-1}, of size about 1.
        kappa: κ, the weight of the loss.
        settled: The change of h per iteration at which it ends.
    """
    (k, p, m), rho = labels.shape, 1.0
    index = np.add.outer(np.arange(k), np.arange(k)).ravel()
    lag_of_block = (index == np.arange(2 * k - 1)[:, None]).astype(float)
    h = np.concatenate([labels, np.zeros((k - 1, p, m))])
    normal = np.diag(rho * lag_of_block.sum(axis=1))
    normal[:k, :k] += kappa * M
    solve = np.linalg.inv(normal)
    pull = kappa * np.einsum("jl,lpm->jpm", M, labels).reshape(k, p * m)
    H, dual = hankel(h, k, k), np.zeros((k * p, k * m))
    for _ in range(ITERATIONS):
        beat("the baseline nuclear_norm")
        U, values, VT = np.linalg.svd(H + dual, full_matrices=False)
        Z = U * np.maximum(values - 1 / rho, 0) @ VT
        blocks = (Z - dual).reshape(k, p, k, m).transpose(0, 2, 1, 3).reshape(k * k, p * m)
        right = rho * lag_of_block @ blocks
        right[:k] += pull
        before, h = h, (solve @ right).reshape(h.shape)
        H = hankel(h, k, k)
        dual += H - Z
        if np.abs(h - before).max() < settled:
            break
    return h


def _root(excess: Callable[[float], float], guess: float) -> float:
    """The exponent of κ where the excess, which falls with κ, is 0; a far end if it is nowhere."""
    least, most = guess - 0.5, guess + 0.5
    while excess(least) < 0 and least > guess - REACH:
        least, most = least - 1, least
    while excess(most) > 0 and most < guess + REACH:
        least, most = most, most + 1
    if excess(least) * excess(most) >= 0:
        return most if excess(most) > 0 else least
    return float(brentq(excess, least, most, xtol=0.1))
