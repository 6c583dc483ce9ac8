"""Formulas that are worked out entry by entry, written once in Python and turned into loops over vectors.

A formula is called with :class:`Numbers` while Numba compiles; each of its operations becomes an
instruction.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from core.training.loops.lanes import INT, Lanes

_intrinsic: Any = intrinsic

_DIGITS = {32: 23, 64: 52}
"""Of a number after the point, in base 2, by its bits."""

_TERMS = {32: 7, 64: 13}
"""Of the series of e^r - 1, |r| <= ln 2 / 2, after which what is left is below half a unit in the
last place."""

_LARGEST = {32: 87.0, 64: 708.0}
"""Where e^x is still a normal number, as is e^-x."""

_LN2 = {
    32: (0.693359375, -2.12194440e-4),
    64: (0.693147180369123816490, 1.90821492927058770002e-10),
}
"""ln 2 as a sum whose first part has few digits, so that n times it is exact (Cody and Waite,
1980)."""


class Numbers:
    """A vector of numbers in a formula."""

    def __init__(self, lanes: Lanes, value: Any) -> None:
        """For a value in a register."""
        self.lanes, self.value = lanes, value

    def _value(self, of: "Numbers | float") -> Any:
        return of.value if isinstance(of, Numbers) else self.lanes.constant(of)

    def _with(self, instruction: str, x: Any, y: Any) -> "Numbers":
        return Numbers(
            self.lanes, getattr(self.lanes.builder, instruction)(self._value(x), self._value(y))
        )

    def __add__(self, other: Any) -> "Numbers":
        return self._with("fadd", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Numbers":
        return self._with("fsub", self, other)

    def __rsub__(self, other: Any) -> "Numbers":
        return self._with("fsub", other, self)

    def __mul__(self, other: Any) -> "Numbers":
        return self._with("fmul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Numbers":
        return self._with("fdiv", self, other)

    def __rtruediv__(self, other: Any) -> "Numbers":
        return self._with("fdiv", other, self)

    def times_plus(self, factor: Any, term: Any) -> "Numbers":
        """Self · factor + term, rounded once."""
        return Numbers(
            self.lanes, self.lanes.fused(self.value, self._value(factor), self._value(term))
        )

    def clamped(self, largest: float) -> "Numbers":
        """Within ± ``largest``; NaN stays NaN."""
        value = self.value
        for bound, beyond in ((-largest, "<"), (largest, ">")):
            limit = self.lanes.constant(bound)
            outside = self.lanes.builder.fcmp_ordered(beyond, value, limit)
            value = self.lanes.builder.select(outside, limit, value)
        return Numbers(self.lanes, value)


def _exponential(x: Numbers) -> tuple[Numbers, Numbers]:
    """(q, 2^n) with e^x = 2^n (1 + q), |q| < 1/2, each to the last place, so that e^x - 1 loses nothing near zero."""
    lanes, builder, bits = x.lanes, x.lanes.builder, x.lanes.bits
    shift = (
        1.5 * 2.0 ** _DIGITS[bits]
    )  # added to a number, it leaves the nearest whole one in the last digits
    x = x.clamped(_LARGEST[bits])
    shifted = x.times_plus(1 / math.log(2), shift)
    n = shifted - shift
    high, low = _LN2[bits]
    r = n.times_plus(-low, n.times_plus(-high, x))
    q = r.times_plus(1 / math.factorial(_TERMS[bits]), 1 / math.factorial(_TERMS[bits] - 1))
    for term in reversed(range(1, _TERMS[bits] - 1)):
        q = q.times_plus(r, 1 / math.factorial(term))
    whole = ir.VectorType(ir.IntType(bits), lanes.count)
    one = builder.bitcast(lanes.constant(1.0), whole)
    place = ir.Constant(whole, [_DIGITS[bits]] * lanes.count)
    power = builder.add(
        builder.shl(builder.bitcast(shifted.value, whole), place), one
    )  # n onto the exponent of 1
    return q * r, Numbers(lanes, builder.bitcast(power, lanes.type))


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + e^-x)."""
    q, power = _exponential(0 - x)
    return 1 / (power.times_plus(q, power) + 1)


def tanh(x: Numbers) -> Numbers:
    """(e^2x - 1) / (e^2x + 1), as precise for a small x as for a large one."""
    q, power = _exponential(x + x)
    less_one = power.times_plus(q, power - 1)
    return less_one / (less_one + 2)


def each(formula: Callable[..., Sequence[Numbers]]) -> Any:
    """``f(given, made, vectors)``, which works ``formula`` out on so many vectors at the pointers of ``given``.

    Its results go to the pointers of ``made``, which may be those of ``given``.
    """

    def work(_: Any, given: Any, made: Any, vectors: Any) -> Any:  # noqa: ARG001  # Numba reads the signature
        def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
            sources, targets, count = arguments
            lanes = Lanes(builder, given.dtype)
            step = INT(lanes.count)
            with cgutils.for_range_slice(
                builder, INT(0), builder.mul(count, step), step, inc=True
            ) as (at, _):
                values = (
                    lanes.load(builder.extract_value(sources, i), at) for i in range(given.count)
                )
                results = formula(*[Numbers(lanes, value) for value in values])
                for i, result in enumerate(results):
                    lanes.store(result.value, builder.extract_value(targets, i), at)
            return context.get_dummy_value()

        return types.void(given, made, types.intp), write

    return _intrinsic(work)
