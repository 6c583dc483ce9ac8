"""Bullet marks: a value beside its bound, on a logarithmic axis around the bound."""

import math
from dataclasses import dataclass

from core.studies import Hypothesis, Verdict

DECADES = 3
"""Decades of the axis on either side of the bound."""

WIDTH = 160


@dataclass(frozen=True)
class Bullet:
    """A value and its bound.

    Attributes:
        x: The place of the value, from 0 to :data:`WIDTH`; None if there is none.
        good_from, good_to: The places between which the claim holds.
        verdict: The claim's.
    """

    x: float | None
    good_from: float
    good_to: float
    verdict: Verdict


def bullet(claim: Hypothesis) -> Bullet:
    """The mark of a claim; the bound is in the middle."""
    middle = WIDTH / 2
    is_below = "<" in claim.inequality
    good = (0.0, middle) if is_below else (middle, float(WIDTH))
    return Bullet(_place(claim.value, claim.bound), *good, claim.verdict)


def _place(value: float | None, bound: float) -> float | None:
    if value is None or math.isnan(value) or bound <= 0:
        return None
    if value <= 0:
        return 4.0
    decades = math.inf if math.isinf(value) else math.log10(value / bound)
    share = (decades + DECADES) / (2 * DECADES)
    return round(WIDTH * min(max(share, 0.025), 0.975), 1)
