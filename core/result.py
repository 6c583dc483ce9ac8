"""The result of an experiment as frozen values, the same in memory and in JSON.

JSON writes non-finite numbers as "NaN", "Infinity" and "-Infinity", and reads them back.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from core.labels import how_many

Response = list[float] | list[list[list[float]]]
"""h_0 .. h_{q-1}: a flat list of q numbers if p = m = 1, else q x p x m."""

METRICS = MappingProxyType(
    {
        "train_loss": "training loss L = eᵀ M e",
        "fit_error": "fit error, max |e_j| over j < k",
        "extrapolation_error": "extrapolation error, max |e_j| over k ≤ j < q",
        "extrapolation_error_rms": "extrapolation error, RMS of e_j over k ≤ j < q",
        "zero_baseline": "zero baseline, max |ĥ_j| over k ≤ j < q",
        "relative_extrapolation_error": "extrapolation error over zero baseline",
        "extrapolation_horizon": (
            "first lag with |e_j| > fit_tolerance x max |ĥ_j|, q if no lag exceeds it"
        ),
        "sequence_fit_error": (
            "squared error over the teacher's variance on Gaussian inputs, max over t < k"
        ),
        "sequence_extrapolation_error": (
            "squared error over the teacher's variance on Gaussian inputs, max over k ≤ t < q"
        ),
        "imbalance": "imbalance |B - Cᵀ|",
        "invariant_drift": "drift of the quantity that gradient flow conserves",
        "spectral_radius": "spectral radius of A",
        "spectral_distance": "Wasserstein distance of the weighted spectra of student and teacher",
        "effective_rank": "effective rank of the Hankel singular values",
        "state_effective_rank": "effective rank of the states' covariance",
        "eigenvalue_effective_rank": "effective rank of the eigenvalues of A",
        "sharpness": "sharpness, the largest eigenvalue of the loss's Hessian",
        "gauss_newton_sharpness": (
            "largest eigenvalue of the Hessian's Gauss-Newton part, its value where the loss is 0"
        ),
        "time": "training time, the sum of the steps' sizes",
        "steps_to_fit": (
            "first recorded step from which on the fit error stays at most fit_tolerance x "
            "max |ĥ_j|; Infinity if it is larger at the end"
        ),
        "time_to_fit": "training time at steps_to_fit",
        "plateaus": "number of plateaus of the loss before the run fits",
        "plateau_steps": "steps of the longest plateau before the run fits, 0 if there is none",
        "plateau_time": "training time of the longest plateau before the run fits",
        "plateau_loss": "median training loss of the longest plateau before the run fits",
        "flow_distance": "max |h_j - h_j of gradient flow at the same time| over j < q",
    }
)
"""Every metric by name, with its meaning. :mod:`core.metrics` computes them.

NaN if the metric is not defined: for a student that has no such thing, such as the imbalance of a
GRU, or because it is relative to 0 or to a number past the range of float64
(:func:`core.caveats.undefined` says so).
"""

_OF_WHOLE_TRAINING = frozenset(
    {"steps_to_fit", "time_to_fit", "plateaus", "plateau_steps", "plateau_time", "plateau_loss"}
)
_FINAL_ONLY = frozenset({"zero_baseline", "flow_distance"}) | _OF_WHOLE_TRAINING

SERIES = tuple(name for name in METRICS if name not in _FINAL_ONLY)
"""Metrics recorded during training; the others are constant or computed only at the end."""


TEACHER_METRICS = frozenset({"zero_baseline"})
"""Metrics of the teacher alone, defined even for a diverged run."""


DIVERGED_ABOVE = 1e12
"""A run diverges once its training loss is above this, or not a number."""


class Outcome(StrEnum):
    """The outcome of a run: a value, not an exception."""

    FITTED = "fitted"
    STEP_BUDGET_SPENT = "step_budget_spent"
    DIVERGED = "diverged"
    CANCELLED = "cancelled"

    @property
    def words(self) -> str:
        """The outcome as people read it: a run that fits spends its step budget as well.

        Example:
            >>> Outcome.STEP_BUDGET_SPENT.words
            'not fitted'
        """
        return "not fitted" if self is Outcome.STEP_BUDGET_SPENT else self.value

    @property
    def sentence(self) -> str:
        """The outcome in a sentence."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.FITTED: "The student fits the training length.",
    Outcome.STEP_BUDGET_SPENT: "All steps ran, but the student does not fit the training length.",
    Outcome.DIVERGED: "The loss became non-finite or passed 1e12; training stopped at that step.",
    Outcome.CANCELLED: "Training was cancelled before its end.",
}


class _Value(BaseModel):
    model_config = ConfigDict(
        frozen=True, ser_json_inf_nan="strings", extra="forbid", defer_build=True
    )


Array = Annotated[list[list[float]] | list[float], Field(union_mode="left_to_right")]
"""A matrix, or a vector such as a bias."""


class RunResult(_Value):
    """The result of one seed.

    Attributes:
        seed: The seed that drew the start.
        outcome: How the run ended.
        steps: Number of steps run; for a diverged run, the step whose loss revealed it.
        response: The student's impulse response h_0 .. h_{q-1}.
        eigenvalues: Of A, as [re, im], by falling absolute value; empty if there is no A.
        hankel_singular_values: Of the ⌊q/2⌋ x ⌊q/2⌋ (block) Hankel matrix of the response, falling.
        parameters: By name: A d x d, B d x m, C p x d of a linear student, whatever its structure.
        summary: Every metric of :data:`METRICS` at the last step.
        warnings: Caveats about these numbers.
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

    def __repr__(self) -> str:
        errors = ("fit_error", "extrapolation_error")
        numbers = [f"{name} {self.summary[name]:.3g}" for name in errors if name in self.summary]
        ending = f"{self.outcome.words} after {how_many(self.steps, 'step')}"
        return f"<seed {self.seed}: {', '.join([ending, *numbers])}>"

    __str__ = __repr__


class BaselineResult(_Value):
    """The result of a method without gradient descent on the same data.

    Attributes:
        name: The method, one of ``evaluation.baselines``.
        order: State dimension of the identified system.
        response: Its impulse response h_0 .. h_{q-1}.
        eigenvalues: Of its A, as [re, im], falling; empty if it has no A.
        summary: The metrics of :data:`METRICS` that depend on the response alone.
        note: The choices that the method made, in a sentence.
    """

    name: str
    order: int
    response: Response
    eigenvalues: list[tuple[float, float]]
    summary: dict[str, float]
    note: str

    def __repr__(self) -> str:
        return f"<baseline {self.name}, order {self.order}>"

    __str__ = __repr__


class ExperimentResult(_Value):
    """All runs of an experiment, in the order of the spec's seeds, and the teacher's response.

    Attributes:
        teacher_response: ĥ_0 .. ĥ_{q-1}.
        runs: One per seed.
        baselines: One per method that the spec asks for.
        series: The recorded points in long form: equally long columns ``seed``, ``step``, every
            name of :data:`SERIES` and of ``evaluation.record`` (with further axes), in order of
            step. Not part of the result's JSON.
    """

    teacher_response: Response
    runs: list[RunResult]
    baselines: list[BaselineResult] = []
    series: Mapping[str, list[Any]]

    def __repr__(self) -> str:
        counts = Counter(run.outcome.words for run in self.runs)
        runs = ", ".join(f"{count} {words}" for words, count in counts.items())
        return f"<{type(self).__name__}: {runs}, {how_many(len(self.teacher_response), 'lag')}>"

    __str__ = __repr__
