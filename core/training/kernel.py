"""The stepper of linear students on a CPU: compiled loops, one seed at a time, several seeds on several threads.

A seed's numbers do not depend on its company, nor on how many threads there are, to the bit.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch

from core.losses import Target
from core.spec import (
    AdaptiveGradientDescent,
    ExperimentSpec,
    GradientDescent,
    GradientFlow,
    LinearStudent,
    Momentum,
    channels,
)
from core.training import compiled
from core.training.layout import LinearLayout
from core.training.stepper import DIVERGED_ABOVE, RUNNING, Batch


class KernelStepper:
    """See :class:`core.training.stepper.Stepper`. For students with one input and one output."""

    def __init__(self, spec: ExperimentSpec, layout: LinearLayout, target: Target, dtype: torch.dtype) -> None:
        """For the student, target and optimizer of ``spec``."""
        kind = np.float64 if dtype == torch.float64 else np.float32
        student, optimizer = spec.student, spec.optimizer
        assert isinstance(student, LinearStudent)  # noqa: S101  # see fits
        assert not isinstance(optimizer, GradientFlow)  # noqa: S101  # see fits
        rule, numbers = compiled.GRADIENT_DESCENT, (optimizer.lr, 0.0, 0.0)
        if isinstance(optimizer, Momentum):
            rule, numbers = compiled.MOMENTUM, (optimizer.lr, optimizer.momentum, 0.0)
        if isinstance(optimizer, AdaptiveGradientDescent):
            rule, numbers = compiled.ADAPTIVE, (optimizer.lr, optimizer.beta, optimizer.soft)
        self._fixed = (
            target.M.astype(kind),
            target.response[: target.length, 0, 0].astype(kind),
            student.dim,
            student.structure == "diagonal",
            student.structure == "symmetric",
            student.tied,
            np.array([name in student.trained for name in "ABC"]),
            rule,
            np.array(numbers, kind),
            np.array(layout.ends),
            np.array([optimizer.stop_below, DIVERGED_ABOVE]),
        )

    @staticmethod
    def fits(spec: ExperimentSpec) -> bool:
        """Whether the kernel knows the experiment's students."""
        return channels(spec.teacher) == (1, 1) and isinstance(
            spec.optimizer, GradientDescent | Momentum | AdaptiveGradientDescent
        )

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        moved = replace(
            batch, **{name: getattr(batch, name).clone() for name in ("parameters", "memory", "steps", "status")}
        )
        self._train(moved, steps)
        return moved

    def look(self, batch: Batch) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        return self.advance(batch, 0)

    def _train(self, batch: Batch, steps: int) -> None:
        parameters, memory = batch.parameters.numpy(), batch.memory.numpy()
        done, status = batch.steps.numpy(), batch.status.numpy()

        def train(seed: int) -> None:
            done[seed], status[seed] = compiled.train(parameters[seed], memory[seed], *self._fixed, done[seed], steps)

        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            list(threads.map(train, np.flatnonzero(status == RUNNING)))
