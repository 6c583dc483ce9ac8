"""The steppers of students on sequences: in torch on any device; on a CPU compiled, but for drawing mini-batches."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.spec import Optimizer
from core.training.layout import Layout
from core.training.loops import optimizer_steps
from core.training.optimizer_encoding import ending_of, kind_of, method_of
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import MiniBatches
from core.training.sequences.kernel import SequenceKernel
from core.training.stepper import RUNNING, Batch, TorchStepper


class SequenceStepper(TorchStepper):
    """A stepper whose mini-batches are drawn on the host, which counts steps itself and never asks the device."""

    def __init__(
        self,
        gradient: SequenceGradient,
        mini_batches: MiniBatches,
        optimizer: Optimizer,
        layout: Layout,
    ) -> None:
        """For a gradient on mini-batches."""
        super().__init__(self._at, optimizer, layout)
        self._of, self._mini_batches = gradient, mini_batches
        self._ahead: Iterator[Sequence[int]] = iter(())

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`.

        All seeds that still run have done equally many steps.
        """
        seeds, first = (
            len(batch.steps),
            int(batch.steps.max()),
        )  # the one question to the device, before the steps
        self._ahead = iter([[step] * seeds for step in range(first, first + steps)])
        return super().advance(batch, steps)

    def _at(self, flat: Tensor, done: Tensor) -> tuple[Tensor, Tensor]:
        """On the way the host knows the steps; a look at where seeds stand asks for them."""
        steps = next(self._ahead, None)
        return self._of(flat, self._mini_batches.at(done.tolist() if steps is None else steps))


class SequenceKernelStepper:
    """See :class:`core.training.stepper.Stepper`. For non-linear students."""

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
        self._method, self._ending = (
            method_of(optimizer, layout, kind_of(dtype)),
            ending_of(optimizer),
        )
        self._ends = np.array(layout.ends)

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self._advanced(batch, steps, moving=True)

    def look(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self._advanced(batch, 1, moving=False)

    def _advanced(self, batch: Batch, steps: int, *, moving: bool) -> Batch:
        moved = batch.copied()
        tensors = (moved.parameters, moved.memory, moved.steps, moved.status, moved.until)
        arrays = [tensor.numpy() for tensor in tensors]
        for _ in range(steps):
            running = np.flatnonzero(moved.status.numpy() == RUNNING)
            if not len(running):
                break
            drawn = self._mini_batches.at(moved.steps.tolist())
            loss, gradient = self._kernel.gradient(moved.parameters, drawn, running)
            optimizer_steps.step(
                running, *arrays, loss, gradient, self._method, self._ending, self._ends, moving
            )
        return moved
