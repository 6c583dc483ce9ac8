"""The stepper: advances a batch of students by whole steps.

This one is torch, for any student on any device.

:mod:`core.training.closed_form.kernel` has a faster one for a CPU; this one is what that is tested
against.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

import torch

from core.spec import Optimizer
from core.training.layout import Layout
from core.training.optimizers import StepSize, rule_of

DIVERGED_ABOVE = 1e12
"""A run whose loss is non-finite or above this has diverged."""

RUNNING, STOPPED, DIVERGED, CANCELLED = 0, 1, 2, 3
"""Whether a seed still trains and, if not, why: it met the stop rule, its loss exploded, it was
cancelled."""

NEVER = 2**63 - 1
"""The step at which a seed is to stop that hasn't met the stop rule."""


@dataclass(frozen=True)
class Batch:
    """All seeds of an experiment in mid-training, as tensors on one device.

    Attributes:
        parameters: (S, n) in the order of :class:`core.training.layout.Layout`.
        memory: (S, w), what the optimizer remembers.
        steps: (S,) steps that each seed has done.
        status: (S,) one of RUNNING, STOPPED, DIVERGED, CANCELLED. A seed that doesn't run keeps its
            values.
        until: (S,) the step at which a seed is to stop: some steps after its loss was first low
            enough, else NEVER.
    """

    parameters: torch.Tensor
    memory: torch.Tensor
    steps: torch.Tensor
    status: torch.Tensor
    until: torch.Tensor

    def copied(self) -> Self:
        """The same in memory of its own, so that it may be changed in place."""
        return replace(
            self, **{field.name: getattr(self, field.name).clone() for field in fields(self)}
        )

    @property
    def running(self) -> bool:
        """Whether any seed still trains."""
        return bool((self.status == RUNNING).any())


Gradient = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Flat parameters (S, n), and how many steps each seed has done (S,), to the loss (S,) and its gradient (S, n).

The gradient is zero where a parameter is not trained. Steps matter only where each has a mini-batch
of its own.
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
        self._size = StepSize(optimizer, layout)
        self._below, self._more_steps = optimizer.stop_below, optimizer.more_steps

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`Stepper`."""
        for _ in range(steps):
            loss, gradient = self._gradient(batch.parameters, batch.steps)
            batch = self._judged(batch, loss)
            running, done = batch.status == RUNNING, batch.steps[:, None]
            direction, remembered = self._rule.direction(gradient, batch.memory, done)
            moved = self._size.move(batch.parameters, direction, done)
            batch = replace(
                batch,
                parameters=torch.where(running[:, None], moved, batch.parameters),
                memory=torch.where(running[:, None], remembered, batch.memory)
                if self._rule.width
                else batch.memory,
                steps=batch.steps + running,
            )
        return batch

    def look(self, batch: Batch) -> Batch:
        """See :class:`Stepper`."""
        loss, _ = self._gradient(batch.parameters, batch.steps)
        return self._judged(batch, loss)

    def _judged(self, batch: Batch, loss: torch.Tensor) -> Batch:
        return judged(
            batch, loss, stop_at(loss, batch.steps, batch.until, self._below, self._more_steps)
        )


def stop_at(
    loss: torch.Tensor, done: torch.Tensor, until: torch.Tensor, below: float, more_steps: int
) -> torch.Tensor:
    """``until``, known from now on for the seeds whose loss is ``below`` for the first time; each (S,)."""
    return (
        until
        if below == -math.inf
        else torch.where((until == NEVER) & (loss < below), done + more_steps, until)
    )


def judged(batch: Batch, loss: torch.Tensor, until: torch.Tensor) -> Batch:
    """The batch with ``until`` and with the status of running seeds that are to stop, or whose ``loss`` exploded.

    NaN is such a loss, too.
    """
    ended = torch.where(loss <= DIVERGED_ABOVE, STOPPED, DIVERGED)
    still = (batch.status != RUNNING) | ((loss <= DIVERGED_ABOVE) & (batch.steps < until))
    return replace(batch, until=until, status=torch.where(still, batch.status, ended))
