"""Schemas of the filter language's fields, and of a bulk cancellation."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from core.spec.part import Whole
from service.schemas.base import Answer
from store.query import fields
from store.states import State


class QueryField(Answer):
    """A name of the filter language."""

    name: str
    kind: fields.Kind
    scope: fields.Scope = Field(
        description="What has a value of this field: the experiment, each run, tag or sweep."
    )
    meaning: str
    symbol: str = Field(description="Its symbol in figures, such as `k`; empty if it has none.")
    unit: str = Field(description="Its unit; empty if it has none.")
    choices: list[str] = Field(description="All possible values; empty if there are many.")
    aliases: list[str] = Field(description="Its other names, such as `created_at` of `created`.")

    @classmethod
    def from_record(cls, field: fields.Field) -> Self:
        """The answer for a field of the filter language."""
        return cls.model_validate(field)


class Cancellation(BaseModel):
    """The filter of the experiments to cancel, and their expected number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[str, Field(description="The filter.", min_length=1)]
    expect_count: Annotated[
        Whole,
        Field(
            ge=0,
            description="Number of matching experiments that have not ended.",
            json_schema_extra={"minimum": 0},
        ),
    ]


class CancelledOne(Answer):
    """A cancelled experiment and its state now; a running one is asked to stop."""

    id: str
    state: State
    cancel_requested: bool


class Cancelled(Answer):
    """The experiments that were cancelled."""

    count: int
    items: list[CancelledOne]
    next: None = Field(None, description="Always null: there is one page.")

    @classmethod
    def from_states(cls, states: Mapping[str, State]) -> Self:
        """The answer for cancelled experiments, given their states by id."""
        items = [
            CancelledOne(id=experiment_id, state=state, cancel_requested=True)
            for experiment_id, state in states.items()
        ]
        return cls(count=len(items), items=items)
