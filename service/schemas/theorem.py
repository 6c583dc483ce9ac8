"""What the main theorem says of a spec, as it travels."""

from typing import Self

from pydantic import Field

from core.theory import theorem
from service.schemas.base import Answer, Number


class Assumption(Answer):
    """One assumption of the theorem."""

    name: str
    holds: bool | None = Field(description="null where the spec alone can't say.")
    margin: Number | None = Field(
        description="By how much: above 0 where it holds; null where it is no matter of degree."
    )
    sentence: str = Field(description="What was found.")


class Measure(Answer):
    """The teacher's response as moments: h_j = Σ w_i λ_i^j with w_i >= 0."""

    atoms: list[Number] = Field(description="λ_i, by falling weight.")
    weights: list[Number]
    unique: bool = Field(description="Whether the k lags of the training determine it: k > 2 d̂.")
    gap: Number
    residual: Number


class Theorem(Answer):
    """Whether a student that fits must extrapolate, by the main theorem of Cohen-Karlik et al. (2023)."""

    applies: bool | None = Field(
        description="Whether every assumption holds; null where that can't be told."
    )
    assumptions: list[Assumption]
    measure: Measure | None = Field(
        description="The teacher's, if it is balanced and has one input and one output."
    )
    note: str | None = Field(description="Why nothing could be looked at, where that is so.")

    @classmethod
    def of(cls, found: theorem.Theorem) -> Self:
        """``found`` as it travels."""
        return cls(**found.model_dump(), note=None)

    @classmethod
    def unseen(cls, why: str) -> Self:
        """Nothing was looked at."""
        return cls(applies=None, assumptions=[], measure=None, note=why)
