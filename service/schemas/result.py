"""Schemas that document :class:`core.result.ExperimentResult`, with non-finite numbers as words."""

from pydantic import Field

from core.result import Outcome
from service.schemas.base import Answer, Number
from store.states import State

Matrix = list[list[Number]]
Response = list[Number] | list[Matrix]
Column = list[Number | None] | list[Response] | list[Matrix]
"""A metric's numbers, null where it was not recorded; or recorded responses, each as in the result;
or recorded eigenvalues, each [[re, im], ...]."""

AlignedColumn = list[Number | None] | list[Response | None] | list[Matrix | None]
"""A :data:`Column` with null where there is no point too."""


class RunResult(Answer):
    """The result of one seed."""

    seed: int
    outcome: Outcome
    steps: int
    response: Response = Field(
        description="Impulse response h_0 .. h_{q-1}: q numbers if p = m = 1, else q x p x m."
    )
    eigenvalues: list[tuple[Number, Number]] = Field(
        description="Eigenvalues of A as [re, im], in descending order of absolute value."
    )
    hankel_singular_values: list[Number]
    parameters: dict[str, Matrix | list[Number]] = Field(
        description="Parameters by name; of a linear student A d x d, B d x m, C p x d."
    )
    summary: dict[str, Number] = Field(description="Metrics at the last step, by name.")
    warnings: list[str] = Field(description="Caveats about these numbers.")


class BaselineResult(Answer):
    """The result of a method without gradient descent on the same data."""

    name: str
    order: int
    response: Response
    eigenvalues: list[tuple[Number, Number]]
    summary: dict[str, Number]
    note: str


class Result(Answer):
    """All runs of a completed experiment, and the response of its teacher."""

    teacher_response: Response
    runs: list[RunResult]
    baselines: list[BaselineResult]


class SeriesColumns(Answer):
    """Recorded points in columns over one axis of steps."""

    step: list[int] = Field(description="Every step at which a seed was recorded, rising.")
    seeds: dict[str, dict[str, AlignedColumn]] = Field(
        description="By seed and name, a value at each step; null where the seed has no point, "
        "such as after it diverged, or the metric was not recorded. "
        "Seeds without points are left out."
    )
    thinned: bool = Field(description="Whether `max_points` left out steps.")
    of: int = Field(description="Number of steps before thinning.")


class ExperimentSeries(SeriesColumns):
    """The recorded points of one of several experiments."""

    experiment: str
    name: str
    state: State


class SeriesStatistics(Answer):
    """Median and quartiles over the seeds of one of several experiments, at each step."""

    experiment: str
    name: str
    state: State
    seeds: int
    fitted: int = Field(description="Number of seeds that fit.")
    diverged: int
    step: list[int] = Field(description="Every step at which a seed was recorded, rising.")
    metrics: dict[str, dict[str, list[Number]]] = Field(
        description="`median`, `q1` and `q3` by metric, a value at each step."
    )
    thinned: bool = Field(description="Whether `max_points` left out steps.")
    of: int = Field(description="Number of steps before thinning.")
