"""How :class:`core.result.ExperimentResult` is documented: with non-finite numbers as words."""

from pydantic import Field

from core.result import Outcome
from service.wire.answer import Answer, Number

Matrix = list[list[Number]]
Response = list[Number] | list[Matrix]


class Parameters(Answer):
    """Final parameters: A d x d, B d x m, C p x d."""

    A: Matrix
    B: Matrix
    C: Matrix


class RunResult(Answer):
    """One seed at its end."""

    seed: int
    outcome: Outcome
    steps: int
    response: Response = Field(
        description="Impulse response h_0 .. h_{q-1}: q numbers where p = m = 1, else q x p x m."
    )
    eigenvalues: list[tuple[Number, Number]] = Field(description="Of A, as [re, im], by falling absolute value.")
    hankel_singular_values: list[Number]
    parameters: Parameters
    summary: dict[str, Number] = Field(description="Metrics at the last step, by name.")


class Result(Answer):
    """All runs of a completed experiment, and the teacher that they were to learn."""

    teacher_response: Response
    runs: list[RunResult]
