"""Completed experiments as verdicts and figures see them: the spec, and each seed's end."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.result import BaselineResult, Outcome
from core.spec import ExperimentSpec, LinearStudent, spec_hash
from core.statistics import statistic, values_of_runs


@dataclass(frozen=True)
class RunEvidence:
    """One seed's end.

    Attributes:
        seed: The seed.
        outcome: How it ended.
        steps: Steps that were run: the time to fit where there is a stop rule.
        summary: Every metric of :data:`core.result.METRICS`.
        response: h_0 .. h_{q-1}, (q,) or (q, p, m); None unless the study reads responses.
    """

    seed: int
    outcome: Outcome
    steps: int
    summary: dict[str, float]
    response: np.ndarray | None = None


@dataclass(frozen=True)
class Evidence:
    """One completed experiment.

    Attributes:
        spec: What was run.
        experiment_id: Its id.
        runs: One per seed.
        baselines: What its baselines made of the same data.
        teacher_response: ĥ_0 .. ĥ_{q-1}; None unless the study reads responses.
    """

    spec: ExperimentSpec
    experiment_id: str
    runs: tuple[RunEvidence, ...]
    baselines: tuple[BaselineResult, ...] = ()
    teacher_response: np.ndarray | None = None

    @cached_property
    def spec_hash(self) -> str:
        """The spec's name among equals."""
        return spec_hash(self.spec)

    def values(self, metric: str) -> np.ndarray:
        """The metric of every seed as statistics count it, (S,): infinite for a diverged seed."""
        return values_of_runs(self.runs, [metric])[:, 0]

    def median(self, metric: str) -> float:
        """The median over seeds."""
        return statistic("median", self.values(metric))

    def median_of_fitted(self, metric: str) -> float:
        """The median over the seeds that fit; NaN where that is fewer than half of them."""
        fitted = [run for run in self.runs if run.outcome is Outcome.FITTED]
        if 2 * len(fitted) < len(self.runs):
            return float("nan")
        return statistic("median", values_of_runs(fitted, [metric])[:, 0])

    @property
    def start(self) -> str:
        """The student and its start in a few words, the same for all training lengths of a sweep."""
        student = self.spec.student
        if not isinstance(student, LinearStudent):
            return f"{student.kind}, {student.start.kind} start"
        kind = (
            "tied"
            if student.tied
            else "balanced"
            if getattr(student.start, "balanced", False)
            else "unbalanced"
        )
        scale = getattr(student.start, "scale", None)
        words = (
            student.start.kind if scale is None else f"{student.start.kind} start, scale {scale:g}"
        )
        return f"{student.structure} A, {kind} {words}"
