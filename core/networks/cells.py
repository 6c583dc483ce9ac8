"""One time step of a GRU, an LSTM and a tanh RNN, forwards and backwards, with torch.nn's gates.

With the preactivations a = W_hh s_t + W_ih x_t + b, σ the logistic function, ∘ entry by entry:

    tanh_rnn   s_{t+1} = tanh(a)
    lstm       i, f, o = σ(a_i), σ(a_f), σ(a_o);  g = tanh(a_g);  c_{t+1} = f ∘ c_t + i ∘ g;
               s_{t+1} = o ∘ tanh(c_{t+1})
    gru        r, z = σ(a_r), σ(a_z);  n = tanh(W_in x + b_in + r ∘ (W_hn s + b_hn));
               s_{t+1} = (1 - z) ∘ n + z ∘ s_t

Sources: Hochreiter and Schmidhuber (1997), Cho et al. (2014), Elman (1990), as ``torch.nn.LSTM``,
``GRU`` and ``RNN``.
"""

from typing import Protocol

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]


class Cell(Protocol):
    """One kind of cell.

    States are (S, N, d): seeds, sequences, entries. Gates are (S, g, N, d).

    Attributes:
        gates: The number g of gates; a weight matrix has g blocks of d rows.
        has_candidate: Whether the last gate is a GRU's n, which adds W_ih x + b_ih only after the
            reset gate has multiplied W_hh s + b_hh.
        has_carry: Whether the cell has a second state beside s, an LSTM's c.
    """

    gates: int
    has_candidate: bool
    has_carry: bool

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, out: Tensor
    ) -> Tensors:
        """Writes s_{t+1} to ``out``; returns what :meth:`step_back` needs, the next carry first.

        Args:
            a: The preactivations, which may be overwritten; in the candidate's block only
                W_hh s + b_hh.
            inner: W_ih x + b_ih of the candidate, which may be overwritten.
            s: The state.
            carry: The second state.
            out: Receives the next state.
        """
        ...

    def step_back(
        self, ds: Tensor, dcarry: Tensor | None, saved: Tensors, s: Tensor, carry: Tensor | None
    ) -> Tensors:
        """The derivatives by a, by ``inner``, by s not through the gates, and by the carry.

        Absent ones are empty tensors.

        Args:
            ds: The derivative by s_{t+1}.
            dcarry: The derivative by the next carry.
            saved: The return value of :meth:`step`.
            s: The state before the step.
            carry: The second state before the step.
        """
        ...


_EMPTY = torch.empty(0)
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input
"""The derivative by a, from the derivative by σ(a) or tanh(a) and the value; ``grad_input``
receives it."""


class TanhCell:
    """The cell of ``torch.nn.RNN``."""

    gates, has_candidate, has_carry = 1, False, False

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, out: Tensor
    ) -> Tensors:
        """See :class:`Cell`."""
        del inner, s, carry
        out.copy_(a[:, 0].tanh_())
        return (a[:, 0],)

    def step_back(
        self, ds: Tensor, dcarry: Tensor | None, saved: Tensors, s: Tensor, carry: Tensor | None
    ) -> Tensors:
        """See :class:`Cell`."""
        del dcarry, s, carry
        return torch.ops.aten.tanh_backward(ds, saved[0])[:, None], _EMPTY, _EMPTY, _EMPTY


class LstmCell:
    """The cell of ``torch.nn.LSTM``: the gates are i, f, g, o, the carry is c."""

    gates, has_candidate, has_carry = 4, False, True

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, out: Tensor
    ) -> Tensors:
        """See :class:`Cell`."""
        del inner, s
        assert carry is not None  # noqa: S101  # has_carry
        a[:, :2].sigmoid_()
        a[:, 2].tanh_()
        a[:, 3].sigmoid_()
        i, f, g, o = a.unbind(1)
        c = torch.addcmul(f * carry, i, g)
        tanh_c = c.tanh()
        torch.mul(o, tanh_c, out=out)
        return c, a, tanh_c

    def step_back(
        self, ds: Tensor, dcarry: Tensor | None, saved: Tensors, s: Tensor, carry: Tensor | None
    ) -> Tensors:
        """See :class:`Cell`."""
        del s
        assert carry is not None and dcarry is not None  # noqa: S101, PT018  # has_carry
        _, a, tanh_c = saved
        i, f, g, o = a.unbind(1)
        dc = dcarry + torch.ops.aten.tanh_backward(ds * o, tanh_c)
        da = torch.empty_like(a)
        _sigmoid_backward(dc * g, i, grad_input=da[:, 0])
        _sigmoid_backward(dc * carry, f, grad_input=da[:, 1])
        _tanh_backward(dc * i, g, grad_input=da[:, 2])
        _sigmoid_backward(ds * tanh_c, o, grad_input=da[:, 3])
        return da, _EMPTY, _EMPTY, dc.mul_(f)


class GruCell:
    """The cell of ``torch.nn.GRU``: the gates are r, z and the candidate n."""

    gates, has_candidate, has_carry = 3, True, False

    def step(
        self, a: Tensor, inner: Tensor | None, s: Tensor, carry: Tensor | None, out: Tensor
    ) -> Tensors:
        """See :class:`Cell`."""
        del carry
        assert inner is not None  # noqa: S101  # has_candidate
        a[:, :2].sigmoid_()
        r, z, weighted = a.unbind(1)
        n = inner.addcmul_(r, weighted).tanh_()
        torch.lerp(n, s, z, out=out)
        return a, n

    def step_back(
        self, ds: Tensor, dcarry: Tensor | None, saved: Tensors, s: Tensor, carry: Tensor | None
    ) -> Tensors:
        """See :class:`Cell`."""
        del dcarry, carry
        a, n = saved
        r, z, weighted = a.unbind(1)
        direct = ds * z
        dn = torch.ops.aten.tanh_backward(ds - direct, n)
        da = torch.empty_like(a)
        _sigmoid_backward(dn * weighted, r, grad_input=da[:, 0])
        _sigmoid_backward((s - n).mul_(ds), z, grad_input=da[:, 1])
        torch.mul(dn, r, out=da[:, 2])
        return da, dn, direct, _EMPTY


CELLS: dict[str, Cell] = {"gru": GruCell(), "lstm": LstmCell(), "tanh_rnn": TanhCell()}
"""The cell of each kind of non-linear student."""
