"""A recurrent layer over whole sequences, all seeds at once, with its gradient by backpropagation through time.

State, input and a one lie side by side, [s_t | x_t | 1], so that one batched product makes a step's preactivations, and
on the way back one makes the gradient of every weight. Automatic differentiation of the same recurrence takes several
times as many passes over memory; it differentiates only what is around this.
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
        weights: ``weight_ih`` (S, g d, m), ``weight_hh`` (S, g d, d), ``bias_ih`` and ``bias_hh`` (S, g d).
        inputs: (S, k, N, m), or (1, k, N, m) for all seeds.
        last: Return s_k alone.

    Returns:
        (S, k, N, d), or (S, 1, N, d).
    """
    return _Scan.apply(*_joined(cell, weights), inputs, cell, last)  # type: ignore[no-untyped-call]


def walk(cell: Cell, weights: Weights, inputs: Tensor) -> Iterator[Tensor]:
    """s_1, s_2, .. one after the other, each (S, N, d), holding only the newest; no gradient."""
    joined, apart = _joined(cell, weights)
    seeds, d, (_, length, sequences, _) = len(joined), weights["weight_hh"].shape[-1], inputs.shape
    at = _side_by_side(inputs[:, :1], seeds, d)[:, 0]
    carry = joined.new_zeros(seeds, sequences, d) if cell.carries else None
    for t in range(length):
        at[..., d:-1] = inputs[:, t]
        inner = at[..., d:] @ apart.mT if cell.apart else None
        state, kept = cell.step(at @ joined.mT, inner, at[..., :d], carry)
        carry = kept[0] if cell.carries else None
        at[..., :d] = state
        yield state


def _joined(cell: Cell, weights: Weights) -> tuple[Tensor, Tensor]:
    """[W_hh | W_ih | b], (S, g d, d + m + 1), and of the blocks that are apart [W_ih | b_ih], (S, d, m + 1)."""
    from_input = torch.cat([weights["weight_ih"], weights["bias_ih"][..., None]], -1)
    whole = from_input.shape[1] - cell.apart * weights["weight_hh"].shape[-1]
    within = torch.nn.functional.pad(from_input[:, :whole], (0, 0, 0, from_input.shape[1] - whole))
    bias = torch.nn.functional.pad(weights["bias_hh"][..., None], (from_input.shape[-1] - 1, 0))
    return torch.cat([weights["weight_hh"], within + bias], -1), from_input[:, whole:]


def _side_by_side(inputs: Tensor, seeds: int, d: int) -> Tensor:
    """[0 | x_t | 1] with room for the state, (S, k, N, d + m + 1)."""
    _, length, sequences, m = inputs.shape
    lying = inputs.new_empty(seeds, length, sequences, d + m + 1)
    lying[:, :1, :, :d] = 0
    lying[..., d:-1] = inputs
    lying[..., -1] = 1
    return lying


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, joined: Tensor, apart: Tensor, inputs: Tensor, cell: Cell, *only: bool) -> Tensor:
        (last,) = only
        seeds, d, length = len(joined), joined.shape[1] // cell.gates, inputs.shape[1]
        lying = _side_by_side(inputs, seeds, d)
        steps = []
        carry = torch.zeros_like(lying[:, 0, :, :d]) if cell.carries else None
        for t in range(length):
            at = lying[:, t]
            seen = slice(None) if t else slice(d, None)  # s_0 is zero
            inner = torch.bmm(at[..., d:], apart.mT) if cell.apart else None
            state, kept = cell.step(torch.bmm(at[..., seen], joined[..., seen].mT), inner, at[..., :d], carry)
            steps.append((kept, carry))
            carry = kept[0] if cell.carries else None
            if t + 1 < length:
                lying[:, t + 1, :, :d] = state
        ctx.cell, ctx.lying, ctx.steps, ctx.last = cell, lying, steps, last
        ctx.save_for_backward(joined, apart)
        return state[:, None] if last else torch.cat([lying[:, 1:, :, :d], state[:, None]], 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dstates: Tensor) -> tuple[Tensor | None, ...]:
        cell: Cell = ctx.cell
        joined, apart = ctx.saved_tensors
        d, length = joined.shape[1] // cell.gates, ctx.lying.shape[1]
        djoined, dapart = torch.zeros_like(joined), torch.zeros_like(apart)
        ds = dstates[:, -1]
        dcarry = torch.zeros_like(ds) if cell.carries else None
        for t in reversed(range(length)):
            at, (kept, carry) = ctx.lying[:, t], ctx.steps[t]
            da, dinner, straight, before = cell.back(ds, dcarry, kept, at[..., :d], carry)
            seen = slice(None) if t else slice(d, None)
            djoined[..., seen].baddbmm_(da.mT, at[..., seen])
            if cell.apart:
                dapart.baddbmm_(dinner.mT, at[..., d:])
            if t:
                dcarry = before if cell.carries else None
                ds = torch.bmm(da, joined[..., :d])
                if straight.numel():
                    ds += straight
                if not ctx.last:
                    ds += dstates[:, t - 1]
        return djoined, dapart, None, None, None
