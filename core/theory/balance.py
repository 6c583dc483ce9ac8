"""Balance, B = Cᵀ with a symmetric A: of a teacher's response, and of a student's start.

A response has a balanced realisation if the weights of its poles are symmetric and positive
semidefinite. A symmetric student keeps the balance of its start, exactly at every step size: with
factors r_B, r_C on the learning rate and S = Σ_j v_j A^j, a step multiplies B/√r_B - Cᵀ/√r_C by
I + lr √(r_B r_C) S. So it is B/√r_B = Cᵀ/√r_C that is kept.
"""

from typing import NamedTuple

import numpy as np

from core.shapes import Float64
from core.spec import (
    ExplicitStart,
    FromExperimentStart,
    GaussianStart,
    IdentityStart,
    LinearStudent,
    Rates,
    WarmStart,
)
from core.systems import ZERO_TOLERANCE

Spectrum = tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, "n p m"]] | None
"""Poles and weights as :func:`core.systems.visible_spectrum` returns them."""


class StartBalance(NamedTuple):
    """Whether a start is balanced, None if the spec lacks it; the margin; and the finding."""

    holds: bool | None
    margin: float | None
    sentence: str


def smallest_weight(spectrum: Spectrum) -> float | None:
    """Returns the smallest eigenvalue of a weight, None without weights or symmetry."""
    if spectrum is None or not len(spectrum[1]) or spectrum[1].shape[1] != spectrum[1].shape[2]:
        return None
    weights = spectrum[1]
    rounding = ZERO_TOLERANCE * np.abs(weights).max()
    if np.abs(weights - weights.swapaxes(1, 2)).max() > rounding:
        return None
    # The weight of a pole of one state has rank 1: all eigenvalues but one are 0, and the trace is
    # the remaining one.
    smallest = np.linalg.eigvalsh(weights)[:, 0]
    trace = np.trace(weights, axis1=1, axis2=2)
    return float(np.where(smallest < -rounding, smallest, trace).min())


def start_balance(student: LinearStudent, rates: Rates) -> StartBalance:
    """Whether training keeps the student balanced from its start on."""
    start = student.start
    if student.tied:
        return StartBalance(True, 0.0, "The student is tied: C = Bᵀ at every step.")
    match start:
        case GaussianStart(balanced=True, scale=size):
            return _equal_entries(size, rates)
        case IdentityStart(balanced=True):
            return _equal_entries(1.0, rates)
        case WarmStart(fixed=float(fixed)):
            return _equal_entries(abs(fixed) * np.sqrt(student.dim), rates)
        case GaussianStart(scale=scale):
            distance = float(np.sqrt(2) * scale)
            sentence = (
                f"B and Cᵀ start about {distance:.2g} apart. From near zero they approach each "
                "other; from farther away they may not."
            )
            return StartBalance(False, -distance, sentence)
        case ExplicitStart(B=B, C=C):
            return _explicit(np.array(B), np.array(B).T if C is None else np.array(C), rates)
        case FromExperimentStart():
            sentence = "The start is another experiment's result; the spec lacks its imbalance."
            return StartBalance(None, None, sentence)
        case _:
            return StartBalance(False, None, f"A {start.kind} start has B different from Cᵀ.")


def _equal_entries(size: float, rates: Rates) -> StartBalance:
    """The balance of a start with C = Bᵀ and |B| about ``size``."""
    b, c = _factors(rates)
    if b == c:
        sentence = "The start has C = Bᵀ, which gradient steps of a symmetric student preserve."
        return StartBalance(True, 0.0, sentence)
    distance = abs(b - c) * size
    sentence = (
        f"The start has C = Bᵀ, but rates r_B = {rates.B:g} and r_C = {rates.C:g} preserve "
        f"B/√r_B = Cᵀ/√r_C: they lead B and Cᵀ apart, by about {distance:.2g}."
    )
    return StartBalance(False, -float(distance), sentence)


def _explicit(B: np.ndarray, C: np.ndarray, rates: Rates) -> StartBalance:
    b, c = _factors(rates)
    distance = float(np.linalg.norm(b * B - c * C.T))
    if b == c:
        sentence = f"|B - Cᵀ| = {distance:.3g} at the start."
        return StartBalance(distance == 0, -distance, sentence)
    sentence = (
        f"Rates r_B = {rates.B:g} and r_C = {rates.C:g} preserve B/√r_B = Cᵀ/√r_C; at the start, "
        f"scaled to a geometric mean of 1, they are {distance:.3g} apart."
    )
    return StartBalance(distance <= 1e-12 * float(np.linalg.norm(b * B)), -distance, sentence)


def _factors(rates: Rates) -> tuple[float, float]:
    """1/√r_B and 1/√r_C, divided by their geometric mean; 1 and 1 if a rate is 0."""
    ratio = (rates.C / rates.B) ** 0.25 if rates.B and rates.C else 1.0
    return ratio, 1 / ratio
