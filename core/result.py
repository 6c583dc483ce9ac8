"""What an experiment yields: frozen values, in memory as on the wire, with nothing in them that isn't finite hidden.

Non-finite numbers travel as "NaN", "Infinity" and "-Infinity" in JSON and are read back from those
words.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

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
        "extrapolation_horizon": "first lag at which |e_j| > fit_tolerance x max |ĥ_j|; q if there is none",
        "sequence_fit_error": "squared error over the teacher's variance on Gaussian inputs, max over t < k",
        "sequence_extrapolation_error": "the same, max over k ≤ t < q",
        "imbalance": "imbalance |B - Cᵀ|",
        "invariant_drift": "drift of what gradient flow conserves",
        "spectral_radius": "spectral radius of A",
        "spectral_distance": "Wasserstein distance of the weighted spectra of student and teacher",
        "effective_rank": "effective rank of the Hankel singular values",
        "state_effective_rank": "effective rank of the states' covariance",
        "eigenvalue_effective_rank": "effective rank of the eigenvalues of A",
        "sharpness": "sharpness, the largest eigenvalue of the loss's Gauss-Newton Hessian",
        "time": "training time, the sum of the steps' sizes",
        "flow_distance": "max |h_j - h_j of gradient flow at the same time| over j < q",
    }
)
"""Every metric by name with what it is; :mod:`core.metrics` computes them.

NaN where a student has no such thing.
"""

_AT_THE_END = frozenset({"zero_baseline", "flow_distance"})

SERIES = tuple(name for name in METRICS if name not in _AT_THE_END)
"""Metrics that are recorded along training; the others don't change or are looked at only once."""


OF_THE_TEACHER = frozenset({"zero_baseline"})
"""Metrics that no student changes, be it one that diverged."""


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


Array = Annotated[list[list[float]] | list[float], Field(union_mode="left_to_right")]
"""A matrix, or a vector such as a bias."""


class RunResult(_Value):
    """One seed of an experiment at its end.

    Attributes:
        seed: The seed that drew the start.
        outcome: How the run ended.
        steps: Steps that were run; for a diverged run the step whose loss gave it away.
        response: The student's impulse response h_0 .. h_{q-1}.
        eigenvalues: Of A, as [re, im], by falling absolute value; none where there is no A.
        hankel_singular_values: Of the ⌊q/2⌋ x ⌊q/2⌋ (block) Hankel matrix of the response, falling.
        parameters: By name: A d x d, B d x m, C p x d of a linear student, whatever its structure.
        summary: Every metric of :data:`METRICS` at the last step.
        warnings: What to bear in mind when reading these numbers.
    """

    seed: int
    outcome: Outcome
    steps: int
    response: Response
    eigenvalues: list[tuple[float, float]]
    hankel_singular_values: list[float]
    parameters: dict[str, Array]
    summary: dict[str, float]
    warnings: list[str] = []


class BaselineResult(_Value):
    """What a method without gradient descent made of the same data.

    Attributes:
        name: The method, one of ``evaluation.baselines``.
        order: How many states it took.
        response: Its impulse response h_0 .. h_{q-1}.
        eigenvalues: Of its A, as [re, im], falling; none where it has no A.
        summary: Those metrics of :data:`METRICS` that are about a response.
        note: What was chosen on the way, in a sentence.
    """

    name: str
    order: int
    response: Response
    eigenvalues: list[tuple[float, float]]
    summary: dict[str, float]
    note: str


class ExperimentResult(_Value):
    """All runs of an experiment, in the order of the spec's seeds, and the teacher that they were to learn.

    Attributes:
        teacher_response: ĥ_0 .. ĥ_{q-1}.
        runs: One per seed.
        baselines: One per method that the spec asks for.
        series: The recorded points in long form: equally long columns ``seed``, ``step`` and every
            name of :data:`SERIES`, and of ``evaluation.record`` (with further axes), in order of
            step. Not part of the result's JSON.
    """

    teacher_response: Response
    runs: list[RunResult]
    baselines: list[BaselineResult] = []
    series: Mapping[str, list[Any]]
