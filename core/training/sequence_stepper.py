"""The stepper of non-linear students on a CPU: compiled, but for the drawing of mini-batches."""

from dataclasses import fields, replace

import numpy as np
import torch

from core.spec import Optimizer
from core.training.layout import Layout
from core.training.loops import moves
from core.training.loops.method import ending_of, method_of
from core.training.sequence_inputs import MiniBatches
from core.training.sequence_kernel import SequenceKernel
from core.training.stepper import Batch


class SequenceKernelStepper:
    """See :class:`core.training.stepper.Stepper`."""

    def __init__(self, kernel: SequenceKernel, mini_batches: MiniBatches, optimizer: Optimizer, layout: Layout) -> None:
        """For any optimizer but gradient flow."""
        self._kernel, self._mini_batches, self._optimizer, self._layout = kernel, mini_batches, optimizer, layout
        self._ending, self._ends = ending_of(optimizer), np.array(layout.ends)

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`. All seeds that still run have done equally many steps."""
        return self._advanced(batch, steps, moving=True)

    def look(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self._advanced(batch, 1, moving=False)

    def _advanced(self, batch: Batch, steps: int, *, moving: bool) -> Batch:
        moved = replace(batch, **{field.name: getattr(batch, field.name).clone() for field in fields(batch)})
        arrays = [getattr(moved, field.name).numpy() for field in fields(moved)]
        kind = np.float64 if batch.parameters.dtype == torch.float64 else np.float32
        method = method_of(self._optimizer, self._layout, kind)
        for _ in range(steps):
            if not moved.running:
                break
            loss, gradient = self._gradient(moved.parameters, moved.steps)
            moves.step(*arrays, loss.numpy(), gradient.numpy(), method, self._ending, self._ends, moving)
        return moved

    def _gradient(self, flat: torch.Tensor, done: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._kernel(flat, self._mini_batches.at(done.tolist()))
