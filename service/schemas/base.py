"""What all answers share: frozen, nothing undeclared in them, non-finite numbers as words, times in UTC."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import to_json

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


class Answer(BaseModel):
    """The base of every answer."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", serialize_by_alias=True
    )


class Page(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="`cursor` of the next page; null on the last one.")


def instant(at: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)


def as_json(value: Any) -> bytes:
    """What isn't an :class:`Answer` as JSON, as if it were one."""
    return to_json(value, inf_nan_mode="strings")
