"""Schemas of refinements: an axis of a sweep, bisected where a verdict flips."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from core.spec.bounds import ClientModel
from core.spec.field_axis import Path
from core.spec.part import Real
from service.schemas.base import Answer
from service.schemas.sweep import STATE, SweepLinks, SweepState, SweepWarning

DEFAULT_VERDICT = "median(relative_extrapolation_error) < 0.1"
"""An error past k of less than a tenth of that of answering zero."""


class Refinement(ClientModel):
    """What to refine: an axis, a verdict on an experiment, and how close."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axis: Path = Field(description="Path of an axis with numbers, such as `training.length`.")
    where: str = Field(
        DEFAULT_VERDICT,
        min_length=1,
        description="The verdict: a filter, as in `/v1/query`, that an experiment satisfies or "
        "not. In statistics a diverged seed counts as infinite and a seed that does not fit as it "
        "is.",
    )
    tolerance: Annotated[Real, Field(gt=0)] | None = Field(
        None,
        description="Distance at which a flip counts as located: a difference or, on a logarithmic "
        "scale, relative to the lower value. By default 1 for whole numbers, 0.1 on a logarithmic "
        "scale, otherwise a hundredth of the range of the axis.",
    )
    scale: Literal["linear", "log"] | None = Field(
        None,
        description="`log` halves by the geometric mean. By default that of the axis; lists have a "
        "logarithmic one if positive and spanning a factor of 50.",
    )


class SweepSide(Answer):
    """One end of a bracket."""

    value: int | float = Field(description="Value on the refined axis.")
    holds: bool = Field(description="Whether the verdict holds there.")
    experiment: str
    fitted: int = Field(description="Number of its seeds that fit.")
    seeds: int


class SweepBracket(Answer):
    """Two neighbouring values on the axis with different verdicts."""

    coordinates: dict[str, Any] = Field(description="The values on the other axes, by path.")
    low: SweepSide
    high: SweepSide
    located: bool = Field(description="Whether they are within the tolerance.")
    middle: int | float | None = Field(
        description="Value of the experiment between them that this request adds."
    )
    blocked_by: str | None = Field(
        description="An experiment in the middle that failed or was cancelled: retry it."
    )


class SweepRefinement(Answer):
    """Where the verdict flips, and the experiments that halve the distances."""

    id: str
    axis: str
    where: str
    scale: Literal["linear", "log"]
    tolerance: float
    judged: int = Field(description="Number of completed experiments.")
    holding: int = Field(description="Number of these for which the verdict holds.")
    left_out: int = Field(description="Number of failed and cancelled experiments.")
    located: int = Field(description="Number of brackets within the tolerance.")
    brackets: list[SweepBracket] = Field(description="Empty if the verdict flips nowhere.")
    created: int = Field(description="Number of experiments that this request queued.")
    reused: int = Field(description="Number of its experiments that already existed.")
    state: SweepState = STATE
    warnings: list[SweepWarning]
    links: SweepLinks
