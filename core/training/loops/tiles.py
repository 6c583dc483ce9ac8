"""Products of small matrices in machine code, and the other vector operations of the loops.

A tile of up to 4 x 4 vectors of the result stays in registers while the sum runs, as in the GEMM of
Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from core.training.loops.lanes import BYTES, INT, Lanes

_intrinsic: Any = intrinsic

MAX_WIDTH = {1: 8, 2: 8, 4: 4} if BYTES == 64 else {1: 6, 2: 4, 4: 3}
"""The widest tile in vectors, by its height in rows, for 32 and for 16 registers."""

_CHAINS = 8
"""Independent sums per tile, at least: each waits some cycles for its last addition."""

_WORD = ir.IntType(32)
_X86 = llvm.get_process_triple().startswith("x86_64")
_FLUSH = 0x8040
"""Two bits of MXCSR: subnormal numbers count as zero, as operands and as results."""


def _tile(
    lanes: Lanes, height: int, width: int, arguments: Sequence[Any], *, accumulate: bool
) -> None:
    """One tile of a :func:`product`, ``height`` numbers by ``width`` vectors."""
    x, x_row, x_step, y, y_step, count, out, out_row = arguments
    builder, chains = lanes.builder, -(-_CHAINS // (height * width))
    sums = [
        [
            [cgutils.alloca_once_value(builder, lanes.zero) for _ in range(width)]
            for _ in range(height)
        ]
        for _ in range(chains)
    ]

    def add(r: Any, chain: int) -> None:
        start, column = builder.mul(r, y_step), builder.mul(r, x_step)
        row = [lanes.load(y, builder.add(start, INT(v * lanes.count))) for v in range(width)]
        for i in range(height):
            weight = builder.load(builder.gep(x, [builder.add(column, builder.mul(x_row, INT(i)))]))
            weights = lanes.broadcast(weight)
            for v in range(width):
                partial_sum = sums[chain][i][v]
                builder.store(lanes.fused(weights, row[v], builder.load(partial_sum)), partial_sum)

    unrolled = builder.sub(count, builder.srem(count, INT(chains)))
    with cgutils.for_range_slice(builder, INT(0), unrolled, INT(chains), inc=True) as (r, _):
        for chain in range(chains):
            add(builder.add(r, INT(chain)), chain)
    if chains > 1:
        with cgutils.for_range_slice(builder, unrolled, count, INT(1), inc=True) as (r, _):
            add(r, 0)
    for i in range(height):
        for v in range(width):
            total = builder.load(sums[0][i][v])
            for chain in range(1, chains):
                total = builder.fadd(total, builder.load(sums[chain][i][v]))
            offset = builder.add(builder.mul(out_row, INT(i)), INT(v * lanes.count))
            if accumulate:
                total = builder.fadd(total, lanes.load(out, offset))
            lanes.store(total, out, offset)


@contextmanager
def _while_below(builder: Any, end: Any) -> Iterator[tuple[Any, Any]]:
    """A loop over counts from 0 up to ``end``; its body stores the increment in the second slot."""
    count, increment = cgutils.alloca_once_value(builder, INT(0)), cgutils.alloca_once(builder, INT)
    head, body, done = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.load(count)
    builder.cbranch(builder.icmp_signed("<", at, end), body, done)
    builder.position_at_end(body)
    yield at, increment
    builder.store(builder.add(at, builder.load(increment)), count)
    builder.branch(head)
    builder.position_at_end(done)


def _tiled(lanes: Lanes, arguments: Sequence[Any], *, accumulate: bool) -> None:
    """All tiles of a :func:`product`: the highest that fit and, among those, the widest."""
    x, x_row, x_step, y, y_step, count, out, out_row, height, width = arguments
    builder, vectors = lanes.builder, lanes.builder.sdiv(width, INT(lanes.count))

    def row_of_tiles(row: Any, h: int) -> None:
        weights, start = builder.gep(x, [builder.mul(row, x_row)]), builder.mul(row, out_row)
        with _while_below(builder, vectors) as (column, increment):
            left, most = builder.sub(vectors, column), INT(MAX_WIDTH[h])
            # A single vector left over would be slow, and its sums would have another order.
            one_left_over = builder.icmp_signed("==", left, INT(MAX_WIDTH[h] + 1))
            most = builder.select(one_left_over, INT(MAX_WIDTH[h] - 1), most)
            across = builder.select(builder.icmp_signed("<", left, most), left, most)
            builder.store(across, increment)
            numbers, done = builder.mul(column, INT(lanes.count)), builder.append_basic_block()
            tile = builder.gep(out, [builder.add(start, numbers)])
            rows = builder.gep(y, [numbers])
            case = builder.switch(across, done)
            for w in range(1, MAX_WIDTH[h] + 1):
                block = builder.append_basic_block()
                case.add_case(INT(w), block)
                builder.position_at_end(block)
                tile_arguments = (weights, x_row, x_step, rows, y_step, count, tile, out_row)
                _tile(lanes, h, w, tile_arguments, accumulate=accumulate)
                builder.branch(done)
            builder.position_at_end(done)

    first = INT(0)
    for h in sorted(MAX_WIDTH, reverse=True):
        last = builder.sub(height, builder.srem(height, INT(h)))
        with cgutils.for_range_slice(builder, first, last, INT(h), inc=True) as (row, _):
            row_of_tiles(row, h)
        first = last


def _product(pointers: Sequence[Any], *, accumulate: bool) -> tuple[Any, Callable[..., Any]]:
    """The signature of a :func:`product`, and the writer of a call of it.

    It calls a function, so that each module compiles the product once.
    """
    x, y, out = pointers

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        name, module = f"{'more_' if accumulate else ''}product_{x.dtype}", builder.module
        if name not in module.globals:
            argument_types = [argument.type for argument in arguments]
            function = ir.Function(module, ir.FunctionType(ir.VoidType(), argument_types), name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            function_builder = ir.IRBuilder(function.append_basic_block())
            _tiled(Lanes(function_builder, x), function.args, accumulate=accumulate)
            function_builder.ret_void()
        builder.call(module.globals[name], arguments)
        return context.get_dummy_value()

    integer = types.intp
    signature = types.void(x, integer, integer, y, integer, integer, out, integer, integer, integer)
    return signature, write


@_intrinsic
def product(_, x, x_row, x_step, y, y_step, count, out, out_row, height, width):
    """Writes out[i out_row + l] = Σ_r x[i x_row + r x_step] y[r y_step + l].

    For r < ``count``, i < ``height``, l < ``width``. The width is in numbers and a multiple of a
    vector.
    """
    return _product((x, y, out), accumulate=False)


@_intrinsic
def add_product(_, x, x_row, x_step, y, y_step, count, out, out_row, height, width):
    """Adds the same sums as :func:`product` to ``out``."""
    return _product((x, y, out), accumulate=True)


@_intrinsic
def inner(_, x, y, vectors):
    """The inner product Σ_l x[l] y[l] over this many vectors."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        left, right, count = arguments
        lanes = Lanes(builder, x)
        total, step = cgutils.alloca_once_value(builder, lanes.zero), INT(lanes.count)
        numbers = builder.mul(count, step)
        with cgutils.for_range_slice(builder, INT(0), numbers, step, inc=True) as (at, _):
            builder.store(
                lanes.fused(lanes.load(left, at), lanes.load(right, at), builder.load(total)), total
            )
        return lanes.total(builder.load(total))

    return x.dtype(x, y, types.intp), write


