"""Schema of a change to an experiment's metadata or priority. What it computes never changes."""

from typing import Self

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from core.spec import Name, Notes, Tags
from core.spec.bounds import ClientModel
from service.schemas.bulk import Priority


class Edit(ClientModel):
    """New metadata and priority; fields left out keep their values."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"minProperties": 1, "examples": [{"tags": ["figure-2"]}]},
    )

    name: Name = ""
    tags: Tags = ()
    notes: Notes = ""
    priority: Priority = 0

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "should have a name, tags, notes or a priority")
        return self
