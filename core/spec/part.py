"""The base of every part of a spec, and the scalar and array types that parts are made of."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_DIM = 4096
"""Largest state dimension, teacher or student."""

MAX_SEED = 2**63 - 1
"""Largest seed: what a signed 64-bit column holds."""


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul_character", "should not contain a NUL character")
    return text


def _refuse_ragged(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if len({len(row) for row in rows}) > 1:
        lengths = ", ".join(str(len(row)) for row in rows[:6])
        raise PydanticCustomError(
            "ragged_matrix", "rows of a matrix should be equally long, theirs are {lengths}", {"lengths": lengths}
        )
    return rows


Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; strings are refused."""

Whole = Annotated[int, Field(strict=True)]
"""A whole number; ``5.0`` and ``"5"`` are refused."""

Dim = Annotated[Whole, Field(ge=1, le=MAX_DIM)]
Seed = Annotated[Whole, Field(ge=0, le=MAX_SEED)]
Text = Annotated[str, AfterValidator(_refuse_nul)]

Vector = Annotated[tuple[Real, ...], Field(min_length=1)]
Matrix = Annotated[
    tuple[Annotated[tuple[Real, ...], Field(min_length=1)], ...], Field(min_length=1), AfterValidator(_refuse_ragged)
]
"""A dense matrix as a tuple of equally long rows."""


def shape(matrix: tuple[tuple[float, ...], ...]) -> tuple[int, int]:
    """(rows, columns) of a :data:`Matrix`."""
    return len(matrix), len(matrix[0])


class Part(BaseModel):
    """A frozen piece of a spec. Unknown keys are refused; every default is part of the stored spec."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def default_kind(kind: str) -> BeforeValidator:
    """Lets an object of a union leave out ``kind`` where one member is the default."""

    def fill(given: object) -> object:
        return {"kind": kind, **given} if isinstance(given, dict) and "kind" not in given else given

    return BeforeValidator(fill)
