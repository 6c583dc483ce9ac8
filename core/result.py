"""What an experiment yields: frozen values, in memory as on the wire, with nothing in them that isn't finite hidden.

Non-finite numbers travel as "NaN", "Infinity" and "-Infinity" in JSON and are read back from those words.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

Response = list[float] | list[list[list[float]]]
"""h_0 .. h_{q-1}: a flat list of q numbers where p = m = 1, else q x p x m."""

METRICS = MappingProxyType(
    {
        "train_loss": "training loss L = eᵀ M e",
        "fit_error": "fit error, max |e_j| over j < k",
        "extrapolation_error": "extrapolation error, max |e_j| over k ≤ j < q",
        "extrapolation_error_rms": "extrapolation error, RMS of e_j over k ≤ j < q",
        "zero_baseline": "zero baseline, max |ĥ_j| over k ≤ j < q",
        "relative_extrapolation_error": "extrapolation error over zero baseline",
        "imbalance": "imbalance |B - Cᵀ|",
        "spectral_radius": "spectral radius of A",
        "effective_rank": "effective rank of the Hankel singular values",
        "eigenvalue_effective_rank": "effective rank of the eigenvalues of A",
        "sharpness": "sharpness, the largest eigenvalue of the loss's Gauss-Newton Hessian",
    }
)
"""Every metric by name with what it is; :mod:`core.metrics` computes them."""

SERIES = tuple(name for name in METRICS if name != "zero_baseline")
"""Metrics that are recorded along training; the zero baseline doesn't change and is in the summary only."""


class Outcome(StrEnum):
    """How a run ended. The value of a run, not an exception."""

    FITTED = "fitted"
    STEP_BUDGET_SPENT = "step_budget_spent"
    DIVERGED = "diverged"
    CANCELLED = "cancelled"

    @property
    def sentence(self) -> str:
        """The outcome as a person reads it."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.FITTED: "The student fits the training length.",
    Outcome.STEP_BUDGET_SPENT: "All steps were run, and the student does not fit the training length yet.",
    Outcome.DIVERGED: "The loss became non-finite or passed 1e12; training stopped at that step.",
    Outcome.CANCELLED: "Training was cancelled before its end.",
}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings", extra="forbid")


class Parameters(_Value):
    """Final parameters: A d x d, B d x m, C p x d, whatever the student's structure."""

    A: list[list[float]]
    B: list[list[float]]
    C: list[list[float]]


class RunResult(_Value):
    """One seed of an experiment at its end.

    Attributes:
        seed: The seed that drew the start.
        outcome: How the run ended.
        steps: Steps that were run; for a diverged run the step whose loss gave it away.
        response: The student's impulse response h_0 .. h_{q-1}.
        eigenvalues: Of A, as [re, im], by falling absolute value.
        hankel_singular_values: Of the ⌊q/2⌋ x ⌊q/2⌋ (block) Hankel matrix of the response, falling.
        parameters: A, B and C.
        summary: Every metric of :data:`METRICS` at the last step.
    """

    seed: int
    outcome: Outcome
    steps: int
    response: Response
    eigenvalues: list[tuple[float, float]]
    hankel_singular_values: list[float]
    parameters: Parameters
    summary: dict[str, float]


class ExperimentResult(_Value):
    """All runs of an experiment, in the order of the spec's seeds, and the teacher that they were to learn.

    Attributes:
        teacher_response: ĥ_0 .. ĥ_{q-1}.
        runs: One per seed.
        series: The recorded points in long form: equally long columns ``seed``, ``step`` and every name of
            :data:`SERIES`, in order of step. Not part of the result's JSON.
    """

    teacher_response: Response
    runs: list[RunResult]
    series: Mapping[str, list[float]]
