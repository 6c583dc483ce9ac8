"""The recorded points of a training: the positions of its seeds, measured many points per call.

Measuring many points per call lets NumPy loop over matrices in machine code; a small student's
point costs several times as much alone. No bit depends on how points are grouped, so slices,
flushes and checkpoints can come at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from core.pulse import beat
from core.result import METRICS, SERIES
from core.spec import ExperimentSpec
from core.training.engine import Engine
from core.training.history import KEPT, History
from core.training.schedule import training_time
from core.training.stepper import Batch


@dataclass(frozen=True)
class Position:
    """The seeds at one point.

    Attributes:
        parameters: (S, n).
        steps: Steps done, (S,).
        advanced: Whether each seed has advanced since the last point, (S,).
    """

    parameters: torch.Tensor
    steps: np.ndarray
    advanced: np.ndarray


@dataclass(frozen=True)
class Points:
    """The points recorded since the last flush, in order of step.

    Attributes:
        spec: The spec being trained.
        engine: Measures the points.
        pending: Positions that are not measured yet.
        measured: The columns of earlier calls.
        latest: Every metric of every seed, each (S,), at the last point that was measured.
        history: What the metrics of a whole training need; None if the training was resumed from a
            checkpoint without it.
    """

    spec: ExperimentSpec
    engine: Engine
    pending: tuple[Position, ...] = ()
    measured: tuple[Mapping[str, np.ndarray], ...] = ()
    latest: Mapping[str, np.ndarray] | None = None
    history: History | None = None

    def record(self, batch: Batch, recorded: np.ndarray) -> Self:
        """Adds a point with every seed that has advanced beyond its last ``recorded`` step (S,)."""
        steps = batch.steps.cpu().numpy()
        advanced = steps > recorded
        if not advanced.any():
            return self
        position = Position(batch.parameters, steps, advanced)
        points = replace(self, pending=(*self.pending, position))
        full = len(points.pending) >= self.engine.points_per_call
        return points.measure_pending() if full else points

    def measure_pending(self) -> Self:
        """The points with all of them measured."""
        if not self.pending:
            return self
        parameters = torch.stack([position.parameters for position in self.pending])
        steps = np.stack([position.steps for position in self.pending])
        advanced = np.stack([position.advanced for position in self.pending])
        beat("the metrics of recorded points")
        metrics = measure_points(self.spec, self.engine, parameters, steps)
        latest = {name: values[-1] for name, values in metrics.items()}
        values = metrics | self.engine.trajectories(parameters)
        seeds = np.broadcast_to(np.array(self.spec.seeds, dtype=np.int64), steps.shape)
        names = *SERIES, *self.spec.evaluation.record
        columns = {"seed": seeds, "step": steps, **{name: values[name] for name in names}}
        rows = {name: column[advanced] for name, column in columns.items()}
        history = self.history
        if history is not None:
            kept = np.stack([metrics[name] for name in KEPT], axis=-1)
            history = history.extended(steps, kept, advanced)
        measured = (*self.measured, rows)
        return replace(self, pending=(), measured=measured, latest=latest, history=history)

    def columns(self) -> dict[str, np.ndarray]:
        """Columns of equal length: ``seed``, ``step``, every name of SERIES and trajectories.

        Trajectories have further axes.
        """
        parts = self.measure_pending().measured
        if not parts:
            keys = {name: np.empty(0, np.int64) for name in ("seed", "step")}
            return {**keys, **{name: np.empty(0) for name in SERIES}}
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def measure_points(
    spec: ExperimentSpec, engine: Engine, parameters: torch.Tensor, steps: np.ndarray
) -> dict[str, np.ndarray]:
    """Every metric at ``parameters`` (P, S, n) after ``steps`` (P, S), each (P, S).

    A metric that the student doesn't have is NaN.
    """
    undefined = dict.fromkeys(METRICS, np.full(steps.shape, np.nan))
    time = training_time(spec.optimizer, steps)
    return {**undefined, **engine.measure(parameters), "time": time}
