"""What can be asked about, and what is done to all that a question finds."""

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
        description="Of what an experiment has a value: itself, each run, tag or sweep."
    )
    meaning: str
    choices: list[str] = Field(
        description="All values that there are; none listed where there are many."
    )

    @classmethod
    def of(cls, field: fields.Field) -> Self:
        """``field`` as it travels."""
        return cls(
            name=field.name,
            kind=field.kind,
            scope=field.scope,
            meaning=field.meaning,
            choices=list(field.choices),
        )


class Cancellation(BaseModel):
    """What is to be cancelled, and how many experiments that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[str, Field(description="The filter.", min_length=1)]
    expect_count: Annotated[
        Whole,
        Field(
            ge=0,
            description="How many fulfil it and have not ended.",
            json_schema_extra={"minimum": 0},
        ),
    ]


class CancelledOne(Answer):
    """One of them, and its state now: a running one is asked to stop."""

    id: str
    state: State
    cancel_requested: bool


class Cancelled(Answer):
    """What was cancelled."""

    count: int
    items: list[CancelledOne]
    next: None = Field(None, description="There is one page.")

    @classmethod
    def of(cls, moved: Mapping[str, State]) -> Self:
        """The experiments and their states as they travel."""
        items = [
            CancelledOne(id=name, state=state, cancel_requested=True)
            for name, state in moved.items()
        ]
        return cls(count=len(items), items=items)
