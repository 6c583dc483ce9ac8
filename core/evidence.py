"""Completed experiments as verdicts and figures read them: the spec, and how each seed ended."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from core.result import BaselineResult, Outcome
from core.spec import ExperimentSpec, spec_hash
from core.statistics import statistic, values_of_runs


@dataclass(frozen=True)
class RunEvidence:
    """The final state of one seed.

    Attributes:
        seed: The seed.
        outcome: How the run ended.
        steps: Steps that were run; with a stop rule, the time to fit.
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
        spec: The spec that was run.
        experiment_id: The experiment's id.
        runs: One per seed.
        baselines: The baselines' results on the same data.
        teacher_response: ĥ_0 .. ĥ_{q-1}; None unless the study reads responses.
    """

    spec: ExperimentSpec
    experiment_id: str
    runs: tuple[RunEvidence, ...]
    baselines: tuple[BaselineResult, ...] = ()
    teacher_response: np.ndarray | None = None

    @cached_property
    def spec_hash(self) -> str:
        """The hash that identifies the spec."""
        return spec_hash(self.spec)

    def values(self, metric: str) -> np.ndarray:
        """The metric of every seed as statistics count it, (S,): infinite for a diverged seed."""
        return values_of_runs(self.runs, [metric])[:, 0]

    def median(self, metric: str) -> float:
        """The median over seeds."""
        return statistic("median", self.values(metric))

    @property
    def fitted(self) -> tuple[RunEvidence, ...]:
        """The seeds that fit."""
        return tuple(run for run in self.runs if run.outcome is Outcome.FITTED)

    @property
    def diverged(self) -> tuple[RunEvidence, ...]:
        """The seeds that diverged."""
        return tuple(run for run in self.runs if run.outcome is Outcome.DIVERGED)

    @property
    def most_fit(self) -> bool:
        """Whether at least half of the seeds fit: then claims about those that fit are judged.

        They leave out the others, so half are enough; :func:`core.statistics.most_fit` asks for
        more than half, so that the median over all seeds is that of seeds that fit.
        """
        return 2 * len(self.fitted) >= len(self.runs) > 0

    @property
    def only_fitted(self) -> Self:
        """The experiment with the seeds that fit alone."""
        return replace(self, runs=self.fitted)
