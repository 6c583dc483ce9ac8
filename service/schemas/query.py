"""Schema of the filter language's fields."""

from typing import Self

from pydantic import Field

from service.schemas.base import Answer
from store.query import fields


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
    operators: list[str] = Field(description="Operators that can come after it in a filter.")
    choices: list[str] = Field(description="All possible values; empty if there are many.")
    aliases: list[str] = Field(description="Its other names, such as `created_at` of `created`.")

    @classmethod
    def from_record(cls, field: fields.Field) -> Self:
        """The answer for a field of the filter language."""
        return cls.model_validate(field)
