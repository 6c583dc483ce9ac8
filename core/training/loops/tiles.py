"""Products of small matrices in machine code, and the few other operations on vectors that the compiled loops are of.

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

WIDEST = {1: 8, 2: 8, 4: 4} if BYTES == 64 else {1: 6, 2: 4, 4: 3}
"""How many vectors a tile of so many rows has side by side, for 32 and for 16 registers."""

_CHAINS = 8
"""Sums that must run side by side, since each waits some cycles for its last addition."""

_WORD = ir.IntType(32)
_X86 = llvm.get_process_triple().startswith("x86_64")
_FLUSH = 0x8040
"""Two bits of MXCSR: subnormal numbers count as zero, as operands and as results."""


def _tile(lanes: Lanes, height: int, width: int, arguments: Sequence[Any], *, more: bool) -> None:
    """One tile of a :func:`product`, ``height`` numbers by ``width`` vectors; ``more``: what is there is added."""
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
        begin, column = builder.mul(r, y_step), builder.mul(r, x_step)
        row = [lanes.load(y, builder.add(begin, INT(v * lanes.count))) for v in range(width)]
        for i in range(height):
            weight = builder.load(builder.gep(x, [builder.add(column, builder.mul(x_row, INT(i)))]))
            weights = lanes.everywhere(weight)
            for v in range(width):
                so_far = sums[chain][i][v]
                builder.store(lanes.fused(weights, row[v], builder.load(so_far)), so_far)

    whole = builder.sub(count, builder.srem(count, INT(chains)))
    with cgutils.for_range_slice(builder, INT(0), whole, INT(chains), inc=True) as (r, _):
        for chain in range(chains):
            add(builder.add(r, INT(chain)), chain)
    if chains > 1:
        with cgutils.for_range_slice(builder, whole, count, INT(1), inc=True) as (r, _):
            add(r, 0)
    for i in range(height):
        for v in range(width):
            total = builder.load(sums[0][i][v])
            for chain in range(1, chains):
                total = builder.fadd(total, builder.load(sums[chain][i][v]))
            place = builder.add(builder.mul(out_row, INT(i)), INT(v * lanes.count))
            if more:
                total = builder.fadd(total, lanes.load(out, place))
            lanes.store(total, out, place)


@contextmanager
def _while_below(builder: Any, end: Any) -> Iterator[tuple[Any, Any]]:
    """A loop whose body sees a count, from 0, and says in a slot how far it goes on from there."""
    count, onward = cgutils.alloca_once_value(builder, INT(0)), cgutils.alloca_once(builder, INT)
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


def _tiled(lanes: Lanes, arguments: Sequence[Any], *, more: bool) -> None:
    """All tiles of a :func:`product`: rows of tiles as high as fit, each of tiles as wide as there are."""
    x, x_row, x_step, y, y_step, count, out, out_row, height, width = arguments
    builder, vectors = lanes.builder, lanes.builder.sdiv(width, INT(lanes.count))

    def tiles(row: Any, h: int) -> None:
        weights, begin = builder.gep(x, [builder.mul(row, x_row)]), builder.mul(row, out_row)
        with _while_below(builder, vectors) as (column, onward):
            left, most = builder.sub(vectors, column), INT(WIDEST[h])
            one_more = builder.icmp_signed(
                "==", left, INT(WIDEST[h] + 1)
            )  # one alone is slow, and sums otherwise
            most = builder.select(one_more, INT(WIDEST[h] - 1), most)
            across = builder.select(builder.icmp_signed("<", left, most), left, most)
            builder.store(across, onward)
            numbers, done = builder.mul(column, INT(lanes.count)), builder.append_basic_block()
            into, rows = builder.gep(out, [builder.add(begin, numbers)]), builder.gep(y, [numbers])
            case = builder.switch(across, done)
            for w in range(1, WIDEST[h] + 1):
                block = builder.append_basic_block()
                case.add_case(INT(w), block)
                builder.position_at_end(block)
                _tile(
                    lanes,
                    h,
                    w,
                    (weights, x_row, x_step, rows, y_step, count, into, out_row),
                    more=more,
                )
                builder.branch(done)
            builder.position_at_end(done)

    begun = INT(0)
    for h in sorted(WIDEST, reverse=True):
        ended = builder.sub(height, builder.srem(height, INT(h)))
        with cgutils.for_range_slice(builder, begun, ended, INT(h), inc=True) as (row, _):
            tiles(row, h)
        begun = ended


def _product(kinds: Sequence[Any], *, more: bool) -> tuple[Any, Callable[..., Any]]:
    """The signature of a :func:`product` and what writes a call of it: of a function, so that it is compiled once."""
    x, y, out = kinds

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        name, module = f"{'more_' if more else ''}product_{x.dtype}", builder.module
        if name not in module.globals:
            function = ir.Function(
                module, ir.FunctionType(ir.VoidType(), [each.type for each in arguments]), name
            )
            function.linkage = "internal"
            function.attributes.add("noinline")
            inside = ir.IRBuilder(function.append_basic_block())
            _tiled(Lanes(inside, x), function.args, more=more)
            inside.ret_void()
        builder.call(module.globals[name], arguments)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(x, whole, whole, y, whole, whole, out, whole, whole, whole), write


@_intrinsic
def product(_, x, x_row, x_step, y, y_step, count, out, out_row, height, width):
    """Out[i out_row + l] = Σ_{r < count} x[i x_row + r x_step] y[r y_step + l] for i < height, l < width.

    ``width`` is in numbers, whole vectors of them.
    """
    return _product((x, y, out), more=False)


@_intrinsic
def add_product(_, x, x_row, x_step, y, y_step, count, out, out_row, height, width):
    """Out += that :func:`product`."""
    return _product((x, y, out), more=True)


@_intrinsic
def inner(_, x, y, vectors):
    """Σ_l x[l] y[l] over so many vectors."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        left, right, count = arguments
        lanes = Lanes(builder, x)
        total, step = cgutils.alloca_once_value(builder, lanes.zero), INT(lanes.count)
        with cgutils.for_range_slice(builder, INT(0), builder.mul(count, step), step, inc=True) as (
            at,
            _,
        ):
            builder.store(
                lanes.fused(lanes.load(left, at), lanes.load(right, at), builder.load(total)), total
            )
        return lanes.total(builder.load(total))

    return x.dtype(x, y, types.intp), write


