"""Schemas of a teacher that is looked at before any experiment has it."""

from typing import Annotated

from pydantic import ConfigDict, Field

from core.spec import Teacher
from core.spec.bounds import ClientModel
from core.spec.part import Whole
from service.schemas.base import Answer, Number
from service.schemas.result import Response

MAX_HORIZON = 2000
"""Longest response that is shown."""


class TeacherQuestion(ClientModel):
    """A teacher as in a spec, and how much of its response to compute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teacher: Teacher
    horizon: Annotated[Whole, Field(ge=2, le=MAX_HORIZON)] = Field(
        40, description="q: the response is ĥ_0 .. ĥ_{q-1}."
    )


class TeacherPreview(Answer):
    """A teacher's response, poles and Hankel singular values."""

    response: Response | None = Field(
        description="ĥ_0 .. ĥ_{q-1}: q numbers if p = m = 1, else q x p x m; null if there is none."
    )
    poles: list[Annotated[list[Number], Field(min_length=2, max_length=2)]] = Field(
        description="Eigenvalues of A as [re, im], in descending order of absolute value."
    )
    hankel_singular_values: list[Number]
    note: str | None = Field(description="Why something is missing; otherwise null.")
