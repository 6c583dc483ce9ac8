"""The steppers of students on sequences: torch on any device, compiled loops on a CPU."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.spec import Optimizer
from core.training.layout import Layout
from core.training.loops import optimizer_steps
from core.training.optimizer_encoding import encode_optimizer, numpy_type, stop_rule_of
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import MiniBatches
from core.training.sequences.kernel import SequenceKernel
from core.training.stepper import RUNNING, Batch, TorchStepper


class SequenceStepper(TorchStepper):
    """A torch stepper whose mini-batches are drawn on the host.

    The host counts the steps itself and doesn't wait for the device between them.
    """

    def __init__(
        self,
        gradient: SequenceGradient,
        mini_batches: MiniBatches,
        optimizer: Optimizer,
        layout: Layout,
    ) -> None:
        """For a gradient on mini-batches."""
        super().__init__(self._gradient_at, optimizer, layout)
        self._sequence_gradient, self._mini_batches = gradient, mini_batches
        self._upcoming_steps: Iterator[Sequence[int]] = iter(())

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`.

        All seeds that still run have done the same number of steps.
        """
        seeds, first = len(batch.steps), int(batch.steps.max())  # the only wait for the device
        self._upcoming_steps = iter([[step] * seeds for step in range(first, first + steps)])
        return super().advance(batch, steps)

    def _gradient_at(self, flat: Tensor, done: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient in the next step of an advance, or in a check, which reads ``done``."""
        steps = next(self._upcoming_steps, None)
        mini_batch = self._mini_batches.at(done.tolist() if steps is None else steps)
        return self._sequence_gradient(flat, mini_batch)


class SequenceKernelStepper:
    """See :class:`core.training.stepper.Stepper`. For non-linear students on a CPU."""

    def __init__(
        self,
        kernel: SequenceKernel,
        mini_batches: MiniBatches,
        optimizer: Optimizer,
        layout: Layout,
        dtype: torch.dtype,
    ) -> None:
        """For any optimizer but gradient flow."""
        self._kernel, self._mini_batches = kernel, mini_batches
        self._optimizer = encode_optimizer(optimizer, layout, numpy_type(dtype))
        self._stop_rule = stop_rule_of(optimizer)
        self._ends = np.array(layout.ends)

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self._advanced(batch, steps, moving=True)

    def check(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self._advanced(batch, 1, moving=False)

    def _advanced(self, batch: Batch, steps: int, *, moving: bool) -> Batch:
        batch = batch.copied()
        tensors = (batch.parameters, batch.memory, batch.steps, batch.status, batch.until)
        arrays = [tensor.numpy() for tensor in tensors]
        for _ in range(steps):
            running = np.flatnonzero(batch.status.numpy() == RUNNING)
            if not len(running):
                break
            mini_batch = self._mini_batches.at(batch.steps.tolist())
            loss, gradient = self._kernel.gradient(batch.parameters, mini_batch, running)
            optimizer_steps.step_batch(
                running,
                *arrays,
                loss,
                gradient,
                self._optimizer,
                self._stop_rule,
                self._ends,
                moving,
            )
        return batch