@_intrinsic
def times(_, x, y, out, vectors):
    """Out[l] = x[l] y[l] over so many vectors."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        left, right, into, count = arguments
        lanes = Lanes(builder, x)
        step = INT(lanes.count)
        with cgutils.for_range_slice(builder, INT(0), builder.mul(count, step), step, inc=True) as (
            at,
            _,
        ):
            lanes.store(builder.fmul(lanes.load(left, at), lanes.load(right, at)), into, at)
        return context.get_dummy_value()

    return types.void(x, y, out, types.intp), write


@_intrinsic
def transpose(_, block, into, step, onto):
    """A square block of one vector a row, transposed into another; the steps are from row to row of each."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        source, target, apart, apart_there = arguments
        lanes = Lanes(builder, block)
        for i, row in enumerate(lanes.transposed(lanes.block(source, apart)[1])):
            lanes.store(row, target, builder.mul(apart_there, INT(i)))
        return context.get_dummy_value()

    return types.void(block, into, types.intp, types.intp), write


@_intrinsic
def symmetrise(_, lower, upper, step):
    """Each of two square blocks becomes its mean with the other one transposed."""

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        one, other, apart = arguments
        lanes = Lanes(builder, lower)
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

    Powers of A end among them, in single precision soon, and there each operation takes a hundred
    times as long. Elsewhere than on x86-64 nothing is done.
    """

    def write(context: Any, builder: Any, _: Any, arguments: Sequence[Any]) -> Any:
        if not _X86:
            return _WORD(0)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        store, load = (
            cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
            for name in ("stmxcsr", "ldmxcsr")
        )
        place = cgutils.alloca_once(builder, _WORD)
        there = builder.bitcast(place, ir.IntType(8).as_pointer())
        builder.call(store, [there])
        before, (asked,) = builder.load(place), arguments
        flush = builder.icmp_signed("<", asked, _WORD(0))
        builder.store(builder.select(flush, builder.or_(before, _WORD(_FLUSH)), asked), place)
        builder.call(load, [there])
        return before

    return types.int32(types.int32), write
