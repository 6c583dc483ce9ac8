"""Optimizers as rules: the gradient and a memory in, the change of the parameters and the next memory out."""

from typing import Protocol, assert_never

import torch

from core.spec import AdaptiveGradientDescent, GradientDescent, Momentum, Optimizer
from core.training.layout import Layout


class Rule(Protocol):
    """One optimizer. ``memory`` is (S, ``width``), zero at the start, and all that an optimizer remembers."""

    width: int

    def change(
        self, gradient: torch.Tensor, memory: torch.Tensor, steps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What to subtract from the parameters (S, n), and the next memory.

        Args:
            gradient: (S, n).
            memory: (S, width).
            steps: How many steps each seed has done, (S, 1).
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
        case _:
            assert_never(optimizer)


class _GradientDescent:
    width = 0

    def __init__(self, optimizer: GradientDescent) -> None:
        self._lr = optimizer.lr

    def change(
        self, gradient: torch.Tensor, memory: torch.Tensor, steps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        del steps
        return self._lr * gradient, memory


class _Momentum:
    def __init__(self, optimizer: Momentum, layout: Layout) -> None:
        self._optimizer = optimizer
        self.width = layout.size

    def change(
        self, gradient: torch.Tensor, memory: torch.Tensor, steps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        del steps
        velocity = self._optimizer.momentum * memory + gradient
        return self._optimizer.lr * velocity, velocity


class _AdaptiveGradientDescent:
    """The memory is g, the running mean of the sum of the parameters' gradient norms."""

    width = 1

    def __init__(self, optimizer: AdaptiveGradientDescent, layout: Layout) -> None:
        self._optimizer, self._layout = optimizer, layout

    def change(
        self, gradient: torch.Tensor, memory: torch.Tensor, steps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rule = self._optimizer
        norms = sum(torch.linalg.vector_norm(block, dim=1, keepdim=True) for block in self._layout.blocks(gradient))
        mean = rule.beta * memory + (1 - rule.beta) * norms
        unbiased = mean / (1 - rule.beta ** (steps + 1).to(mean.dtype))
        return rule.lr / (unbiased.sqrt() + rule.soft) * gradient, mean
