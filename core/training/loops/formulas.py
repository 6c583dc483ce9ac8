"""Elementwise formulas, written once in Python and compiled to loops over vectors.

While Numba compiles, a formula is called with :class:`Numbers`; each operation on them emits an
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

_MANTISSA_BITS = {32: 23, 64: 52}
"""Bits of the mantissa, by the size of a number."""

_TERMS = {32: 7, 64: 13}
"""Terms of the series of e^r - 1, |r| <= ln 2 / 2; the rest is below half a last digit."""

_MAX_EXPONENT = {32: 87.0, 64: 708.0}
"""The largest x for which both e^x and e^-x are normal numbers."""

_LN2 = {
    32: (0.693359375, -2.12194440e-4),
    64: (0.693147180369123816490, 1.90821492927058770002e-10),
}
"""ln 2 as a sum whose first part has few digits, so n times it is exact (Cody and Waite, 1980)."""


class Numbers:
    """A vector of numbers in a formula."""

    def __init__(self, lanes: Lanes, value: Any) -> None:
        """For a value in a register."""
        self.lanes, self.value = lanes, value

    def _value_of(self, operand: "Numbers | float") -> Any:
        return operand.value if isinstance(operand, Numbers) else self.lanes.constant(operand)

    def _emit(self, instruction: str, x: Any, y: Any) -> "Numbers":
        write = getattr(self.lanes.builder, instruction)
        return Numbers(self.lanes, write(self._value_of(x), self._value_of(y)))

    def __add__(self, other: Any) -> "Numbers":
        return self._emit("fadd", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Numbers":
        return self._emit("fsub", self, other)

    def __rsub__(self, other: Any) -> "Numbers":
        return self._emit("fsub", other, self)

    def __mul__(self, other: Any) -> "Numbers":
        return self._emit("fmul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Numbers":
        return self._emit("fdiv", self, other)

    def __rtruediv__(self, other: Any) -> "Numbers":
        return self._emit("fdiv", other, self)

    def times_plus(self, factor: Any, term: Any) -> "Numbers":
        """Self · factor + term, rounded once."""
        return Numbers(
            self.lanes, self.lanes.fused(self.value, self._value_of(factor), self._value_of(term))
        )

    def clamped(self, bound: float) -> "Numbers":
        """The numbers within ± ``bound``; NaN stays NaN."""
        value = self.value
        for limit, comparison in ((-bound, "<"), (bound, ">")):
            constant = self.lanes.constant(limit)
            outside = self.lanes.builder.fcmp_ordered(comparison, value, constant)
            value = self.lanes.builder.select(outside, constant, value)
        return Numbers(self.lanes, value)


def _exponential(x: Numbers) -> tuple[Numbers, Numbers]:
    """(q, 2^n) with e^x = 2^n (1 + q), |q| < 1/2.

    Both are accurate to the last place, so e^x - 1 stays accurate near zero.
    """
    lanes, builder, bits = x.lanes, x.lanes.builder, x.lanes.bits
    shift = 1.5 * 2.0 ** _MANTISSA_BITS[bits]  # x + shift has round(x) in its last digits
    x = x.clamped(_MAX_EXPONENT[bits])
    shifted = x.times_plus(1 / math.log(2), shift)
    n = shifted - shift
    high, low = _LN2[bits]
    r = n.times_plus(-low, n.times_plus(-high, x))
    q = r.times_plus(1 / math.factorial(_TERMS[bits]), 1 / math.factorial(_TERMS[bits] - 1))
    for term in reversed(range(1, _TERMS[bits] - 1)):
        q = q.times_plus(r, 1 / math.factorial(term))
    integers = ir.VectorType(ir.IntType(bits), lanes.count)
    one = builder.bitcast(lanes.constant(1.0), integers)
    digits = ir.Constant(integers, [_MANTISSA_BITS[bits]] * lanes.count)
    exponent = builder.shl(builder.bitcast(shifted.value, integers), digits)
    power = builder.add(exponent, one)  # adds n to the exponent of 1.0
    return q * r, Numbers(lanes, builder.bitcast(power, lanes.type))


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + e^-x)."""
    q, power = _exponential(0 - x)
    return 1 / (power.times_plus(q, power) + 1)


def tanh(x: Numbers) -> Numbers:
    """(e^2x - 1) / (e^2x + 1), with the same relative accuracy for small and large x."""
    q, power = _exponential(x + x)
    numerator = power.times_plus(q, power - 1)
    return numerator / (numerator + 2)


def elementwise(formula: Callable[..., Sequence[Numbers]]) -> Any:
    """A compiled ``f(sources, targets, vectors)`` that applies ``formula`` to each element.

    It reads ``vectors`` vectors at each pointer of ``sources`` and writes the results to the
    pointers of ``targets``, which may be those of ``sources``.
    """

    def apply(_: Any, sources: Any, targets: Any, vectors: Any) -> Any:  # noqa: ARG001  # Numba reads the signature
        def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
            inputs, outputs, count = arguments
            lanes = Lanes(builder, sources.dtype)
            step = INT(lanes.count)
            numbers = builder.mul(count, step)
            with cgutils.for_range_slice(builder, INT(0), numbers, step, inc=True) as (at, _):
                values = (
                    lanes.load(builder.extract_value(inputs, i), at) for i in range(sources.count)
                )
                results = formula(*[Numbers(lanes, value) for value in values])
                for i, result in enumerate(results):
                    lanes.store(result.value, builder.extract_value(outputs, i), at)
            return context.get_dummy_value()

        return types.void(sources, targets, types.intp), write

    return _intrinsic(apply)
