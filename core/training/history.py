"""The history of a training: what the metrics of a whole run need of every recorded point.

Unlike the recorded points, it isn't flushed: checkpoints contain it, so that these metrics don't
depend on when points were stored.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from core.metrics.plateaus import training_metrics
from core.spec import ExperimentSpec
from core.training.schedule import training_time

KEPT = ("train_loss", "fit_error")
"""The metrics of a point that the history keeps."""


@dataclass(frozen=True)
class History:
    """The recorded points of all seeds, in order of step.

    Attributes:
        rows: Place of the seed in the spec, step, and :data:`KEPT` of each point, (N, 4).
    """

    rows: np.ndarray

    @classmethod
    def empty(cls) -> Self:
        """The history of a training that has no point yet."""
        return cls(np.empty((0, 2 + len(KEPT))))

    def extended(self, steps: np.ndarray, metrics: np.ndarray, advanced: np.ndarray) -> Self:
        """The history with further points, of the seeds that have ``advanced``.

        Args:
            steps: (P, S).
            metrics: :data:`KEPT` of each point, (P, S, 2).
            advanced: (P, S).
        """
        seeds = np.broadcast_to(np.arange(steps.shape[1]), steps.shape)
        columns = np.concatenate([seeds[..., None], steps[..., None], metrics], axis=-1)
        return type(self)(np.concatenate([self.rows, columns[advanced]]))

    def metrics(self, spec: ExperimentSpec, bound: float) -> dict[str, np.ndarray]:
        """The metrics of the whole training, each (S,).

        Args:
            spec: The spec being trained.
            bound: The largest fit error of a student that fits.
        """
        of_seeds = []
        for seed in range(len(spec.seeds)):
            steps, losses, fit_errors = self.rows[self.rows[:, 0] == seed, 1:].T
            times = training_time(spec.optimizer, steps)
            of_seeds.append(training_metrics(steps, times, losses, fit_errors, bound))
        return {name: np.array([run[name] for run in of_seeds]) for name in of_seeds[0]}
