"""The strip: each seed a tick on one logarithmic axis, so that rows can be read down the page."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from core.result import Outcome

LOWEST, HIGHEST = -9, 3
"""The ends of the axis: powers of ten of the error, in units of answering zero."""

WIDTH = 150


@dataclass(frozen=True)
class Tick:
    """One seed.

    Attributes:
        x: Its place, from 0 to :data:`WIDTH`.
        kind: ``fitted``, ``over`` (it fits, and errs by more than answering zero), ``not-fitted``
            or ``diverged``.
    """

    x: float
    kind: str


def position(error: float) -> float:
    """The place of an error on the axis; the ends for errors beyond it."""
    if error <= 0:
        return 0.0
    exponent = HIGHEST if math.isinf(error) else math.log10(error)
    share = (exponent - LOWEST) / (HIGHEST - LOWEST)
    return round(WIDTH * min(max(share, 0.0), 1.0), 1)


ONE = position(1.0)
"""The place of an error as large as that of answering zero."""


def ticks(seeds: Iterable[tuple[Outcome | None, float | None]]) -> list[Tick]:
    """The ticks of seeds by outcome and error; seeds that have not ended have none.

    Example:
        >>> ticks([(Outcome.FITTED, 1e-3), (Outcome.DIVERGED, math.inf), (None, None)])
        [Tick(x=75.0, kind='fitted'), Tick(x=150.0, kind='diverged')]
    """
    made = []
    for outcome, error in seeds:
        if outcome is Outcome.DIVERGED:
            made.append(Tick(float(WIDTH), "diverged"))
        elif outcome is not None and error is not None and not math.isnan(error):
            fits = "fitted" if error <= 1 else "over"
            made.append(Tick(position(error), fits if outcome is Outcome.FITTED else "not-fitted"))
    return made
