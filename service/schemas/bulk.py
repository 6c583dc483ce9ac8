"""Schemas of bulk changes: the selected experiments, and what was done to each."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from core.spec.bounds import Bounded, ClientModel
from core.spec.experiment import Tags
from core.spec.part import Line, Whole
from service.schemas.base import Answer
from store.experiments.draft import MAX_MEMORY_MB, MAX_PRIORITY, MAX_SECONDS
from store.states import State

MAX_IDS = 500
"""Most ids in one selection, as many as a page of a list can have."""


def _without_repetitions(ids: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if ids is None else tuple(dict.fromkeys(ids))


Priority = Annotated[
    Whole,
    Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="Higher priorities are claimed first."),
]


Reference = Annotated[Line, Field(min_length=1, max_length=200)]


class Selection(ClientModel):
    """Experiments, chosen by a filter or by their ids, and their expected number."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    ids: Annotated[
        Annotated[
            tuple[Reference, ...],
            Field(min_length=1, max_length=MAX_IDS),
            Bounded(),
        ]
        | None,
        Field(description="Ids, in place of `q`; or unique prefixes, names or `@latest`."),
        AfterValidator(_without_repetitions),
    ] = None
    q: Annotated[str | None, Field(min_length=1, description="The filter, or give `ids`.")] = None
    expect_count: Annotated[
        Whole | None,
        Field(
            ge=0,
            description="Number of these experiments that the action concerns; needed with `q`.",
            json_schema_extra={"minimum": 0},
        ),
    ] = None

    @field_validator("q")
    @classmethod
    def _require_one_choice(cls, q: str | None, info: ValidationInfo) -> str | None:
        if "ids" in info.data and (q is None) == (info.data["ids"] is None):
            message = (
                "is required, unless ids are given" if q is None else "should not be beside ids"
            )
            raise PydanticCustomError("selection", message)
        return q

    @field_validator("expect_count")
    @classmethod
    def _require_a_count(cls, count: int | None, info: ValidationInfo) -> int | None:
        if count is None and info.data.get("ids", ()) is None:
            raise PydanticCustomError("count", "is required, unless ids are given")
        return count


class Cancellation(Selection):
    """The experiments to cancel."""


class Retry(Selection):
    """The experiments to retry, and their new limits."""

    max_seconds: Annotated[
        float | None,
        Field(
            gt=0,
            le=MAX_SECONDS,
            description="New limit on training time in seconds, counted anew. Default: as it was.",
        ),
    ] = None
    max_memory_mb: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=MAX_MEMORY_MB,
            description="New limit on memory in MB. Default: as it was.",
            json_schema_extra={"minimum": 1, "maximum": MAX_MEMORY_MB},
        ),
    ] = None


class Prioritisation(Selection):
    """The experiments to prioritise, and their new priority."""

    priority: Priority


class Tagging(Selection):
    """The experiments to tag, the tags that they get and those that they lose."""

    add: Tags = ()
    remove: Tags = ()

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        if not self.add and not self.remove:
            raise PydanticCustomError("empty", "should have tags to add or to remove")
        if both := sorted({*self.add} & {*self.remove}):
            message = "should not both add and remove {tag}"
            raise PydanticCustomError("contradiction", message, {"tag": both[0]})
        return self


class ChangedOne(Answer):
    """A changed experiment and its state now; null if it is deleted."""

    id: str
    state: State | None


class RefusedOne(Answer):
    """An experiment that was left as it is, and why."""

    id: str
    reason: str


class Changed(Answer):
    """The outcome of a bulk change for each experiment."""

    count: int = Field(description="Number of changed experiments.")
    items: list[ChangedOne]
    refused: list[RefusedOne] = Field(
        description="Selected experiments whose state doesn't allow the change, or no longer."
    )
    next: None = Field(None, description="Always null: there is one page.")

    @classmethod
    def from_states(cls, states: Mapping[str, State | None], refused: Mapping[str, str]) -> Self:
        """The answer, given the new states by id, and the reasons of those left as they are."""
        items = [ChangedOne(id=changed, state=state) for changed, state in states.items()]
        return cls(count=len(items), items=items, refused=_refused(refused))


class CancelledOne(Answer):
    """A cancelled experiment and its state now; a running one is asked to stop."""

    id: str
    state: State
    cancel_requested: bool


class Cancelled(Answer):
    """The experiments that were cancelled."""

    count: int
    items: list[CancelledOne]
    refused: list[RefusedOne] = Field(description="Selected experiments that had ended.")
    next: None = Field(None, description="Always null: there is one page.")

    @classmethod
    def from_states(cls, states: Mapping[str, State | None], refused: Mapping[str, str]) -> Self:
        """The answer for cancelled experiments; as :meth:`Changed.from_states`."""
        items = [
            CancelledOne(id=cancelled, state=state, cancel_requested=True)
            for cancelled, state in states.items()
            if state is not None
        ]
        return cls(count=len(items), items=items, refused=_refused(refused))


def _refused(reasons: Mapping[str, str]) -> list[RefusedOne]:
    return [RefusedOne(id=refused, reason=reason) for refused, reason in reasons.items()]
