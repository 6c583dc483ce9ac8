"""The stepper: advances a batch of students by whole steps.

:class:`TorchStepper` serves any student on any device. The faster steppers for a CPU
(:mod:`core.training.closed_form.kernel`, :mod:`core.training.sequences.steppers`) are tested
against it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

import torch

from core.result import DIVERGED_ABOVE
from core.spec import Optimizer
from core.training.layout import Layout
from core.training.optimizers import StepSize, rule_of

RUNNING, STOPPED, DIVERGED, CANCELLED = 0, 1, 2, 3
"""The status of a seed: it trains, met the stop rule, has a loss that exploded, was cancelled."""

NEVER = 2**63 - 1
"""The stop step of a seed that hasn't met the stop rule."""


@dataclass(frozen=True)
class Batch:
    """All seeds of an experiment in mid-training, as tensors on one device.

    Attributes:
        parameters: (S, n) in the order of :class:`core.training.layout.Layout`.
        memory: (S, w), the optimizer's memory.
        steps: (S,) steps that each seed has done.
        status: (S,) one of RUNNING, STOPPED, DIVERGED, CANCELLED. A seed that doesn't run keeps its
            values.
        until: (S,) the step at which a seed is to stop: ``more_steps`` after its loss was first low
            enough, else NEVER.
    """

    parameters: torch.Tensor
    memory: torch.Tensor
    steps: torch.Tensor
    status: torch.Tensor
    until: torch.Tensor

    def copied(self) -> Self:
        """A copy with its own memory, which can be changed in place."""
        return replace(
            self, **{field.name: getattr(self, field.name).clone() for field in fields(self)}
        )

    @property
    def running(self) -> bool:
        """Whether any seed still trains."""
        return bool((self.status == RUNNING).any())


Gradient = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""A function of flat parameters (S, n) and steps done (S,) that returns the loss (S,) and its
gradient (S, n).

The gradient is zero for parameters that are not trained. Steps matter only if each has its own
mini-batch.
"""


Norm = Callable[[torch.Tensor], torch.Tensor]
"""A function of flat parameters (S, n) that returns a norm (S, 1)."""


class Stepper(Protocol):
    """Advances a batch. Neither method changes the batch that it is given."""

    def advance(self, batch: Batch, steps: int) -> Batch:
        """Takes up to ``steps`` steps of every running seed, checking its loss before each."""
        ...

    def check(self, batch: Batch) -> Batch:
        """Updates the status of seeds that meet the stop rule or have diverged, without a step."""
        ...


class TorchStepper:
    """Any gradient in eager torch, on CPU or CUDA. The host doesn't wait for the device."""

    def __init__(
        self, gradient: Gradient, optimizer: Optimizer, layout: Layout, norm: Norm | None = None
    ) -> None:
        """For a gradient of flat parameters in this layout.

        Args:
            gradient: The loss and its gradient.
            optimizer: Any but gradient flow.
            layout: The layout of the parameters.
            norm: What the adaptive step takes for the sum of the parameters' gradient norms, by
                default that of ``gradient``.
        """
        self._gradient, self._norm = gradient, norm
        self._rule = rule_of(optimizer, layout)
        self._step_size = StepSize(optimizer, layout)
        self._below, self._more_steps = optimizer.stop_below, optimizer.more_steps

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`Stepper`."""
        for _ in range(steps):
            loss, gradient = self._gradient(batch.parameters, batch.steps)
            batch = self._with_status(batch, loss)
            running, done = batch.status == RUNNING, batch.steps[:, None]
            norm = None if self._norm is None else self._norm(batch.parameters)
            direction, memory = self._rule.direction(gradient, batch.memory, done, norm)
            parameters = self._step_size.apply(batch.parameters, direction, done)
            batch = replace(
                batch,
                parameters=torch.where(running[:, None], parameters, batch.parameters),
                memory=torch.where(running[:, None], memory, batch.memory)
                if self._rule.width
                else batch.memory,
                steps=batch.steps + running,
            )
        return batch

    def check(self, batch: Batch) -> Batch:
        """See :class:`Stepper`."""
        loss, _ = self._gradient(batch.parameters, batch.steps)
        return self._with_status(batch, loss)

    def _with_status(self, batch: Batch, loss: torch.Tensor) -> Batch:
        until = stop_step(loss, batch.steps, batch.until, self._below, self._more_steps)
        return with_status(batch, loss, until)


def stop_step(
    loss: torch.Tensor, done: torch.Tensor, until: torch.Tensor, below: float, more_steps: int
) -> torch.Tensor:
    """``until``, set for the seeds whose loss is ``below`` for the first time; each tensor (S,)."""
    if below == -math.inf:
        return until
    return torch.where((until == NEVER) & (loss < below), done + more_steps, until)


def with_status(batch: Batch, loss: torch.Tensor, until: torch.Tensor) -> Batch:
    """The batch with ``until``, and with the status of running seeds that stop or have diverged.

    A NaN loss counts as diverged.
    """
    ended = torch.where(loss <= DIVERGED_ABOVE, STOPPED, DIVERGED)
    unchanged = (batch.status != RUNNING) | ((loss <= DIVERGED_ABOVE) & (batch.steps < until))
    return replace(batch, until=until, status=torch.where(unchanged, batch.status, ended))
