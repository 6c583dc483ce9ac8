"""A recurrent layer over whole sequences with its gradient by backpropagation through time.

State, input and a one lie side by side, [s_t | x_t | 1], so that one batched product makes a step's
preactivations, and on the way back one makes the gradient of every weight. Automatic
differentiation of the same recurrence takes several times as many passes over memory; it
differentiates only what is around this.

On a CPU :mod:`core.training.loops.networks` does the same faster, and is tested against this.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.networks.cells import Cell

Weights = Mapping[str, Tensor]
"""Parameters by name, each with a leading axis of S seeds."""


def scan(cell: Cell, weights: Weights, inputs: Tensor, *, last: bool) -> Tensor:
    """The states s_1 .. s_k that follow s_0 = 0, differentiable by the weights.

    Args:
        cell: What makes the next state.
        weights: ``weight_ih`` (S, g d, m), ``weight_hh`` (S, g d, d), ``bias_ih`` and ``bias_hh``
            (S, g d).
        inputs: (S, k, N, m), or (1, k, N, m) for all seeds.
        last: Return s_k alone.

    Returns:
        (S, k, N, d), or (S, 1, N, d).
    """
    return _scan(*_joined(cell, weights), inputs, cell, last)


def walk(cell: Cell, weights: Weights, inputs: Tensor) -> Iterator[Tensor]:
    """s_1, s_2, .. one after the other, each (S, N, d), holding only the newest; no gradient."""
    joined, apart = _joined(cell, weights)
    seeds, d, (_, length, sequences, _) = len(joined), weights["weight_hh"].shape[-1], inputs.shape
    at = _side_by_side(inputs[:, :1], seeds, d)[0]
    carry = joined.new_zeros(seeds, sequences, d) if cell.carries else None
    for t in range(length):
        at[..., d:-1] = inputs[:, t]
        inner = at[..., d:] @ apart if cell.apart else None
        moved = torch.empty_like(at[..., :d])
        kept = cell.step(at[:, None] @ joined, inner, at[..., :d], carry, moved)
        carry = kept[0] if cell.carries else None
        at[..., :d] = moved
        yield moved


def _joined(cell: Cell, weights: Weights) -> tuple[Tensor, Tensor]:
    """[W_hh | W_ih | b]ᵀ of each block, (S, g, d + m + 1, d), and of the one that is apart [W_ih | b_ih]ᵀ."""
    blocks = {
        name: weight.unflatten(1, (cell.gates, -1))
        for name, weight in weights.items()
        if name in _OF_CELL
    }
    within = torch.cat([blocks["weight_ih"], blocks["bias_ih"][..., None]], -1)
    apart = within[:, -1].mT
    if cell.apart:
        within = torch.nn.functional.pad(within[:, :-1], (0, 0, 0, 0, 0, 1))
    bias = torch.nn.functional.pad(blocks["bias_hh"][..., None], (within.shape[-1] - 1, 0))
    return torch.cat([blocks["weight_hh"], within + bias], -1).mT.contiguous(), apart


_OF_CELL = frozenset({"weight_ih", "weight_hh", "bias_ih", "bias_hh"})


def _side_by_side(inputs: Tensor, seeds: int, d: int) -> Tensor:
    """[0 | x_t | 1] with room for the state, (k, S, N, d + m + 1)."""
    _, length, sequences, m = inputs.shape
    lying = inputs.new_empty(length, seeds, sequences, d + m + 1)
    lying[0, ..., :d] = 0
    lying[..., d:-1] = inputs.transpose(0, 1)
    lying[..., -1] = 1
    return lying


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, joined: Tensor, apart: Tensor, inputs: Tensor, cell: Cell, *only: bool
    ) -> Tensor:
        (last,) = only
        seeds, d, length = len(joined), joined.shape[-1], inputs.shape[1]
        lying = _side_by_side(inputs, seeds, d)
        steps = []
        final = torch.empty_like(lying[0, ..., :d])
        carry = torch.zeros_like(final) if cell.carries else None
        for t in range(length):
            at, moved = lying[t], lying[t + 1, ..., :d] if t + 1 < length else final
            seen = slice(None) if t else slice(d, None)  # s_0 is zero
            inner = torch.bmm(at[..., d:], apart) if cell.apart else None
            kept = cell.step(
                torch.matmul(at[:, None, :, seen], joined[:, :, seen]),
                inner,
                at[..., :d],
                carry,
                moved,
            )
            steps.append((kept, carry))
            carry = kept[0] if cell.carries else None
        ctx.cell, ctx.lying, ctx.steps, ctx.last = cell, lying, steps, last
        ctx.save_for_backward(joined, apart)
        return (
            final[:, None] if last else torch.cat([lying[1:, ..., :d], final[None]]).transpose(0, 1)
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dstates: Tensor) -> tuple[Tensor | None, ...]:
        cell: Cell = ctx.cell
        joined, apart = ctx.saved_tensors
        d, length = joined.shape[-1], len(ctx.lying)
        djoined, dapart = torch.zeros_like(joined), torch.zeros_like(apart)
        from_state = joined[:, :, :d].mT.contiguous()
        ds = dstates[:, -1]
        dcarry = torch.zeros_like(ds) if cell.carries else None
        for t in reversed(range(length)):
            at, (kept, carry) = ctx.lying[t], ctx.steps[t]
            da, dinner, straight, before = cell.back(ds, dcarry, kept, at[..., :d], carry)
            seen = slice(None) if t else slice(d, None)
            djoined[:, :, seen] += torch.matmul(at[:, None, :, seen].mT, da)
            if cell.apart:
                dapart.baddbmm_(at[..., d:].mT, dinner)
            if t:
                dcarry = before if cell.carries else None
                ds = torch.matmul(da, from_state).sum(1)
                if straight.numel():
                    ds += straight
                if not ctx.last:
                    ds += dstates[:, t - 1]
        return djoined, dapart, None, None, None


_scan: Any = _Scan.apply
