"""The infinitely wide student: its training in closed form, and its bias to short memory.

A general student of width d with a ``wide`` start, A = √v_A W/√d, B = √v_B N(0, 1),
C = √v_C N(0, 1)/√d, is trained with ``optimizer.rates`` 1/d, 1, 1/d. This is GD on W, B̃, C̃ in
h_j = d^-½ C̃ (W/√d)^j B̃. As d grows, its tangent kernel becomes diagonal in the lags and constant
in time, J R Jᵀ = diag(ρ_j), with the rates

    ρ_j = v_A^j (v_B + v_C) + j v_A^{j-1} v_B v_C .

In ρ_j the term v_A^j v_C comes from B, v_A^j v_B from C, and the last from A: one part for each of
the j factors A in C A^j B. The student trains as a convolution with the scaled filter
h_j = √ρ_j θ_j: gradient flow is de/dt = -2 P M e, P = diag(ρ_0 .. ρ_{k-1}), and on white inputs
each lag evolves independently, e_j(t) = e_j(0) exp(-2 ρ_j t). Lags past k never change. With
v_A < 1 the rates fall geometrically: a bias to short memory.

Time is the sum of the steps: n steps of GD at rate lr correspond to t = lr n if 2 lr max_j ρ_j is
much smaller than 1. Exactly, a step multiplies e by I - 2 lr P M (:func:`trained_response` with
``lr``).

Sources: Emami, Sahraee-Ardakan, Pandit, Rangan and Fletcher, "Implicit Bias of Linear RNNs" (2021);
the formula of ρ_j in this parametrisation is derived here.
"""

import numpy as np

from core.losses import LossMatrix
from core.shapes import Float64
from core.spec import Rates, WideStart


def rates_of(start: WideStart, lags: int) -> Float64[np.ndarray, " {lags}"]:
    """Returns ρ_0 .. ρ_{lags-1} of a wide start.

    Example:
        >>> rates_of(WideStart(kind="wide", variance_a=0.5), 4)
        array([2. , 2. , 1.5, 1. ])
    """
    j = np.arange(lags)
    power = start.variance_a ** j.astype(float)
    previous_power = np.concatenate([[0.0], power[:-1]])  # v^(j-1); j = 0 multiplies it by 0
    v_b, v_c = start.variance_b, start.variance_c
    return power * (v_b + v_c) + j * previous_power * v_b * v_c


def learning_rates(dim: int) -> Rates:
    """Returns the analysis's factors on the learning rate: 1/d, 1, 1/d for A, B, C."""
    return Rates(A=1 / dim, B=1.0, C=1 / dim)


def trained_response(
    start: Float64[np.ndarray, "*batch q p m"],
    teacher: Float64[np.ndarray, "q p m"],
    M: LossMatrix,
    *,
    rates: Float64[np.ndarray, " k"],
    time: float,
    lr: float | None = None,
) -> Float64[np.ndarray, "*batch q p m"]:
    """Returns the response of the infinitely wide student after training for ``time``.

    With N = P^½ M P^½ the solution of de/dt = -2 P M e is e(t) = e(0) - P^½ f(N) P^½ M e(0), where
    f(ν) = (1 - exp(-2 ν t)) / ν, and f(0) = 0 for directions that the loss does not see. At
    infinite time it is, of all responses that fit, the one with the least
    Σ_j (h_j - h_j(0))² / ρ_j: the unseen directions keep their start.

    Args:
        start: h_j(0), shape (..., q, p, m); its expectation over starts is 0.
        teacher: ĥ_j, (q, p, m).
        M: The loss matrix, k x k.
        rates: ρ_0 .. ρ_{k-1}.
        time: t, the sum of the steps' sizes; may be infinite.
        lr: The size of GD's steps, which replaces exp(-2 ν t) by (1 - 2 lr ν)^(t / lr); ``time``
            must be finite.

    Returns:
        Shape (..., q, p, m); lags past k are as at the start.
    """
    rows, k, root = np.asarray(M), len(M), np.sqrt(rates)
    values, V = np.linalg.eigh(root[:, None] * rows * root)
    visible = values > len(M) * np.finfo(float).eps * max(values[-1], 0.0)
    values = np.where(visible, values, 1.0)
    decay = np.exp(-2 * values * time) if lr is None else (1 - 2 * lr * values) ** round(time / lr)
    fitted = np.where(visible, (1 - decay) / values, 0.0)
    gain = root[:, None] * ((V * fitted) @ V.T) * root @ rows
    error = (start - teacher)[..., :k, :, :]
    response = np.array(start, dtype=float)
    response[..., :k, :, :] -= np.einsum("jl,...lpm->...jpm", gain, error)
    return response
