"""The stepper of linear students on a CPU: compiled loops, one seed at a time, several seeds on several threads.

A seed's numbers do not depend on its company, nor on how many threads there are, to the bit.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import repeat
from typing import assert_never

import numpy as np
import torch

from core.losses import Target
from core.spec import (
    Adam,
    AdaptiveGradientDescent,
    ConstantSchedule,
    CosineSchedule,
    ExperimentSpec,
    ExponentialSchedule,
    GradientDescent,
    GradientFlow,
    LinearStudent,
    Momentum,
    Optimizer,
    WarmupSchedule,
    channels,
)
from core.training import compiled, moves
from core.training.layout import LinearLayout
from core.training.optimizers import rule_of
from core.training.schedule import rates_of
from core.training.stepper import DIVERGED_ABOVE, RUNNING, Batch

Float = type[np.float64] | type[np.float32]


def fits(spec: ExperimentSpec) -> bool:
    """Whether the compiled loops know the experiment's students: those with one input and one output."""
    return channels(spec.teacher) == (1, 1)


def compiled_here() -> bool:
    """Whether this process compiled loops, as the first on a machine does; the next ones read them from disk."""
    return bool(compiled.train.stats.cache_misses)


def problem_of(student: LinearStudent, target: Target, kind: Float) -> compiled.Problem:
    """What the compiled loops minimise, in numbers of this kind."""
    return compiled.Problem(
        target.M.astype(kind),
        target.response[: target.length, 0, 0].astype(kind),
        student.dim,
        compiled.sizes_of(
            student.dim, target.length, kind, diagonal=student.structure == "diagonal", tied=student.tied
        ),
        student.structure == "diagonal",
        student.structure == "symmetric",
        student.tied,
        np.array([name in student.trained for name in "ABC"]),
    )


class KernelStepper:
    """See :class:`core.training.stepper.Stepper`. For students with one input and one output."""

    def __init__(self, optimizer: Optimizer, layout: LinearLayout, target: Target, dtype: torch.dtype) -> None:
        """For any optimizer but gradient flow."""
        kind: Float = np.float64 if dtype == torch.float64 else np.float32
        self._problem = problem_of(layout.student, target, kind)
        self._method = _method_of(optimizer, layout, kind)
        self._ending = compiled.Ending(optimizer.stop_below, optimizer.more_steps, DIVERGED_ABOVE)
        self._memory = rule_of(optimizer, layout).width // layout.size
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`."""
        moved = replace(batch, **{field.name: getattr(batch, field.name).clone() for field in fields(batch)})
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
        room = compiled.room_for(self._problem, self._memory)
        compiled.train(
            seeds,
            *(tensor.numpy() for tensor in tensors),
            room,
            self._problem,
            self._method,
            self._ending,
            steps,
        )


def _method_of(optimizer: Optimizer, layout: LinearLayout, kind: Float) -> compiled.Method:
    """The optimizer in the words of the compiled loops."""
    match optimizer:
        case GradientDescent():
            rule, numbers = moves.GRADIENT_DESCENT, [0.0]
        case Momentum():
            rule, numbers = moves.MOMENTUM, [optimizer.momentum]
        case AdaptiveGradientDescent():
            rule, numbers = moves.ADAPTIVE, [optimizer.beta, optimizer.soft]
        case Adam():
            rule, numbers = moves.ADAM, [*optimizer.betas, optimizer.eps]
        case GradientFlow():
            raise TypeError("gradient flow is not a rule of steps")
        case _:
            assert_never(optimizer)
    match optimizer.schedule:
        case ConstantSchedule():
            schedule, shape = moves.CONSTANT, [0.0]
        case CosineSchedule(floor=floor):
            schedule, shape = moves.COSINE, [floor, optimizer.steps]
        case ExponentialSchedule(decay=decay, every=every):
            schedule, shape = moves.EXPONENTIAL, [decay, every]
        case WarmupSchedule(steps=rise):
            schedule, shape = moves.WARMUP, [rise]
        case _:
            assert_never(optimizer.schedule)
    rates = rates_of(optimizer, layout)
    return compiled.Method(
        rule,
        np.array(numbers),
        optimizer.lr,
        schedule,
        np.array(shape, dtype=float),
        np.empty(0, kind) if rates is None else rates.astype(kind),
    )
