"""The arithmetic of one time step of a GRU, an LSTM and a tanh RNN, forwards and backwards, with the gates of torch.nn.

With the preactivations a = W_hh s_t + W_ih x_t + b (σ the logistic function, ∘ entry by entry):

    tanh_rnn   s_{t+1} = tanh(a) lstm       i, f, o = σ(a_i), σ(a_f), σ(a_o); g = tanh(a_g); c_{t+1}
    = f ∘ c_t + i ∘ g; s_{t+1} = o ∘ tanh(c_{t+1}) gru        r, z = σ(a_r), σ(a_z);  n = tanh(W_in
    x + b_in + r ∘ (W_hn s + b_hn));  s_{t+1} = (1 - z) ∘ n + z ∘ s_t

Sources: Hochreiter and Schmidhuber (1997), Cho et al. (2014), Elman (1990), as ``torch.nn.LSTM``,
``GRU`` and ``RNN``.
"""

from typing import Protocol

import torch
from torch import Tensor

Kept = tuple[Tensor, ...]
"""What a step keeps for the way back."""


class Cell(Protocol):
    """One kind of cell.

    States are (S, N, d): seeds, sequences, entries; gates (S, g, N, d), each a block of its own.

    Attributes:
        gates: How many blocks of d rows the weights have, g.
        apart: How many of the last blocks add W_ih x + b_ih only after the gates have worked on
            W_hh s + b_hh: 0 or 1.
        carries: Whether there is a second state beside s.
    """

    gates: int
    apart: int
    carries: bool

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, moved: Tensor
    ) -> Kept:
        """Writes s_{t+1} to ``moved``; what is kept, the next carry first where there is one.

        Args:
            a: The preactivations, which may be overwritten; in the block that is apart W_hh s +
                b_hh alone.
            inner: W_ih x + b_ih of the block that is apart, which may be overwritten.
            s: The state.
            carry: The second state.
            moved: Where the next state belongs.
        """
        ...

    def back(
        self, ds: Tensor, dcarry: Tensor | None, kept: Kept, s: Tensor, carry: Tensor | None
    ) -> Kept:
        """Derivatives by a, by ``inner``, by s past the gates, and by the carry; empty tensors for what there isn't.

        Args:
            ds: The derivative by s_{t+1}.
            dcarry: That by the next carry.
            kept: What the step kept.
            s: The state before the step.
            carry: The second state before the step.
        """
        ...


_NOTHING = torch.empty(0)
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input
"""The derivative by a of σ(a) or tanh(a), times a given one, from the value; written to
``grad_input``."""


class TanhCell:
    """Of ``torch.nn.RNN``."""

    gates, apart, carries = 1, 0, False

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, moved: Tensor
    ) -> Kept:
        """See :class:`Cell`."""
        del inner, s, carry
        moved.copy_(a[:, 0].tanh_())
        return (a[:, 0],)

    def back(
        self, ds: Tensor, dcarry: Tensor | None, kept: Kept, s: Tensor, carry: Tensor | None
    ) -> Kept:
        """See :class:`Cell`."""
        del dcarry, s, carry
        return torch.ops.aten.tanh_backward(ds, kept[0])[:, None], _NOTHING, _NOTHING, _NOTHING


class LstmCell:
    """Of ``torch.nn.LSTM``: the blocks are i, f, g, o, the carry is c."""

    gates, apart, carries = 4, 0, True

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, moved: Tensor
    ) -> Kept:
        """See :class:`Cell`."""
        del inner, s
        assert carry is not None  # noqa: S101  # it carries
        a[:, :2].sigmoid_()
        a[:, 2].tanh_()
        a[:, 3].sigmoid_()
        i, f, g, o = a.unbind(1)
        c = torch.addcmul(f * carry, i, g)
        squashed = c.tanh()
        torch.mul(o, squashed, out=moved)
        return c, a, squashed

    def back(
        self, ds: Tensor, dcarry: Tensor | None, kept: Kept, s: Tensor, carry: Tensor | None
    ) -> Kept:
        """See :class:`Cell`."""
        del s
        assert carry is not None and dcarry is not None  # noqa: S101, PT018  # it carries
        _, a, squashed = kept
        i, f, g, o = a.unbind(1)
        dc = dcarry + torch.ops.aten.tanh_backward(ds * o, squashed)
        da = torch.empty_like(a)
        _sigmoid_backward(dc * g, i, grad_input=da[:, 0])
        _sigmoid_backward(dc * carry, f, grad_input=da[:, 1])
        _tanh_backward(dc * i, g, grad_input=da[:, 2])
        _sigmoid_backward(ds * squashed, o, grad_input=da[:, 3])
        return da, _NOTHING, _NOTHING, dc.mul_(f)


class GruCell:
    """Of ``torch.nn.GRU``: the blocks are r, z, n; n is apart, since r weighs only what comes from the state."""

    gates, apart, carries = 3, 1, False

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, moved: Tensor
    ) -> Kept:
        """See :class:`Cell`."""
        del carry
        assert inner is not None  # noqa: S101  # n is apart
        a[:, :2].sigmoid_()
        r, z, weighed = a.unbind(1)
        n = inner.addcmul_(r, weighed).tanh_()
        torch.lerp(n, s, z, out=moved)
        return a, n

    def back(
        self, ds: Tensor, dcarry: Tensor | None, kept: Kept, s: Tensor, carry: Tensor | None
    ) -> Kept:
        """See :class:`Cell`."""
        del dcarry, carry
        a, n = kept
        r, z, weighed = a.unbind(1)
        straight = ds * z
        dn = torch.ops.aten.tanh_backward(ds - straight, n)
        da = torch.empty_like(a)
        _sigmoid_backward(dn * weighed, r, grad_input=da[:, 0])
        _sigmoid_backward((s - n).mul_(ds), z, grad_input=da[:, 1])
        torch.mul(dn, r, out=da[:, 2])
        return da, dn, straight, _NOTHING


CELLS: dict[str, Cell] = {"gru": GruCell(), "lstm": LstmCell(), "tanh_rnn": TanhCell()}
"""Each kind of non-linear student by its name in a spec."""
