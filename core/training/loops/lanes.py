"""Vectors that fill one register, as LLVM code for Numba.

What compilers make of plain loops depends on lengths that they don't know; here every length is a
multiple of a vector. Products and sums are fused, in the order of the code, on any processor.
"""

import math
import os
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils

_requested_features = os.environ.get("NUMBA_CPU_FEATURES")
_has_avx512 = (
    llvm.get_host_cpu_features().get("avx512f")
    if _requested_features is None
    else "+avx512f" in _requested_features.split(",")
)
"""Whether the processor that Numba compiles for has registers of 64 bytes: this processor, unless
NUMBA_CPU_FEATURES names another."""

BYTES = 64 if _has_avx512 else 32
"""The size of a vector. On smaller registers, LLVM splits it."""

INT = ir.IntType(64)
"""The type of counts and offsets."""

_LANE = ir.IntType(32)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """An array of zeros that begins at a multiple of a vector's size."""
    size = math.prod(shape)
    buffer = np.zeros(size + BYTES // dtype.itemsize, dtype)
    skipped = -buffer.ctypes.data % BYTES // dtype.itemsize
    return buffer[skipped : skipped + size].reshape(shape)


class Lanes:
    """Writes vector operations on numbers of a pointer's type.

    Attributes:
        builder: Receives the instructions.
        bits: The size of a number.
        count: The numbers in a vector.
        type: The type of a vector.
        zero: A vector of zeros.
    """

    def __init__(self, builder: Any, pointer: Any) -> None:
        """For the current position of the builder."""
        bits = pointer.dtype.bitwidth
        self.builder, self.bits, self.count = builder, bits, 8 * BYTES // bits
        self.type = ir.VectorType({32: ir.FloatType(), 64: ir.DoubleType()}[bits], self.count)
        self.zero = ir.Constant(self.type, None)
        self._undefined, self._align = ir.Constant(self.type, ir.Undefined), bits // 8
        self._fma = f"llvm.fma.v{self.count}f{bits}"

    def load(self, pointer: Any, offset: Any) -> Any:
        """The vector at ``offset`` numbers from the pointer."""
        address = self.builder.bitcast(self.builder.gep(pointer, [offset]), self.type.as_pointer())
        return self.builder.load(address, align=self._align)

    def store(self, value: Any, pointer: Any, offset: Any) -> None:
        """Writes the vector at ``offset`` numbers from the pointer."""
        address = self.builder.bitcast(self.builder.gep(pointer, [offset]), self.type.as_pointer())
        self.builder.store(value, address, align=self._align)

    def constant(self, number: float) -> Any:
        """The number in every lane."""
        return ir.Constant(self.type, [number] * self.count)

    def broadcast(self, number: Any) -> Any:
        """A number in a register, copied to every lane."""
        first = self.builder.insert_element(self._undefined, number, _LANE(0))
        return self.shuffle(first, first, [0] * self.count)

    def fused(self, x: Any, y: Any, z: Any) -> Any:
        """The vector x y + z, rounded once."""
        signature = ir.FunctionType(self.type, [self.type] * 3)
        get_function: Any = cgutils.get_or_insert_function  # Numba has no types
        fma = get_function(self.builder.module, signature, self._fma)
        return self.builder.call(fma, [x, y, z])

    def shuffle(self, x: Any, y: Any, lanes: Sequence[int]) -> Any:
        """A vector of these lanes of x and y; the lanes of y are numbered after those of x."""
        return self.builder.shuffle_vector(
            x, y, ir.Constant(ir.VectorType(_LANE, len(lanes)), list(lanes))
        )

    def total(self, vector: Any) -> Any:
        """The sum over the lanes, by repeated halving."""
        count = self.count
        while count > 1:
            count //= 2
            low, high = (self.shuffle(vector, vector, range(i, i + count)) for i in (0, count))
            vector = self.builder.fadd(low, high)
        return self.builder.extract_element(vector, _LANE(0))

    def transposed(self, rows: list[Any]) -> list[Any]:
        """The transpose of a square matrix of ``count`` vectors: 2 x 2 blocks, then 4 x 4, ..."""
        distance = 1
        while distance < self.count:
            transposed = list(rows)
            for i in (i for i in range(self.count) if not i & distance):
                pair, lanes = (rows[i], rows[i + distance]), range(self.count)
                upper = [self.count + j - distance if j & distance else j for j in lanes]
                lower = [self.count + j if j & distance else j + distance for j in lanes]
                transposed[i] = self.shuffle(*pair, upper)
                transposed[i + distance] = self.shuffle(*pair, lower)
            rows, distance = transposed, 2 * distance
        return rows

    def load_block(self, pointer: Any, row_step: Any) -> tuple[list[Any], list[Any]]:
        """The offsets of a square block's rows, and the rows."""
        offsets = [self.builder.mul(row_step, INT(i)) for i in range(self.count)]
        return offsets, [self.load(pointer, offset) for offset in offsets]
