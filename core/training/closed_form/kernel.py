"""The stepper of linear students on a CPU: compiled loops, one seed at a time, several seeds on several threads.

A seed's numbers do not depend on its company, nor on how many threads there are, to the bit.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
import torch

from core.losses import Target
from core.spec import ExperimentSpec, LinearStudent, Optimizer, channels
from core.training.layout import LinearLayout
from core.training.loops import linear
from core.training.optimizer_encoding import Float, ending_of, kind_of, method_of
from core.training.optimizers import rule_of
from core.training.stepper import RUNNING, Batch


def fits(spec: ExperimentSpec) -> bool:
    """Whether the compiled loops know the experiment's students: those with one input and one output."""
    return channels(spec.teacher) == (1, 1)


def problem_of(student: LinearStudent, target: Target, kind: Float) -> linear.Problem:
    """What the compiled loops minimise, in numbers of this kind."""
    return linear.Problem(
        target.M.astype(kind),
        target.response[: target.length, 0, 0].astype(kind),
        student.dim,
        linear.sizes_of(
            student.dim,
            target.length,
            kind,
            diagonal=student.structure == "diagonal",
            tied=student.tied,
        ),
        student.structure == "diagonal",
        student.structure == "symmetric",
        student.tied,
        np.array([name in student.trained for name in "ABC"]),
    )


class KernelStepper:
    """See :class:`core.training.stepper.Stepper`. For students with one input and one output."""

    def __init__(
        self, optimizer: Optimizer, layout: LinearLayout, target: Target, dtype: torch.dtype
    ) -> None:
        """For any optimizer but gradient flow."""
        kind = kind_of(dtype)
        self._problem = problem_of(layout.student, target, kind)
        self._method = method_of(optimizer, layout, kind)
        self._ending = ending_of(optimizer)
        self._memory = rule_of(optimizer, layout).width // layout.size
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        moved = batch.copied()
        running = np.flatnonzero(moved.status.numpy() == RUNNING)
        threads = min(torch.get_num_threads(), len(running))
        shares = [running[i::threads] for i in range(threads)]
        if len(shares) == 1:
            self._train(shares[0], moved, steps)
        elif shares:
            list(self._threads.map(self._train, shares, repeat(moved), repeat(steps)))
        return moved

    def look(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self.advance(batch, 0)

    def _train(self, seeds: np.ndarray, batch: Batch, steps: int) -> None:
        tensors = (batch.parameters, batch.memory, batch.steps, batch.status, batch.until)
        room = linear.room_for(self._problem, self._memory)
        linear.train(
            seeds,
            *(tensor.numpy() for tensor in tensors),
            room,
            self._problem,
            self._method,
            self._ending,
            steps,
        )
