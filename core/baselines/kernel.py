"""Regularised least squares: a kernel says how smooth a response is and how fast it decays.

The response is taken as Gaussian with the diagonal-correlated (DC) covariance

    K_ij = c λ^{(i+j)/2} ρ^{|i-j|},   c > 0, 0 < λ < 1, -1 < ρ < 1,

of which ρ = √λ is the tuned-correlated (TC) kernel. With M = R Rᵀ the data say Rᵀ h = Rᵀ h̃, h̃ the
response of least loss, up to noise of variance s² = σ² / n: n labels with noise of standard
deviation σ, which the method is told. The estimate is the posterior mean K R (Rᵀ K R + s² I)⁻¹ Rᵀ
h̃. The numbers c, λ and ρ are those under which the data are most likely (empirical Bayes). Past k
it is a single decay, h_j = (√λ ρ)^{j-k+1} h_{k-1}: it has no memory of its own. Source: Chen,
Ohlsson and Ljung (2012).
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from core.baselines.estimate import Estimate
from core.cost.baselines import LONGEST
from core.losses import Target, seen_directions, variance_per_direction
from core.pulse import beat
from core.shapes import Float64
from core.spec import ExperimentSpec

EXACT = 1e-10
"""s² of labels without noise, for a response of size 1."""

STARTS = ((0.7, -0.7), (0.7, 0.7))
"""λ and ρ from which the likelihood is climbed; the best is kept."""


def estimate(spec: ExperimentSpec, target: Target) -> Estimate:
    """The most likely response under the kernel."""
    k, scale = target.length, float(np.abs(target.taught).max())
    if k > LONGEST["kernel"]:
        return Estimate.too_long(target, LONGEST["kernel"])
    if scale == 0:
        note = "The labels are zero."
        return Estimate(np.zeros_like(target.response), k, np.zeros((0, 0)), note)
    values, V = seen_directions(target.M)
    R = V * np.sqrt(values)
    labels = R.T @ (target.taught / scale).reshape(k, -1)
    variance = max(variance_per_direction(spec.training) / scale**2, EXACT)
    best = min(
        (
            minimize(
                _surprise,
                [0.0, np.log(decay / (1 - decay)), np.arctanh(correlation)],
                args=(R, labels, variance),
                method="Nelder-Mead",
                options={"maxiter": 200, "xatol": 1e-3, "fatol": 1e-4},
            )
            for decay, correlation in STARTS
        ),
        key=lambda found: found.fun,
    )
    c, decay, correlation = _of_free(best.x)
    K = _kernel(c, decay, correlation, k)
    observed = R.T @ K @ R + variance * np.eye(len(labels))
    response = np.zeros_like(target.response)
    within = scale * K @ R @ cho_solve(cho_factor(observed), labels)
    response[:k] = within.reshape(target.taught.shape)
    ratio = np.sqrt(decay) * correlation
    later = np.arange(1, len(response) - k + 1)[:, None, None]
    response[k:] = ratio**later * response[k - 1]
    known = ", by the known noise" if variance > EXACT else ""
    note = f"DC kernel with λ = {decay:.3g}, ρ = {correlation:.3g}, the most likely{known}."
    return Estimate(response, k, np.zeros((0, 0)), note)


def _surprise(
    free: np.ndarray,
    R: Float64[np.ndarray, "k r"],
    labels: Float64[np.ndarray, "r n"],
    variance: float,
) -> float:
    """-2 log likelihood of the labels, up to a constant."""
    beat("the baseline kernel")
    K = _kernel(*_of_free(free), len(R))
    try:
        factor, lower = cho_factor(R.T @ K @ R + variance * np.eye(len(labels)))
    except np.linalg.LinAlgError:
        return np.inf
    fit = np.sum(labels * cho_solve((factor, lower), labels))
    return float(fit + 2 * labels.shape[1] * np.log(np.diag(factor)).sum())


def _kernel(c: float, decay: float, correlation: float, k: int) -> Float64[np.ndarray, "k k"]:
    """K, k x k."""
    lag = np.arange(k)
    between = np.abs(lag[:, None] - lag)
    signs = np.where(between % 2, np.sign(correlation), 1.0)
    half = decay ** (lag / 2)
    return np.asarray(c * np.outer(half, half) * signs * np.abs(correlation) ** between)


def _of_free(free: np.ndarray) -> tuple[float, float, float]:
    """c, λ and ρ of three unbounded numbers."""
    c, decay, correlation = np.clip(free, -18, 18)
    return float(np.exp(c)), float(1 / (1 + np.exp(-decay))), float(np.tanh(correlation))
