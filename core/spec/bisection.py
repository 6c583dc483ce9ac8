"""Bisection of an axis: the neighbouring values between which a verdict flips, and the middle."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Scale = Literal["linear", "log"]

_DIGITS = (6, 12, 17)
"""Significant digits of a middle: the fewest that lie between the ends."""


@dataclass(frozen=True)
class Halving:
    """How values of an axis are halved, and until when.

    Attributes:
        scale: ``log`` takes the geometric middle of positive values.
        is_whole: Whether only whole numbers are tried.
        tolerance: The largest distance of two ends that counts as located: the difference, or of
            numbers that are not whole on a logarithmic scale, relative to the lower end.
    """

    scale: Scale
    is_whole: bool
    tolerance: float

    def is_close(self, low: float, high: float) -> bool:
        """Whether two ends are within the tolerance."""
        if self.is_whole:
            return high - low <= max(self.tolerance, 1)
        width = high / low - 1 if self.scale == "log" else high - low
        return width <= self.tolerance

    def middle(self, low: float, high: float) -> float | None:
        """The value in the middle of two others; None if no number lies between them.

        Example:
            >>> Halving("linear", True, 1).middle(3, 12), Halving("log", False, 0.1).middle(0.01, 1)
            (7, 0.1)
        """
        exact = math.sqrt(low) * math.sqrt(high) if self.scale == "log" else low + (high - low) / 2
        tried = (
            [math.floor(exact), math.ceil(exact)]
            if self.is_whole
            else [float(f"{exact:.{digits}g}") for digits in _DIGITS]
        )
        return next((value for value in tried if low < value < high), None)


@dataclass(frozen=True)
class Bracket:
    """Two neighbouring values of an axis with different verdicts.

    Attributes:
        low: The lower value.
        high: The higher value.
        middle: The value to try next; None if the flip is located.
    """

    low: float
    high: float
    middle: float | None


def brackets(verdicts: Mapping[float, bool], halving: Halving) -> list[Bracket]:
    """Where the verdict flips, from the lowest value up.

    Args:
        verdicts: The verdict at each value.
        halving: How to halve a bracket.

    Example:
        >>> brackets({2: False, 8: True, 5: False}, Halving("linear", True, 1))
        [Bracket(low=5, high=8, middle=6)]
    """
    return [
        Bracket(low, high, None if halving.is_close(low, high) else halving.middle(low, high))
        for low, high in itertools.pairwise(sorted(verdicts))
        if verdicts[low] != verdicts[high]
    ]
