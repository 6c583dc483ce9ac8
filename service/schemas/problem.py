"""Why a request was not done."""

from dataclasses import asdict
from typing import Self

from pydantic import Field

from core import errors
from service.schemas.base import Answer


class FieldProblem(Answer):
    """One thing wrong with one field or parameter."""

    pointer: str = Field(
        description="JSON Pointer into the body, or `/query/NAME`, `/header/NAME`, `/path/NAME`."
    )
    message: str = Field(description="What is wrong and, where it can, what to do.")
    code: str = Field(description="A short stable word for programs.")
    given: str | None = Field(None, description="What was given, shortened.")
    allowed: str | None = Field(None, description="What is allowed.")
    column: int | None = Field(None, description="Where in a text, such as a filter, from 1 on.")

    @classmethod
    def of(cls, problem: errors.Problem) -> Self:
        """``problem`` as it travels."""
        return cls(**asdict(problem))


class Problem(Answer):
    """Why a request was not done (RFC 9457), with everything that is wrong with it at once."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(min_length=1)
    request_id: str
