"""Vectors of numbers in machine code, written as LLVM for Numba: each fills one register.

What compilers make of plain loops depends on lengths that they don't know; here every length is
whole vectors. Products and sums are fused, and their order is that of the code, whatever the
processor.
"""

import math
import os
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils

_asked = os.environ.get("NUMBA_CPU_FEATURES")
_wide = (
    llvm.get_host_cpu_features().get("avx512f")
    if _asked is None
    else "+avx512f" in _asked.split(",")
)
"""Whether the processor that Numba compiles for, this one unless NUMBA_CPU_FEATURES says so, has
registers of 64."""

BYTES = 64 if _wide else 32
"""Of one vector. Where registers are smaller, LLVM takes several."""

INT = ir.IntType(64)
"""Counts and places."""

_LANE = ir.IntType(32)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros, beginning where a vector may."""
    size = math.prod(shape)
    room = np.zeros(size + BYTES // dtype.itemsize, dtype)
    skipped = -room.ctypes.data % BYTES // dtype.itemsize
    return room[skipped : skipped + size].reshape(shape)


class Lanes:
    """Writes vector operations on numbers of the type that a pointer points to.

    Attributes:
        builder: What the instructions are appended to.
        bits: Of a number.
        count: Numbers of a vector.
        type: Of a vector.
        zero: A vector of zeros.
    """

    def __init__(self, builder: Any, pointer: Any) -> None:
        """For the place that the builder stands at."""
        bits = pointer.dtype.bitwidth
        self.builder, self.bits, self.count = builder, bits, 8 * BYTES // bits
        self.type = ir.VectorType({32: ir.FloatType(), 64: ir.DoubleType()}[bits], self.count)
        self.zero = ir.Constant(self.type, None)
        self._undefined, self._align = ir.Constant(self.type, ir.Undefined), bits // 8
        self._fused = f"llvm.fma.v{self.count}f{bits}"

    def load(self, pointer: Any, at: Any) -> Any:
        """The vector that begins so many numbers on."""
        place = self.builder.bitcast(self.builder.gep(pointer, [at]), self.type.as_pointer())
        return self.builder.load(place, align=self._align)

    def store(self, value: Any, pointer: Any, at: Any) -> None:
        """Writes the vector there."""
        place = self.builder.bitcast(self.builder.gep(pointer, [at]), self.type.as_pointer())
        self.builder.store(value, place, align=self._align)

    def constant(self, number: float) -> Any:
        """The number in every lane."""
        return ir.Constant(self.type, [number] * self.count)

    def everywhere(self, number: Any) -> Any:
        """Likewise, of a number that is in a register."""
        first = self.builder.insert_element(self._undefined, number, _LANE(0))
        return self.shuffled(first, first, [0] * self.count)

    def fused(self, x: Any, y: Any, z: Any) -> Any:
        """The vector x y + z, rounded once."""
        kind = ir.FunctionType(self.type, [self.type] * 3)
        fused: Any = cgutils.get_or_insert_function  # of a package without types
        return self.builder.call(fused(self.builder.module, kind, self._fused), [x, y, z])

    def shuffled(self, x: Any, y: Any, lanes: Sequence[int]) -> Any:
        """A vector of such lanes of two, those of the second counted on from those of the first."""
        return self.builder.shuffle_vector(
            x, y, ir.Constant(ir.VectorType(_LANE, len(lanes)), list(lanes))
        )

    def total(self, vector: Any) -> Any:
        """The sum over the lanes: halves, halves of halves."""
        count = self.count
        while count > 1:
            count //= 2
            low, high = (self.shuffled(vector, vector, range(i, i + count)) for i in (0, count))
            vector = self.builder.fadd(low, high)
        return self.builder.extract_element(vector, _LANE(0))

    def transposed(self, rows: list[Any]) -> list[Any]:
        """As many vectors as there are lanes, as a matrix, transposed: 2 x 2 blocks, then blocks of those."""
        apart = 1
        while apart < self.count:
            turned = list(rows)
            for i in (i for i in range(self.count) if not i & apart):
                pair, lanes = (rows[i], rows[i + apart]), range(self.count)
                turned[i] = self.shuffled(
                    *pair, [self.count + j - apart if j & apart else j for j in lanes]
                )
                turned[i + apart] = self.shuffled(
                    *pair, [self.count + j if j & apart else j + apart for j in lanes]
                )
            rows, apart = turned, 2 * apart
        return rows

    def block(self, pointer: Any, step: Any) -> tuple[list[Any], list[Any]]:
        """Where the rows of a square block begin, and the rows."""
        places = [self.builder.mul(step, INT(i)) for i in range(self.count)]
        return places, [self.load(pointer, place) for place in places]
