"""Vectors of numbers in machine code: the few operations that the compiled loops are made of, as LLVM for Numba.

What compilers make of plain loops depends on lengths that they don't know. Here a vector fills one register, lengths
are whole vectors, and a tile of up to 4 x 4 vectors of the result stays in registers while the sum runs, as in the
GEMM of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008). Products and sums are fused,
and their order is that of the code, whatever the processor.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_intrinsic: Any = intrinsic
_asked = os.environ.get("NUMBA_CPU_FEATURES")
_wide = llvm.get_host_cpu_features().get("avx512f") if _asked is None else "+avx512f" in _asked.split(",")
"""Whether the processor that Numba compiles for, this one unless NUMBA_CPU_FEATURES says so, has registers of 64."""

BYTES = 64 if _wide else 32
"""Of one vector. Where registers are smaller, LLVM takes several."""

WIDEST = {1: 8, 2: 8, 4: 4} if _wide else {1: 6, 2: 4, 4: 3}
"""How many vectors a tile of so many rows has side by side, for 32 and for 16 registers."""

_CHAINS = 8
"""Sums that must run side by side, since each waits some cycles for its last addition."""

_INT = ir.IntType(64)
_LANE = ir.IntType(32)
_X86 = llvm.get_process_triple().startswith("x86_64")
_FLUSH = 0x8040
"""Two bits of MXCSR: subnormal numbers count as zero, as operands and as results."""


class _Lanes:
    """Writes vector operations on numbers of the type that a pointer points to."""

    def __init__(self, builder: Any, pointer: Any) -> None:
        bits = pointer.dtype.bitwidth
        self.builder, self.count = builder, 8 * BYTES // bits
        self.type = ir.VectorType({32: ir.FloatType(), 64: ir.DoubleType()}[bits], self.count)
        self.zero = ir.Constant(self.type, None)
        self._undefined, self._align = ir.Constant(self.type, ir.Undefined), bits // 8
        self._fused = f"llvm.fma.v{self.count}f{bits}"

    def load(self, pointer: Any, at: Any) -> Any:
        place = self.builder.bitcast(self.builder.gep(pointer, [at]), self.type.as_pointer())
        return self.builder.load(place, align=self._align)

    def store(self, value: Any, pointer: Any, at: Any) -> None:
        place = self.builder.bitcast(self.builder.gep(pointer, [at]), self.type.as_pointer())
        self.builder.store(value, place, align=self._align)

    def everywhere(self, number: Any) -> Any:
        first = self.builder.insert_element(self._undefined, number, _LANE(0))
        return self.shuffled(first, first, [0] * self.count)

    def fused(self, x: Any, y: Any, z: Any) -> Any:
        """x y + z."""
        kind = ir.FunctionType(self.type, [self.type] * 3)
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, self._fused), [x, y, z])

    def shuffled(self, x: Any, y: Any, lanes: Sequence[int]) -> Any:
        return self.builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_LANE, len(lanes)), list(lanes)))

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
                turned[i] = self.shuffled(*pair, [self.count + j - apart if j & apart else j for j in lanes])
                turned[i + apart] = self.shuffled(*pair, [self.count + j if j & apart else j + apart for j in lanes])
            rows, apart = turned, 2 * apart
        return rows

    def block(self, pointer: Any, step: Any) -> tuple[list[Any], list[Any]]:
        """Where the rows of a square block begin, and the rows."""
        places = [self.builder.mul(step, _INT(i)) for i in range(self.count)]
        return places, [self.load(pointer, place) for place in places]


def _tile(lanes: _Lanes, height: int, width: int, arguments: Sequence[Any]) -> None:
    """One tile of a :func:`product`, ``height`` numbers by ``width`` vectors."""
    x, x_row, x_step, y, y_step, count, out, out_row = arguments
    builder, chains = lanes.builder, -(-_CHAINS // (height * width))
    sums = [
        [[cgutils.alloca_once_value(builder, lanes.zero) for _ in range(width)] for _ in range(height)]
        for _ in range(chains)
    ]

    def add(r: Any, chain: int) -> None:
        begin, column = builder.mul(r, y_step), builder.mul(r, x_step)
        row = [lanes.load(y, builder.add(begin, _INT(v * lanes.count))) for v in range(width)]
        for i in range(height):
            weight = builder.load(builder.gep(x, [builder.add(column, builder.mul(x_row, _INT(i)))]))
            weights = lanes.everywhere(weight)
            for v in range(width):
                so_far = sums[chain][i][v]
                builder.store(lanes.fused(weights, row[v], builder.load(so_far)), so_far)

    whole = builder.sub(count, builder.srem(count, _INT(chains)))
    with cgutils.for_range_slice(builder, _INT(0), whole, _INT(chains), inc=True) as (r, _):
        for chain in range(chains):
            add(builder.add(r, _INT(chain)), chain)
    if chains > 1:
        with cgutils.for_range_slice(builder, whole, count, _INT(1), inc=True) as (r, _):
            add(r, 0)
    for i in range(height):
        for v in range(width):
            total = builder.load(sums[0][i][v])
            for chain in range(1, chains):
                total = builder.fadd(total, builder.load(sums[chain][i][v]))
            lanes.store(total, out, builder.add(builder.mul(out_row, _INT(i)), _INT(v * lanes.count)))


@contextmanager
def _while_below(builder: Any, end: Any) -> Iterator[tuple[Any, Any]]:
    """A loop whose body sees a count, from 0, and says in a slot how far it goes on from there."""
    count, onward = cgutils.alloca_once_value(builder, _INT(0)), cgutils.alloca_once(builder, _INT)
    head, body, done = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.load(count)
    builder.cbranch(builder.icmp_signed("<", at, end), body, done)
    builder.position_at_end(body)
    yield at, onward
    builder.store(builder.add(at, builder.load(onward)), count)
    builder.branch(head)
    builder.position_at_end(done)


def _tiled(lanes: _Lanes, arguments: Sequence[Any]) -> None:
    """All tiles of a :func:`product`: rows of tiles as high as fit, each of tiles as wide as there are."""
    x, x_row, x_step, y, y_step, count, out, out_row, height, width = arguments
    builder, vectors = lanes.builder, lanes.builder.sdiv(width, _INT(lanes.count))

    def tiles(row: Any, h: int) -> None:
        weights, begin = builder.gep(x, [builder.mul(row, x_row)]), builder.mul(row, out_row)
        with _while_below(builder, vectors) as (column, onward):
            left, most = builder.sub(vectors, column), _INT(WIDEST[h])
            one_more = builder.icmp_signed("==", left, _INT(WIDEST[h] + 1))  # one vector alone would be slow
            most = builder.select(one_more, _INT(WIDEST[h] - 1), most)
            across = builder.select(builder.icmp_signed("<", left, most), left, most)
            builder.store(across, onward)
            numbers, done = builder.mul(column, _INT(lanes.count)), builder.append_basic_block()
            into, rows = builder.gep(out, [builder.add(begin, numbers)]), builder.gep(y, [numbers])
            case = builder.switch(across, done)
            for w in range(1, WIDEST[h] + 1):
                block = builder.append_basic_block()
                case.add_case(_INT(w), block)
                builder.position_at_end(block)
                _tile(lanes, h, w, (weights, x_row, x_step, rows, y_step, count, into, out_row))
                builder.branch(done)
            builder.position_at_end(done)

    begun = _INT(0)
    for h in sorted(WIDEST, reverse=True):
        ended = builder.sub(height, builder.srem(height, _INT(h)))
        with cgutils.for_range_slice(builder, begun, ended, _INT(h), inc=True) as (row, _):
            tiles(row, h)
        begun = ended


@_intrinsic
def product(_, x, x_row, x_step, y, y_step, count, out, out_row, height, width):
    """Out[i out_row + l] = Σ_{r < count} x[i x_row + r x_step] y[r y_step + l] for i < height, l < width.

    ``width`` is in numbers, whole vectors of them. It is a function of its own, so that it is compiled once.
    """

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        name, module = f"product_{x.dtype}", builder.module
        if name not in module.globals:
            kinds = [argument.type for argument in arguments]
            function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            inside = ir.IRBuilder(function.append_basic_block())
            _tiled(_Lanes(inside, x), function.args)
            inside.ret_void()
        builder.call(module.globals[name], arguments)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(x, whole, whole, y, whole, whole, out, whole, whole, whole), write


@_intrinsic
def inner(_, x, y, vectors):
    """Σ_l x[l] y[l] over so many vectors."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        left, right, count = arguments
        lanes = _Lanes(builder, x)
        total, step = cgutils.alloca_once_value(builder, lanes.zero), _INT(lanes.count)
        with cgutils.for_range_slice(builder, _INT(0), builder.mul(count, step), step, inc=True) as (at, _):
            builder.store(lanes.fused(lanes.load(left, at), lanes.load(right, at), builder.load(total)), total)
        return lanes.total(builder.load(total))

    return x.dtype(x, y, types.intp), write


