"""Optimizers as rules: parameters, gradient and a memory in, the next parameters and the next memory out."""

from typing import Protocol, assert_never

import torch

from core.spec import Adam, AdaptiveGradientDescent, GradientDescent, GradientFlow, Momentum, Optimizer
from core.training.layout import Layout

Moved = tuple[torch.Tensor, torch.Tensor]
"""The next parameters (S, n) and the next memory (S, width)."""


class Rule(Protocol):
    """One optimizer. ``memory`` is (S, ``width``), zero at the start, and all that an optimizer remembers."""

    width: int

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, memory: torch.Tensor, done: torch.Tensor) -> Moved:
        """One step of every seed.

        Args:
            parameters: (S, n).
            gradient: (S, n).
            memory: (S, width).
            done: How many steps each seed has done, (S, 1).
        """
        ...


def rule_of(optimizer: Optimizer, layout: Layout) -> Rule:
    """The rule that a spec names."""
    match optimizer:
        case GradientDescent():
            return _GradientDescent(optimizer)
        case Momentum():
            return _Momentum(optimizer, layout)
        case AdaptiveGradientDescent():
            return _AdaptiveGradientDescent(optimizer, layout)
        case Adam():
            return _Adam(optimizer, layout)
        case GradientFlow():
            return _Memoryless()
        case _:
            assert_never(optimizer)


class _GradientDescent:
    width = 0

    def __init__(self, optimizer: GradientDescent) -> None:
        self._lr = optimizer.lr

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, memory: torch.Tensor, done: torch.Tensor) -> Moved:
        del done
        return torch.sub(parameters, gradient, alpha=self._lr), memory


class _Momentum:
    def __init__(self, optimizer: Momentum, layout: Layout) -> None:
        self._optimizer = optimizer
        self.width = layout.size

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, memory: torch.Tensor, done: torch.Tensor) -> Moved:
        del done
        velocity = torch.add(gradient, memory, alpha=self._optimizer.momentum)
        return torch.sub(parameters, velocity, alpha=self._optimizer.lr), velocity


class _AdaptiveGradientDescent:
    """The memory is g, the running mean of the sum of the parameters' gradient norms."""

    width = 1

    def __init__(self, optimizer: AdaptiveGradientDescent, layout: Layout) -> None:
        self._optimizer, self._layout = optimizer, layout

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, memory: torch.Tensor, done: torch.Tensor) -> Moved:
        rule = self._optimizer
        norms = sum(torch.linalg.vector_norm(block, dim=1, keepdim=True) for block in self._layout.blocks(gradient))
        mean = rule.beta * memory + (1 - rule.beta) * norms
        unbiased = mean / (1 - rule.beta ** (done + 1).to(mean.dtype))
        return parameters - rule.lr / (unbiased.sqrt() + rule.soft) * gradient, mean


class _Memoryless:
    """Gradient flow remembers nothing; its stepper integrates."""

    width = 0

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, memory: torch.Tensor, done: torch.Tensor) -> Moved:
        raise NotImplementedError("gradient flow is not a rule of steps")


class _Adam:
    """The memory is m, then v."""

    def __init__(self, optimizer: Adam, layout: Layout) -> None:
        self._optimizer, self._size = optimizer, layout.size
        self.width = 2 * layout.size

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, memory: torch.Tensor, done: torch.Tensor) -> Moved:
        rule, (beta1, beta2) = self._optimizer, self._optimizer.betas
        m = beta1 * memory[:, : self._size] + (1 - beta1) * gradient
        v = beta2 * memory[:, self._size :] + (1 - beta2) * gradient**2
        count = (done + 1).to(m.dtype)
        towards = (m / (1 - beta1**count)) / ((v / (1 - beta2**count)).sqrt() + rule.eps)
        return parameters - rule.lr * towards, torch.cat([m, v], 1)
