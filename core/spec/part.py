"""The base class of every part of a spec, and the scalar and array types of their fields."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from core.spec.bounds import Bounded, ClientModel
from core.spec.explain import shorten

MAX_DIM = 4096
"""Largest state dimension, teacher or student."""

MAX_LENGTH = 10_000
"""Longest training length k."""

MAX_ROWS = 1_000_000
"""Most rows of a matrix, such as the sequences of a finite sample."""

MAX_SEED = 2**63 - 1
"""Largest seed, which a signed 64-bit column holds."""

_LONGEST_KIND = 100

_BOUNDS = {"ge": "minimum", "le": "maximum"}


def _whole_if_integral(given: object) -> object:
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _refuse_ragged(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if len({len(row) for row in rows}) > 1:
        lengths = ", ".join(str(len(row)) for row in rows[:6])
        raise PydanticCustomError(
            "ragged_matrix",
            "rows of a matrix should be equally long; their lengths are {lengths}",
            {"lengths": lengths},
        )
    return rows


Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; strings are refused."""

Whole = Annotated[int, BeforeValidator(_whole_if_integral), Field(strict=True)]
"""A whole number, also written as ``1e4``; ``"5"`` and ``5.5`` are refused."""

Dim = Annotated[Whole, Field(ge=1, le=MAX_DIM)]
Seed = Annotated[Whole, Field(ge=0, le=MAX_SEED)]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
"""One line of text without control characters: terminals obey them and XML can't hold them.

Nor can it have those that reverse what follows them, so that a name looks like another one.
"""

Lines = Annotated[
    str, Field(pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$")
]
"""Text whose only control characters are line feeds and tabs."""

Vector = Annotated[tuple[Real, ...], Field(min_length=1, max_length=MAX_LENGTH), Bounded()]
Matrix = Annotated[
    tuple[Vector, ...],
    Field(min_length=1, max_length=MAX_ROWS),
    Bounded(),
    AfterValidator(_refuse_ragged),
]
"""A dense matrix as a tuple of equally long rows."""


def shape(matrix: tuple[tuple[float, ...], ...]) -> tuple[int, int]:
    """(rows, columns) of a :data:`Matrix`."""
    return len(matrix), len(matrix[0])


class Part(ClientModel):
    """A frozen part of a spec: refuses unknown keys and stores every default."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Its JSON Schema, in which the bounds of a :data:`Whole` have their usual names."""
        schema = handler(core)
        _name_bounds(handler.resolve_ref_schema(schema))
        return schema


def _name_bounds(node: Any) -> None:
    """Renames ``ge`` and ``le``, as pydantic calls the bounds of a type that it parses itself."""
    if isinstance(node, dict):
        for name, keyword in _BOUNDS.items():
            if isinstance(node.get(name), int):
                node[keyword] = node.pop(name)
        node = [*node.values()]
    if isinstance(node, list):
        for part in node:
            _name_bounds(part)


def default_kind(kind: str) -> BeforeValidator:
    """Makes ``kind`` optional in a union: an object without it is of the given kind."""

    def fill(given: object) -> object:
        if isinstance(given, dict) and "kind" not in given:
            return {"kind": kind, **given}
        return _with_short_kind(given)

    return BeforeValidator(fill)


def _with_short_kind(given: object) -> object:
    """Shortens a kind that is no word: errors about an unknown one write it out."""
    kind = given.get("kind") if isinstance(given, dict) else None
    if isinstance(kind, list | dict) or (isinstance(kind, str) and len(kind) > _LONGEST_KIND):
        return {**given, "kind": shorten(kind)}  # type: ignore[dict-item]  # it has a kind
    return given


SHORT_KIND = BeforeValidator(_with_short_kind)
"""For unions by kind without a default."""
