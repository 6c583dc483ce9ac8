"""Ticks with round labels, as many as there is room for."""

import math
import sys
from abc import abstractmethod
from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    Locator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

MANY_DECADES = 100.0
"""Least ratio of the limits of a logarithmic axis without minor ticks."""

MAX_TICKS = 16
"""Up to this number of values, each value of an axis has a tick."""


_DIGITS = (tuple(range(1, 10)), (1, 2, 5), (1, 3), (1,))
"""The leading digits of ticks on logarithmic axes, from many to few."""

_WIDTH = 1.7
"""The width of a power of ten as a label, as a multiple of an ordinary label's."""


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
        if 1 < len(visible) <= MAX_TICKS and np.diff(visible).min() * 1.5 * room >= high - low:
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


class PowersLocator(_RoomyLocator):
    """Ticks at powers of ten; between them too, at round multiples, if there is room."""

    def places(self, low: float, high: float, room: int) -> np.ndarray:
        """The places of ticks between two limits if there is room for so many labels."""
        low = max(low, sys.float_info.min)
        if not low < high < math.inf:
            return np.array([low])
        for digits in _DIGITS:
            places = _multiples(low, high, digits)
            gaps = np.diff(np.log10(places)) / (math.log10(high) - math.log10(low))
            if len(places) > 1 and gaps.min() * room >= _WIDTH:
                return places
        powers = _multiples(low, high, (1,))
        if len(powers) > 2:
            stride = -(-len(powers) // max(int(room / _WIDTH), 2))
            exponents = np.log10(powers).round()
            some = powers[exponents % stride == 0]
            return some if len(some) > 1 else powers[[0, -1]]
        few = next((p for d in reversed(_DIGITS) if len(p := _multiples(low, high, d)) > 1), powers)
        return few[[0, -1]] if len(few) > 1 else few


def _multiples(low: float, high: float, digits: Sequence[int]) -> np.ndarray:
    """Numbers between two limits that are a power of ten times one of these digits."""
    powers = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = np.outer(powers, digits).ravel()
    return places[(places >= low * (1 - 1e-9)) & (places <= high * (1 + 1e-9))]


def powers_of_ten(axis: Axis) -> None:
    """Labels a logarithmic axis: powers of ten if it has many decades, else plain numbers.

    In Unicode, which costs a tenth of what mathematics does.
    """
    axis.set_major_locator(PowersLocator())
    low, high = axis.get_view_interval()
    has_powers = high > MANY_DECADES * low
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value, power=has_powers)))
    axis.set_minor_formatter(NullFormatter())
    if has_powers:
        axis.set_minor_locator(NullLocator())


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
