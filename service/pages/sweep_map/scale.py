"""Scales of numbers: where a number lies between two ends, with few round labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.figures.coordinates import metric_scale
from service.pages.frame.words import number, power

MAX_DECADES = 20
"""Most decades of a scale; smaller numbers lie at its lower end."""

MAX_LABELS = 9


@dataclass(frozen=True)
class Scale:
    """A scale from ``low`` to ``high``; a logarithmic one begins and ends at powers of ten."""

    low: float
    high: float
    is_log: bool

    @classmethod
    def of(cls, metric: str, values: Sequence[float]) -> "Scale | None":
        """The scale that holds the finite values of a metric; None if there are none.

        Example:
            >>> Scale.of("fit_error", [0.02, 3e-5, float("inf")])
            Scale(low=1e-05, high=0.1, is_log=True)
        """
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return None
        return cls.spanning(finite, is_log=metric_scale(metric, finite) == "log")

    @classmethod
    def spanning(cls, finite: Sequence[float], *, is_log: bool) -> "Scale":
        """The scale that holds finite values, of which a logarithmic one shows those above 0."""
        if is_log:
            positive = [value for value in finite if value > 0]
            highest = math.ceil(math.log10(max(positive)) - 1e-9)
            lowest = max(math.floor(math.log10(min(positive)) + 1e-9), highest - MAX_DECADES)
            return cls(10.0 ** min(lowest, highest - 1), 10.0**highest, is_log=True)
        low, high = min(finite), max(finite)
        step = _round_step(high - low or abs(low) or 1.0)
        low = math.floor(low / step) * step
        return cls(low, max(math.ceil(high / step) * step, low + step), is_log=False)

    def share(self, value: float) -> float:
        """The place of a value, from 0 at the lower end to 1; values beyond are at the ends."""
        if math.isinf(value):
            return 1.0 if value > 0 else 0.0
        if self.is_log:
            if value <= self.low:
                return 0.0
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    @property
    def labels(self) -> list[tuple[float, str]]:
        """The places of its labels, with their texts: powers of ten alone if it is logarithmic."""
        if self.is_log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            every = max(1, math.ceil((last - first) / (MAX_LABELS - 1)))
            exponents = range(last, first - 1, -every)
            return [(self.share(10.0**exponent), power(exponent)) for exponent in exponents]
        step = _round_step(self.high - self.low)
        count = round((self.high - self.low) / step)
        values = [self.low + step * place for place in range(count + 1)]
        return [(self.share(value), number(value)) for value in values]


def _round_step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, of which a span has about five."""
    power = 10.0 ** math.floor(math.log10(span / 5))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= span / 5 * 0.999)
