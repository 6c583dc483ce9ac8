"""The base of all answers: frozen, with one form for numbers and for times."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import pydantic_core
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Item = TypeVar("Item")

Number = Annotated[
    float,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]},
            ]
        }
    ),
]
"""A number; non-finite ones travel as words."""


def instant(seconds: float) -> datetime:
    """A time in UTC, given in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _as_time(value: Any) -> Any:
    return instant(value) if isinstance(value, int | float) else value


Time = Annotated[datetime, BeforeValidator(_as_time)]
"""A time in UTC; the store's Unix seconds are accepted."""


class Answer(BaseModel):
    """The base of every answer.

    A record of the store or of core is read attribute by attribute, by the names of the answer's
    fields, so a record's new attribute reaches no client until the answer declares it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        from_attributes=True,
        ser_json_inf_nan="strings",
        serialize_by_alias=True,
    )


class Page(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.")


def to_json(value: Any) -> bytes:
    """Serialises any value by the rules of an :class:`Answer`."""
    return pydantic_core.to_json(value, inf_nan_mode="strings")
