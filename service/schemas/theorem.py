"""Schema of the main theorem's assumptions, checked on a spec."""

from typing import Self

from pydantic import Field

from core.theory import theorem
from service.schemas.base import Answer, Number


class Assumption(Answer):
    """An assumption of the theorem."""

    name: str
    holds: bool | None = Field(description="Null if the spec alone can't tell.")
    margin: Number | None = Field(
        description="Margin by which it holds (positive) or fails (negative); null if nothing "
        "measures it."
    )
    sentence: str = Field(description="The finding in words.")


class Measure(Answer):
    """The teacher's response as moments: h_j = Σ w_i λ_i^j with w_i >= 0."""

    atoms: list[Number] = Field(description="λ_i, in descending order of weight.")
    weights: list[Number]
    unique: bool = Field(description="Whether the k training lags determine it: k > 2 d̂.")
    gap: Number
    residual: Number


class Theorem(Answer):
    """Whether a student that fits must extrapolate: main theorem of Cohen-Karlik et al. (2023)."""

    applies: bool | None = Field(description="Whether every assumption holds; null if unknown.")
    assumptions: list[Assumption]
    measure: Measure | None = Field(
        description="The teacher's measure, if it is balanced and has one input and one output."
    )
    condition: str | None = Field(
        None,
        description="The theorem's condition on the loss in words, with the losses that runs ended "
        "with; null if nothing was checked.",
    )
    largest_loss: Number | None = Field(
        None, description="The largest training loss at the end of a run; null without runs."
    )
    note: str | None = Field(description="Why nothing could be checked; otherwise null.")

    @classmethod
    def from_record(cls, checked: theorem.Theorem) -> Self:
        """The answer for a checked spec."""
        return cls(
            applies=checked.applies,
            assumptions=checked.assumptions,
            measure=checked.measure,
            condition=checked.condition,
            largest_loss=checked.largest_loss,
            note=None,
        )

    @classmethod
    def unchecked(cls, note: str) -> Self:
        """The answer when nothing was checked, with the reason."""
        return cls(applies=None, assumptions=[], measure=None, note=note)
