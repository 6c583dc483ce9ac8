"""Optimizers as rules: gradient and memory in, direction of the step and next memory out."""

from collections.abc import Iterable
from typing import Protocol, assert_never

import torch

from core.spec import (
    Adam,
    AdaptiveGradientDescent,
    ConstantSchedule,
    GradientDescent,
    GradientFlow,
    Momentum,
    Optimizer,
)
from core.training.layout import Layout
from core.training.schedule import parameter_rates, schedule_factor

DirectionAndMemory = tuple[torch.Tensor, torch.Tensor]
"""The direction (S, n) and the next memory (S, width)."""


class Rule(Protocol):
    """The update rule of one optimizer.

    Attributes:
        width: The size of its memory per seed. The memory (S, width) starts at zero and is the only
            state of an optimizer.
    """

    width: int

    def direction(
        self,
        gradient: torch.Tensor,
        memory: torch.Tensor,
        done: torch.Tensor,
        norm: torch.Tensor | None = None,
    ) -> DirectionAndMemory:
        """The direction of each seed's step θ ← θ - lr_t direction; :class:`StepSize` applies it.

        Args:
            gradient: (S, n).
            memory: (S, width).
            done: The number of steps that each seed has done, (S, 1).
            norm: The sum of the parameters' gradient norms, (S, 1), for an optimizer that needs
                it; by default that of ``gradient``.
        """
        ...


def rule_of(optimizer: Optimizer, layout: Layout) -> Rule:
    """The rule that a spec names. Gradient flow has the direction of gradient descent."""
    match optimizer:
        case GradientDescent() | GradientFlow():
            return _Gradient()
        case Momentum():
            return _Momentum(optimizer, layout)
        case AdaptiveGradientDescent():
            return _AdaptiveGradientDescent(optimizer, layout)
        case Adam():
            return _Adam(optimizer, layout)
        case _:
            assert_never(optimizer)


def sum_of_norms(blocks: Iterable[torch.Tensor]) -> torch.Tensor:
    """The sum of the Euclidean norms of each seed's blocks (S, size), (S, 1)."""
    norms = [torch.linalg.vector_norm(block, dim=1, keepdim=True) for block in blocks]
    return sum(norms[1:], norms[0])


class StepSize:
    """The factor on the direction: lr, times the schedule's factor, times each parameter's rate."""

    def __init__(self, optimizer: Optimizer, layout: Layout) -> None:
        """For parameters in this layout.

        Raises:
            TypeError: The optimizer is gradient flow, which has no steps.
        """
        if isinstance(optimizer, GradientFlow):
            raise TypeError("gradient flow is integrated, not stepped")
        self._lr, self._schedule, self._steps = optimizer.lr, optimizer.schedule, optimizer.steps
        rates = parameter_rates(optimizer, layout)
        self._rates = None if rates is None else torch.from_numpy(rates)

    def apply(
        self, parameters: torch.Tensor, direction: torch.Tensor, done: torch.Tensor
    ) -> torch.Tensor:
        """The parameters (S, n) after a step along ``direction`` (S, n), with ``done`` (S, 1)."""
        constant = isinstance(self._schedule, ConstantSchedule)
        if constant and self._rates is None:
            return torch.sub(parameters, direction, alpha=self._lr)
        size = (
            self._lr if constant else self._lr * schedule_factor(self._schedule, self._steps, done)
        )
        if self._rates is not None:
            self._rates = self._rates.to(direction.device)
            size = size * self._rates
        return parameters - torch.as_tensor(size).to(direction.dtype) * direction


class _Gradient:
    width = 0

    def direction(
        self,
        gradient: torch.Tensor,
        memory: torch.Tensor,
        done: torch.Tensor,
        norm: torch.Tensor | None = None,
    ) -> DirectionAndMemory:
        del done, norm
        return gradient, memory


class _Momentum:
    """The memory is the velocity."""

    def __init__(self, optimizer: Momentum, layout: Layout) -> None:
        self._momentum = optimizer.momentum
        self.width = layout.size

    def direction(
        self,
        gradient: torch.Tensor,
        memory: torch.Tensor,
        done: torch.Tensor,
        norm: torch.Tensor | None = None,
    ) -> DirectionAndMemory:
        del done, norm
        velocity = torch.add(gradient, memory, alpha=self._momentum)
        return velocity, velocity


class _AdaptiveGradientDescent:
    """The memory is g, the running mean of the sum of the parameters' gradient norms."""

    width = 1

    def __init__(self, optimizer: AdaptiveGradientDescent, layout: Layout) -> None:
        self._optimizer, self._layout = optimizer, layout

    def direction(
        self,
        gradient: torch.Tensor,
        memory: torch.Tensor,
        done: torch.Tensor,
        norm: torch.Tensor | None = None,
    ) -> DirectionAndMemory:
        beta, soft = self._optimizer.beta, self._optimizer.soft
        if norm is None:
            norm = sum_of_norms(self._layout.blocks(gradient))
        mean = beta * memory + (1 - beta) * norm
        unbiased = mean / (1 - beta ** (done + 1).to(mean.dtype))
        return gradient / (unbiased.sqrt() + soft), mean


class _Adam:
    """The memory is m, then v."""

    def __init__(self, optimizer: Adam, layout: Layout) -> None:
        self._optimizer, self._size = optimizer, layout.size
        self.width = 2 * layout.size

    def direction(
        self,
        gradient: torch.Tensor,
        memory: torch.Tensor,
        done: torch.Tensor,
        norm: torch.Tensor | None = None,
    ) -> DirectionAndMemory:
        del norm
        beta1, beta2 = self._optimizer.betas
        m = beta1 * memory[:, : self._size] + (1 - beta1) * gradient
        v = beta2 * memory[:, self._size :] + (1 - beta2) * gradient**2
        count = (done + 1).double()  # in single precision, 1 - beta2 would lose half its digits
        m_correction, v_correction = ((1 - beta**count).to(m.dtype) for beta in (beta1, beta2))
        direction = m / m_correction / ((v / v_correction).sqrt() + self._optimizer.eps)
        return direction, torch.cat([m, v], 1)
