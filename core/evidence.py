"""Completed experiments as verdicts and figures see them: the spec, and each seed's end."""

from dataclasses import dataclass

import numpy as np

from core.result import Outcome
from core.spec import ExperimentSpec


@dataclass(frozen=True)
class RunEvidence:
    """One seed's end: its outcome and its summary, every metric of :data:`core.result.METRICS`."""

    seed: int
    outcome: Outcome
    summary: dict[str, float]


@dataclass(frozen=True)
class Evidence:
    """One completed experiment."""

    spec: ExperimentSpec
    experiment_id: str
    runs: tuple[RunEvidence, ...]

    def values(self, metric: str) -> np.ndarray:
        """The metric of every seed, (S,); infinite for a diverged seed."""
        return np.array([np.inf if run.outcome is Outcome.DIVERGED else run.summary[metric] for run in self.runs])

    def median(self, metric: str) -> float:
        """The median over seeds."""
        return float(np.median(self.values(metric)))

    def median_of_fitted(self, metric: str) -> float:
        """The median over the seeds that fit; NaN where that is fewer than half of them."""
        fitted = [run.summary[metric] for run in self.runs if run.outcome is Outcome.FITTED]
        return float(np.median(fitted)) if 2 * len(fitted) >= len(self.runs) else float("nan")

    @property
    def start(self) -> str:
        """The student and its start in a few words, the same for all training lengths of a sweep."""
        student = self.spec.student
        kind = "tied" if student.tied else "balanced" if getattr(student.start, "balanced", False) else "unbalanced"
        scale = getattr(student.start, "scale", None)
        words = student.start.kind if scale is None else f"{student.start.kind} start, scale {scale:g}"
        return f"{student.structure} A, {kind} {words}"