@_intrinsic
def multiply(_, x, y, out, vectors):
    """Writes out[l] = x[l] y[l] for this many vectors."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        left, right, target, count = arguments
        lanes = Lanes(builder, x)
        step = INT(lanes.count)
        numbers = builder.mul(count, step)
        with cgutils.for_range_slice(builder, INT(0), numbers, step, inc=True) as (at, _):
            lanes.store(builder.fmul(lanes.load(left, at), lanes.load(right, at)), target, at)
        return context.get_dummy_value()

    return types.void(x, y, out, types.intp), write


@_intrinsic
def transpose(_, block, out, row_step, out_row_step):
    """Writes the transpose of a square block whose rows are one vector each."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        source, target, source_step, target_step = arguments
        lanes = Lanes(builder, block)
        for i, row in enumerate(lanes.transposed(lanes.load_block(source, source_step)[1])):
            lanes.store(row, target, builder.mul(target_step, INT(i)))
        return context.get_dummy_value()

    return types.void(block, out, types.intp, types.intp), write


@_intrinsic
def symmetrise(_, lower, upper, row_step):
    """Replaces each of two square blocks by its mean with the transpose of the other."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        first, second, step = arguments
        lanes = Lanes(builder, lower)
        offsets, rows = lanes.load_block(first, step)
        half = ir.Constant(lanes.type, [0.5] * lanes.count)
        transposed = lanes.transposed(lanes.load_block(second, step)[1])
        means = [
            builder.fmul(half, builder.fadd(a, b)) for a, b in zip(rows, transposed, strict=True)
        ]
        columns = lanes.transposed(means)
        for offset, mean, column in zip(offsets, means, columns, strict=True):
            lanes.store(mean, first, offset)
            lanes.store(column, second, offset)
        return context.get_dummy_value()

    return types.void(lower, upper, types.intp), write


@_intrinsic
def address(_, array):
    """The pointer to a contiguous array's data. The caller keeps the array alive."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        return context.make_array(array)(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), write


@_intrinsic
def offset(_, pointer, count):
    """The pointer ``count`` numbers further."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, types.intp), write


@_intrinsic
def flush_subnormals(_, mode):
    """Makes subnormal numbers zero in this thread if ``mode`` is negative, else sets the mode.

    Returns the previous mode. Powers of A end among the subnormal numbers, soon in single
    precision, and operations on them take a hundred times as long. On processors other than x86-64
    it does nothing.
    """

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        if not _X86:
            return _WORD(0)
        signature = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        store, load = (
            cgutils.get_or_insert_function(builder.module, signature, f"llvm.x86.sse.{name}")
            for name in ("stmxcsr", "ldmxcsr")
        )
        word = cgutils.alloca_once(builder, _WORD)
        pointer = builder.bitcast(word, ir.IntType(8).as_pointer())
        builder.call(store, [pointer])
        previous, (requested,) = builder.load(word), arguments
        flush = builder.icmp_signed("<", requested, _WORD(0))
        flushing = builder.or_(previous, _WORD(_FLUSH))
        builder.store(builder.select(flush, flushing, requested), word)
        builder.call(load, [pointer])
        return previous

    return types.int32(types.int32), write