@_intrinsic
def times(_, x, y, out, vectors):
    """Out[l] = x[l] y[l] over so many vectors."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        left, right, into, count = arguments
        lanes = _Lanes(builder, x)
        step = _INT(lanes.count)
        with cgutils.for_range_slice(builder, _INT(0), builder.mul(count, step), step, inc=True) as (at, _):
            lanes.store(builder.fmul(lanes.load(left, at), lanes.load(right, at)), into, at)
        return context.get_dummy_value()

    return types.void(x, y, out, types.intp), write


@_intrinsic
def transpose(_, block, into, step):
    """A square block of one vector a row, transposed into another; ``step`` is from row to row."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        source, target, apart = arguments
        lanes = _Lanes(builder, block)
        places, rows = lanes.block(source, apart)
        for place, row in zip(places, lanes.transposed(rows), strict=True):
            lanes.store(row, target, place)
        return context.get_dummy_value()

    return types.void(block, into, types.intp), write


@_intrinsic
def symmetrise(_, lower, upper, step):
    """Each of two square blocks becomes its mean with the other one transposed."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        one, other, apart = arguments
        lanes = _Lanes(builder, lower)
        places, rows = lanes.block(one, apart)
        half = ir.Constant(lanes.type, [0.5] * lanes.count)
        turned = lanes.transposed(lanes.block(other, apart)[1])
        means = [builder.fmul(half, builder.fadd(a, b)) for a, b in zip(rows, turned, strict=True)]
        for place, mean, back in zip(places, means, lanes.transposed(means), strict=True):
            lanes.store(mean, one, place)
            lanes.store(back, other, place)
        return context.get_dummy_value()

    return types.void(lower, upper, types.intp), write


@_intrinsic
def address(_, array):
    """Where a contiguous array begins. Whoever takes it keeps the array."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        return context.make_array(array)(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), write


@_intrinsic
def past(_, pointer, count):
    """The place so many numbers on."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, types.intp), write


@_intrinsic
def flushing(_, mode):
    """Has this thread count subnormal numbers as zero where ``mode`` is negative, else sets the mode; returns the last.

    Powers of A end among them, in single precision soon, and there each operation takes a hundred times as long.
    Elsewhere than on x86-64 nothing is done.
    """

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        if not _X86:
            return _LANE(0)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        store, load = (
            cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
            for name in ("stmxcsr", "ldmxcsr")
        )
        place = cgutils.alloca_once(builder, _LANE)
        there = builder.bitcast(place, ir.IntType(8).as_pointer())
        builder.call(store, [there])
        before, (asked,) = builder.load(place), arguments
        flush = builder.icmp_signed("<", asked, _LANE(0))
        builder.store(builder.select(flush, builder.or_(before, _LANE(_FLUSH)), asked), place)
        builder.call(load, [there])
        return before

    return types.int32(types.int32), write
