"""A recurrent layer over whole sequences, with its gradient by backpropagation through time.

State, input and a one lie side by side, [s_t | x_t | 1], so one batched product makes a step's
preactivations and, on the way back, one makes the gradient of every weight. Automatic
differentiation of the recurrence would pass over memory several times as often; here it only
differentiates the code around the layer.

On a CPU, :mod:`core.training.loops.networks` does the same faster; it is tested against this.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.networks.cells import Cell

Weights = Mapping[str, Tensor]
"""Parameters by name, each with a leading axis of S seeds."""

_CELL_WEIGHTS = frozenset({"weight_ih", "weight_hh", "bias_ih", "bias_hh"})


def scan(cell: Cell, weights: Weights, inputs: Tensor, *, last: bool) -> Tensor:
    """The states s_1 .. s_k that follow s_0 = 0, differentiable by the weights.

    Args:
        cell: Computes the next state.
        weights: ``weight_ih`` (S, g d, m), ``weight_hh`` (S, g d, d), ``bias_ih`` and ``bias_hh``
            (S, g d).
        inputs: (S, k, N, m), or (1, k, N, m) for all seeds.
        last: Return only s_k.

    Returns:
        (S, k, N, d), or (S, 1, N, d).
    """
    return _scan(*_joined_weights(cell, weights), inputs, cell, last)


def unroll(cell: Cell, weights: Weights, inputs: Tensor) -> Iterator[Tensor]:
    """Yields s_1, s_2, .., each (S, N, d), holding only the current one; no gradient."""
    joined, candidate = _joined_weights(cell, weights)
    seeds, d, (_, length, sequences, _) = len(joined), weights["weight_hh"].shape[-1], inputs.shape
    current = _side_by_side(inputs[:, :1], seeds, d)[0]
    carry = joined.new_zeros(seeds, sequences, d) if cell.has_carry else None
    for t in range(length):
        current[..., d:-1] = inputs[:, t]
        inner = current[..., d:] @ candidate if cell.has_candidate else None
        state = torch.empty_like(current[..., :d])
        saved = cell.step(current[:, None] @ joined, inner, current[..., :d], carry, state)
        carry = saved[0] if cell.has_carry else None
        current[..., :d] = state
        yield state


def _joined_weights(cell: Cell, weights: Weights) -> tuple[Tensor, Tensor]:
    """[W_hh | W_ih | b]ᵀ of each gate, (S, g, d + m + 1, d); [W_ih | b_ih]ᵀ of the candidate."""
    blocks = {
        name: weight.unflatten(1, (cell.gates, -1))
        for name, weight in weights.items()
        if name in _CELL_WEIGHTS
    }
    from_input = torch.cat([blocks["weight_ih"], blocks["bias_ih"][..., None]], -1)
    candidate = from_input[:, -1].mT
    if cell.has_candidate:
        from_input = torch.nn.functional.pad(from_input[:, :-1], (0, 0, 0, 0, 0, 1))
    bias = torch.nn.functional.pad(blocks["bias_hh"][..., None], (from_input.shape[-1] - 1, 0))
    joined = torch.cat([blocks["weight_hh"], from_input + bias], -1)
    return joined.mT.contiguous(), candidate


def _side_by_side(inputs: Tensor, seeds: int, d: int) -> Tensor:
    """[s_t | x_t | 1] of each t, (k, S, N, d + m + 1), with s_0 = 0 and the later states unset."""
    _, length, sequences, m = inputs.shape
    joined = inputs.new_empty(length, seeds, sequences, d + m + 1)
    joined[0, ..., :d] = 0
    joined[..., d:-1] = inputs.transpose(0, 1)
    joined[..., -1] = 1
    return joined


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, joined: Tensor, candidate: Tensor, inputs: Tensor, cell: Cell, *options: bool
    ) -> Tensor:
        (last,) = options
        seeds, d, length = len(joined), joined.shape[-1], inputs.shape[1]
        states = _side_by_side(inputs, seeds, d)
        steps = []
        final = torch.empty_like(states[0, ..., :d])
        carry = torch.zeros_like(final) if cell.has_carry else None
        for t in range(length):
            current, out = states[t], states[t + 1, ..., :d] if t + 1 < length else final
            used = slice(None) if t else slice(d, None)  # s_0 is zero
            inner = torch.bmm(current[..., d:], candidate) if cell.has_candidate else None
            a = torch.matmul(current[:, None, :, used], joined[:, :, used])
            saved = cell.step(a, inner, current[..., :d], carry, out)
            steps.append((saved, carry))
            carry = saved[0] if cell.has_carry else None
        ctx.cell, ctx.states, ctx.steps, ctx.last = cell, states, steps, last
        ctx.save_for_backward(joined, candidate)
        if last:
            return final[:, None]
        return torch.cat([states[1:, ..., :d], final[None]]).transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dstates: Tensor) -> tuple[Tensor | None, ...]:
        cell: Cell = ctx.cell
        joined, candidate = ctx.saved_tensors
        d, length = joined.shape[-1], len(ctx.states)
        djoined, dcandidate = torch.zeros_like(joined), torch.zeros_like(candidate)
        from_state = joined[:, :, :d].mT.contiguous()
        ds = dstates[:, -1]
        dcarry = torch.zeros_like(ds) if cell.has_carry else None
        for t in reversed(range(length)):
            current, (saved, carry) = ctx.states[t], ctx.steps[t]
            da, dinner, direct, dprevious = cell.step_back(
                ds, dcarry, saved, current[..., :d], carry
            )
            used = slice(None) if t else slice(d, None)
            djoined[:, :, used] += torch.matmul(current[:, None, :, used].mT, da)
            if cell.has_candidate:
                dcandidate.baddbmm_(current[..., d:].mT, dinner)
            if t:
                dcarry = dprevious if cell.has_carry else None
                ds = torch.matmul(da, from_state).sum(1)
                if direct.numel():
                    ds += direct
                if not ctx.last:
                    ds += dstates[:, t - 1]
        return djoined, dcandidate, None, None, None


_scan: Any = _Scan.apply
