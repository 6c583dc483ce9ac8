"""The points of a training: where its seeds stood, and what was measured there, many points in one call.

In one call NumPy goes from matrix to matrix in machine code; alone, a small student's point costs
several times as much. No bit depends on the company, so that slices, flushes and checkpoints may
come when they like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from core.result import METRICS, SERIES
from core.spec import ExperimentSpec
from core.training.engine import Engine
from core.training.schedule import time_at
from core.training.stepper import Batch


@dataclass(frozen=True)
class Stand:
    """Where the seeds stood at a point: parameters (S, n), steps done (S,), and which had ``moved`` since the last."""

    parameters: torch.Tensor
    steps: np.ndarray
    moved: np.ndarray


@dataclass(frozen=True)
class Points:
    """What was recorded since the last flush, in order of step.

    Attributes:
        spec: What is being trained.
        engine: What measures.
        waiting: Points to be measured once a call is full, or asked for.
        measured: Columns of earlier calls.
        newest: Every metric of every seed, each (S,), at the newest point that was measured.
    """

    spec: ExperimentSpec
    engine: Engine
    waiting: tuple[Stand, ...] = ()
    measured: tuple[Mapping[str, np.ndarray], ...] = ()
    newest: Mapping[str, np.ndarray] | None = None

    def record(self, batch: Batch, recorded: np.ndarray) -> Self:
        """With every seed that has moved on from ``recorded`` (S,): one that has ended, once more, there."""
        steps = batch.steps.cpu().numpy()
        moved = steps > recorded
        if not moved.any():
            return self
        more = replace(self, waiting=(*self.waiting, Stand(batch.parameters, steps, moved)))
        return more.settled() if len(more.waiting) >= self.engine.points_at_once else more

    def settled(self) -> Self:
        """With nothing left to be measured."""
        if not self.waiting:
            return self
        parameters = torch.stack([stand.parameters for stand in self.waiting])
        steps, moved = (
            np.stack(each) for each in zip(*((s.steps, s.moved) for s in self.waiting), strict=True)
        )
        measures = measures_of(self.spec, self.engine, parameters, steps)
        newest = {name: values[-1] for name, values in measures.items()}
        shown = measures | self.engine.trajectories(parameters)
        seeds = np.broadcast_to(np.array(self.spec.seeds, dtype=np.int64), steps.shape)
        columns = {"seed": seeds, "step": steps, **{name: shown[name] for name in self._names}}
        part = {name: column[moved] for name, column in columns.items()}
        return replace(self, waiting=(), measured=(*self.measured, part), newest=newest)

    def columns(self) -> dict[str, np.ndarray]:
        """Equally long columns ``seed``, ``step`` and every name of SERIES; trajectories have further axes."""
        parts = self.settled().measured
        if not parts:
            keys = {name: np.empty(0, np.int64) for name in ("seed", "step")}
            return {**keys, **{name: np.empty(0) for name in SERIES}}
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @property
    def _names(self) -> tuple[str, ...]:
        return *SERIES, *self.spec.evaluation.record


def measures_of(
    spec: ExperimentSpec, engine: Engine, parameters: torch.Tensor, steps: np.ndarray
) -> dict[str, np.ndarray]:
    """Every metric of ``parameters`` (P, S, n) after ``steps`` (P, S), each (P, S); NaN where a student has none."""
    nothing = dict.fromkeys(METRICS, np.full(steps.shape, np.nan))
    return {**nothing, **engine.measure(parameters), "time": time_at(spec.optimizer, steps)}
