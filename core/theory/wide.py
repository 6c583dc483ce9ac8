"""The infinitely wide student: its training in closed form, and why it forgets (Emami et al. 2021).

A general student of width d whose start is ``wide``: A = √v_A W/√d, B = √v_B N(0, 1), C = √v_C N(0,
1)/√d, trained with ``optimizer.rates`` 1/d, 1, 1/d, which is GD on W, B̃, C̃ in h_j = d^-½ C̃
(W/√d)^j B̃. As d grows its tangent kernel becomes diagonal in the lags and stays what it is, J R Jᵀ
= diag(ρ_j), with the rates

    ρ_j = v_A^j (v_B + v_C) + j v_A^{j-1} v_B v_C .

Of the terms of ρ_j, v_A^j v_C comes from B, v_A^j v_B from C, and the last, one for each place
where A stands in C A^j B, from A. The student trains as a convolution with the scaled filter h_j =
√ρ_j θ_j: gradient flow is de/dt = -2 P M e, P = diag(ρ_0 .. ρ_{k-1}), and on white inputs each lag
goes its own way, e_j(t) = e_j(0) exp(-2 ρ_j t). Lags past k never move. With v_A < 1 the rates fall
geometrically: a bias to short memory.

Time is the sum of the steps: n steps of GD at rate lr are t = lr n, as long as 2 lr max_j ρ_j is
small against 1; more exactly a step multiplies e by I - 2 lr P M (:func:`trained_response` with
``lr``).

Sources: Emami, Sahraee-Ardakan, Pandit, Rangan and Fletcher, "Implicit Bias of Linear RNNs" (2021);
the formula of ρ_j in this parametrisation is our derivation.
"""

import numpy as np

from core.spec import Rates, WideStart


def rates_of(start: WideStart, lags: int) -> np.ndarray:
    """ρ_0 .. ρ_{lags-1} of a wide start.

    Example:
        >>> rates_of(WideStart(kind="wide", variance_a=0.5), 4)
        array([2. , 2. , 1.5, 1. ])
    """
    j = np.arange(lags)
    power = start.variance_a ** j.astype(float)
    before = np.concatenate([[0.0], power[:-1]])  # v^(j-1), which j = 0 multiplies by 0
    return (
        power * (start.variance_b + start.variance_c)
        + j * before * start.variance_b * start.variance_c
    )


def learning_rates(dim: int) -> Rates:
    """The factors on the learning rate that the analysis is of: 1/d, 1, 1/d for A, B, C."""
    return Rates(A=1 / dim, B=1.0, C=1 / dim)


def trained_response(
    start: np.ndarray,
    teacher: np.ndarray,
    M: np.ndarray,
    *,
    rates: np.ndarray,
    time: float,
    lr: float | None = None,
) -> np.ndarray:
    """The response of the infinitely wide student after training for ``time``.

    With N = P^½ M P^½ the solution of de/dt = -2 P M e is e(t) = e(0) - P^½ f(N) P^½ M e(0), f(ν) =
    (1 - exp(-2 ν t)) / ν, and 0 at ν = 0, where the loss is blind. At infinite time it is, of all
    responses that fit, the one with the least Σ_j (h_j - h_j(0))² / ρ_j: what is left in the blind
    directions is what it began with.

    Args:
        start: h_j(0), shape (..., q, p, m); its expectation over starts is 0.
        teacher: ĥ_j, (q, p, m).
        M: The loss matrix, k x k.
        rates: ρ_0 .. ρ_{k-1}.
        time: t, the sum of the steps' sizes; may be infinite.
        lr: The size of GD's steps; with it exp(-2 ν t) becomes GD's own (1 - 2 lr ν)^(t / lr), t
            finite.

    Returns:
        (..., q, p, m): lags past k as at the start.
    """
    k, root = len(M), np.sqrt(rates)
    values, V = np.linalg.eigh(root[:, None] * M * root)
    seen = values > len(M) * np.finfo(float).eps * max(values[-1], 0.0)
    values = np.where(seen, values, 1.0)
    left = np.exp(-2 * values * time) if lr is None else (1 - 2 * lr * values) ** round(time / lr)
    fitted = np.where(seen, (1 - left) / values, 0.0)
    gain = root[:, None] * ((V * fitted) @ V.T) * root @ M
    error = (start - teacher)[..., :k, :, :]
    response = np.array(start, dtype=float)
    response[..., :k, :, :] -= np.einsum("jl,...lpm->...jpm", gain, error)
    return response
