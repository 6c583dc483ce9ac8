"""The stepper: advances a batch of students by whole steps. This one is torch, for any student on any device.

:mod:`core.training.kernel` has a faster one for a CPU; this one is what that is tested against.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from core.spec import Optimizer
from core.training.layout import Layout
from core.training.optimizers import rule_of

DIVERGED_ABOVE = 1e12
"""A run whose loss is non-finite or above this has diverged."""

RUNNING, STOPPED, DIVERGED, CANCELLED = 0, 1, 2, 3
"""Whether a seed still trains and, if not, why: it met the stop rule, its loss exploded, it was cancelled."""


@dataclass(frozen=True)
class Batch:
    """All seeds of an experiment in mid-training, as tensors on one device.

    Attributes:
        parameters: (S, n) in the order of :class:`core.training.layout.Layout`.
        memory: (S, w), what the optimizer remembers.
        steps: (S,) steps that each seed has done.
        status: (S,) one of RUNNING, STOPPED, DIVERGED, CANCELLED. A seed that doesn't run keeps its values.
    """

    parameters: torch.Tensor
    memory: torch.Tensor
    steps: torch.Tensor
    status: torch.Tensor

    @property
    def running(self) -> bool:
        """Whether any seed still trains."""
        return bool((self.status == RUNNING).any())


Gradient = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Flat parameters (S, n), and how many steps each seed has done (S,), to the loss (S,) and its gradient (S, n).

The gradient is zero where a parameter is not trained. Steps matter only where each has a mini-batch of its own.
"""


class Stepper(Protocol):
    """What training asks of a kernel; both methods leave the batch that they are given as it is."""

    def advance(self, batch: Batch, steps: int) -> Batch:
        """Up to ``steps`` steps of every running seed, each preceded by a look at its loss."""
        ...

    def look(self, batch: Batch) -> Batch:
        """The batch with the status of seeds that meet the stop rule or have diverged where they stand."""
        ...


class TorchStepper:
    """Any gradient in eager torch, on CPU or CUDA; within a call the host never waits for the device."""

    def __init__(self, gradient: Gradient, optimizer: Optimizer, layout: Layout) -> None:
        """For a gradient of flat parameters that lie as ``layout`` says."""
        self._gradient = gradient
        self._rule = rule_of(optimizer, layout)
        self._stop_below = optimizer.stop_below

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`Stepper`."""
        parameters, memory, done = batch.parameters, batch.memory, batch.steps[:, None]
        running = (batch.status == RUNNING)[:, None]
        for _ in range(steps):
            loss, gradient = self._gradient(parameters, done[:, 0])
            running = running & self._goes_on(loss)[:, None]
            moved, remembered = self._rule.step(parameters, gradient, memory, done)
            parameters = torch.where(running, moved, parameters)
            memory = torch.where(running, remembered, memory) if self._rule.width else memory
            done = done + running
        ended = Batch(parameters, memory, done[:, 0], batch.status)
        return replace(ended, status=torch.where(running[:, 0], RUNNING, self.look(ended).status))

    def look(self, batch: Batch) -> Batch:
        """See :class:`Stepper`."""
        loss, _ = self._gradient(batch.parameters, batch.steps)
        reason = torch.where(loss < self._stop_below, STOPPED, DIVERGED)
        still = (batch.status != RUNNING) | self._goes_on(loss)
        return replace(batch, status=torch.where(still, batch.status, reason))

    def _goes_on(self, loss: torch.Tensor) -> torch.Tensor:
        """False for NaN, too."""
        return (loss <= DIVERGED_ABOVE) & (loss >= self._stop_below)
