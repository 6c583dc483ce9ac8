"""Ticks with round labels, as many as there is room for."""

import math
from abc import abstractmethod
from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    Locator,
    LogFormatter,
    MaxNLocator,
    NullLocator,
)

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

MANY_DECADES = 100.0
"""Least ratio of the limits of a logarithmic axis without minor ticks."""

MAX_TICKS = 16
"""Up to this number of values, each value of an axis has a tick."""


class _RoomyLocator(Locator):
    """Ticks that depend on how many labels there is room for."""

    def __call__(self) -> Sequence[float]:
        """The places of the ticks."""
        axis = self.axis
        assert isinstance(axis, Axis)  # noqa: S101  # a locator without one is never called
        low, high = sorted(axis.get_view_interval())
        return [float(place) for place in self.places(low, high, max(axis.get_tick_space(), 2))]

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """The places of the ticks between two limits, on axes of ordinary size."""
        return [float(place) for place in self.places(vmin, vmax, 9)]

    @abstractmethod
    def places(self, low: float, high: float, room: int) -> np.ndarray:
        """The places of ticks between two limits if there is room for so many labels."""


class IntegerLocator(_RoomyLocator):
    """Ticks at integers: at each of the given values if there is room, else at some."""

    def __init__(self, values: Collection[float]) -> None:
        self._values = sorted(values)

    def places(self, low: float, high: float, room: int) -> np.ndarray:
        """The places of ticks between two limits if there is room for so many labels."""
        visible = [value for value in self._values if low <= value <= high]
        if 1 < len(visible) <= min(MAX_TICKS, 1.5 * room):
            return np.array(visible)
        return np.asarray(MaxNLocator(min(room, 9), integer=True).tick_values(low, high))


class DecadeLocator(_RoomyLocator):
    """Ticks at 0 and at powers of ten from a smallest one on, evenly thinned if they are many."""

    def __init__(self, smallest: float) -> None:
        self._first = int(np.floor(np.log10(smallest)))

    def places(self, low: float, high: float, room: int) -> np.ndarray:
        """The places of ticks between two limits if there is room for so many labels."""
        del low
        if high <= 0:
            return np.zeros(1)
        last = max(int(np.floor(np.log10(high))), self._first)
        stride = max(1, -(-(last - self._first + 1) // max(int(1.2 * room) - 1, 1)))
        exponents = np.arange(self._first, last + 1, stride)
        return np.concatenate([[0.0], 10.0**exponents])


def decades_from_zero(axis: Axis, smallest: float) -> None:
    """Puts ticks at 0 and at powers of ten; ``smallest`` is the smallest positive value."""
    axis.set_major_locator(DecadeLocator(smallest))
    axis.set_major_formatter(FuncFormatter(lambda x, _: short_number(x, power=True)))
    axis.set_minor_locator(FixedLocator([]))


class EndsLocator(_RoomyLocator):
    """Ticks at both ends of the given values, and at round numbers between them."""

    def __init__(self, values: Collection[float], *, logarithmic: bool) -> None:
        self._values = sorted(values)
        self._is_log = logarithmic
        self._are_integers = all(float(value).is_integer() for value in values)

    def places(self, low: float, high: float, room: int) -> np.ndarray:
        """The places of ticks between two limits if there is room for so many labels."""
        del low, high
        room = min(room, MAX_TICKS)
        first, last = self._values[0], self._values[-1]
        if self._are_integers and len(self._values) <= room:
            inner = np.array(self._values[1:-1], float)
        elif self._is_log:
            exponents = np.arange(np.ceil(np.log10(first)), np.floor(np.log10(last)) + 1)
            inner = 10.0 ** exponents[:: max(1, -(-len(exponents) // room))]
        else:
            steps = MaxNLocator(room, integer=self._are_integers)
            inner = np.asarray(steps.tick_values(first, last))
        inner = inner[(inner > first) & (inner < last)]
        position = np.log if self._is_log else np.asarray
        gap = 0.8 * (position(last) - position(first)) / (room + 1)
        is_clear = (position(inner) - position(first) > gap) & (
            position(last) - position(inner) > gap
        )
        return np.concatenate([[first], inner[is_clear], [last]])


class PowerFormatter(LogFormatter):
    """Powers of ten as Unicode, which costs a tenth of mathematics and is text in every file."""

    def _num_to_string(self, x: float, vmin: float, vmax: float) -> str:
        del vmin, vmax
        return short_number(x, power=True)


def powers_of_ten(axis: Axis) -> None:
    """Labels a logarithmic axis; one of many decades has ticks at these alone."""
    axis.set_major_formatter(PowerFormatter())
    low, high = axis.get_view_interval()
    if high > MANY_DECADES * low:
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_minor_formatter(PowerFormatter())


def short_number(value: float, *, power: bool = False) -> str:
    """A number as the label of a tick: three digits at most, or a power of ten if it is one.

    Example:
        >>> print(short_number(0.00225), short_number(1e-3, power=True), short_number(40))
        2.25×10⁻³ 10⁻³ 40
    """
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)) + 1e-12)
    ten = f"10{str(exponent).translate(_SUPERSCRIPT)}"
    if power and math.isclose(value, 10.0**exponent, rel_tol=1e-9):
        return ten
    if -3 < exponent < 5:
        return f"{value:.6g}" if float(value).is_integer() else f"{value:.3g}"
    return f"{value / 10.0**exponent:.3g}×{ten}"
