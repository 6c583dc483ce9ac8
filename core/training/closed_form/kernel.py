"""The stepper of linear students on a CPU: compiled loops over seeds, on several threads.

No bit of a seed's numbers depends on the other seeds or on the number of threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
import torch

from core.cost import LONG_LENGTH
from core.losses import Target, as_rows
from core.spec import ExperimentSpec, LinearStudent, Optimizer, channels, has_full_norms
from core.training.layout import LinearLayout
from core.training.loops import linear
from core.training.optimizer_encoding import (
    FloatType,
    encode_optimizer,
    numpy_type,
    stop_rule_of,
)
from core.training.optimizers import rule_of
from core.training.stepper import RUNNING, Batch


def is_supported(spec: ExperimentSpec) -> bool:
    """Whether the compiled loops support the spec: one input, one output, no full norms."""
    return channels(spec.teacher) == (1, 1) and not has_full_norms(spec.optimizer)


def problem_of(student: LinearStudent, target: Target, float_type: FloatType) -> linear.Problem:
    """The problem that the compiled loops minimise, in numbers of this type."""
    return linear.Problem(
        as_rows(target.M).astype(float_type),
        target.taught[:, 0, 0].astype(float_type),
        student.dim,
        linear.sizes_of(
            student.dim,
            target.length,
            float_type,
            diagonal=student.structure == "diagonal",
            tied=student.tied,
        ),
        student.structure == "diagonal",
        student.structure == "symmetric",
        student.tied,
        target.length >= LONG_LENGTH,
        np.array([name in student.trained for name in "ABC"]),
    )


class KernelStepper:
    """See :class:`core.training.stepper.Stepper`. For students with one input and one output."""

    def __init__(
        self, optimizer: Optimizer, layout: LinearLayout, target: Target, dtype: torch.dtype
    ) -> None:
        """For any optimizer but gradient flow."""
        float_type = numpy_type(dtype)
        self._problem = problem_of(layout.student, target, float_type)
        self._optimizer = encode_optimizer(optimizer, layout, float_type)
        self._stop_rule = stop_rule_of(optimizer)
        self._memory_per_parameter = rule_of(optimizer, layout).width // layout.size
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        batch = batch.copied()
        running = np.flatnonzero(batch.status.numpy() == RUNNING)
        threads = min(torch.get_num_threads(), len(running))
        # Contiguous, so that the loops are compiled for one layout of this argument.
        shares = [np.ascontiguousarray(running[i::threads]) for i in range(threads)]
        if len(shares) == 1:
            self._train(shares[0], batch, steps)
        elif shares:
            list(self._threads.map(self._train, shares, repeat(batch), repeat(steps)))
        return batch

    def check(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self.advance(batch, 0)

    def _train(self, seeds: np.ndarray, batch: Batch, steps: int) -> None:
        """Trains the seeds in place."""
        tensors = (batch.parameters, batch.memory, batch.steps, batch.status, batch.until)
        linear.train(
            seeds,
            *(tensor.numpy() for tensor in tensors),
            linear.workspace_for(self._problem, self._memory_per_parameter),
            self._problem,
            self._optimizer,
            self._stop_rule,
            steps,
        )
