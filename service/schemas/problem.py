"""Schemas of problems (RFC 9457)."""

from typing import Any, Self

from pydantic import Field

from core import errors
from service.schemas.base import Answer


class FieldProblem(Answer):
    """A problem with one field or parameter."""

    pointer: str = Field(
        description="JSON Pointer into the body, or `/query/NAME`, `/header/NAME`, `/path/NAME`."
    )
    message: str = Field(description="What is wrong and, where possible, how to fix it.")
    code: str = Field(description="A short stable word for programs.")
    given: str | None = Field(None, description="The given value, shortened.")
    allowed: str | None = Field(None, description="The allowed values.")
    column: int | None = Field(None, description="1-based position in a text, such as a filter.")

    @classmethod
    def from_record(cls, problem: errors.Problem) -> Self:
        """The answer for a problem with a field."""
        return cls.model_validate(problem)


class Problem(Answer):
    """Why a request was refused or failed (RFC 9457), with all its problems at once."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(min_length=1)
    request_id: str
    example: Any = Field(
        None, description="A valid body, if what was sent lacks a field or is something else."
    )
