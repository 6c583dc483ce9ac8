"""Parameters that several routes share; undocumented ones are refused."""

from collections.abc import Collection, Iterator
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from core.errors import Problem
from core.spec.explain import shorten
from core.spec.part import Line
from service.http.errors import Invalid, unknown
from store.experiments.draft import MAX_MEMORY_MB, MAX_SECONDS, Limits
from store.query.names import split_names


async def refuse_unknown(request: Request) -> None:
    """Raises Invalid for query parameters that the route doesn't have or that are repeated."""
    known = [*_query_parameters(request.scope["route"].dependant)]
    given = [name for name, _ in request.query_params.multi_items()]
    problems = [
        unknown(f"/query/{shorten(name)[1:-1]}", "parameter", name, known)
        for name in dict.fromkeys(given)
        if name not in known
    ]
    problems += [
        Problem(
            f"/query/{name}",
            "repeated",
            "should be given once; separate several values by commas",
        )
        for name in known
        if given.count(name) > 1
    ]
    if problems:
        raise Invalid(*problems)


def _query_parameters(dependant: Dependant) -> Iterator[str]:
    """The names of a route's query parameters, including those of its dependencies and models."""
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (info.alias or name for name, info in kind.model_fields.items())
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _query_parameters(dependency)


def known_names(
    text: str, parameter: str, kind: str, known: Collection[str]
) -> tuple[list[str], list[Problem]]:
    """The names in a comma-separated parameter, and a problem for each unknown one.

    Args:
        text: The parameter's value.
        parameter: The parameter's name.
        kind: What the names name, such as ``metric``.
        known: All valid names.

    Raises:
        Invalid: A name is empty.
    """
    pointer = f"/query/{parameter}"
    names = split_names(text, pointer, Invalid)
    return names, [unknown(pointer, kind, name, known) for name in names if name not in known]


Limit = Annotated[int, Query(ge=1, le=500, description="Maximum number of items per page.")]
Cursor = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=500,
        description="`next` of the previous page; omit it for the first page.",
    ),
]


def _owner(encoded: str) -> str:
    """The owner in a header, decoded."""
    try:
        return _OWNER.validate_python(unquote(encoded, errors="strict"))
    except (UnicodeDecodeError, ValidationError):
        message = (
            "Value should be a name of at most 100 printable characters; those that are not ASCII "
            "are percent-encoded UTF-8"
        )
        raise PydanticCustomError("bad_name", "{message}", {"message": message}) from None


_OWNER = TypeAdapter(Annotated[Line, Field(min_length=1, max_length=100)])

Owner = Annotated[
    str,
    Header(
        alias="X-Extrapolab-User",
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        max_length=1200,
        description="Name of the user, stored as the owner: up to 100 characters, those that are "
        "not ASCII as percent-encoded UTF-8. It is not authenticated.",
        examples=["ada", "J%C3%B6rg"],
    ),
    AfterValidator(_owner),
]
SafeText = Annotated[
    bool,
    Query(
        description="In CSV, put an apostrophe before text that begins with `=`, `+`, `-`, `@`, a "
        "tab or a carriage return: spreadsheets would compute it. Imports take it away again."
    ),
]


async def new_limits(
    max_seconds: Annotated[
        float | None,
        Query(
            gt=0,
            le=MAX_SECONDS,
            description="New limit on training time in seconds, counted anew. Default: as it was.",
        ),
    ] = None,
    max_memory_mb: Annotated[
        int | None,
        Query(ge=1, le=MAX_MEMORY_MB, description="New limit on memory in MB. Default: as it was."),
    ] = None,
) -> Limits:
    """The limits with which experiments are retried."""
    return Limits(max_seconds, max_memory_mb)


NewLimits = Annotated[Limits, Depends(new_limits)]

ANONYMOUS = "anonymous"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]+$",
        max_length=255,
        description="Any unique string. A repeated request with the same key and body "
        "gets the first answer again.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="`ETag` of the version to change, or `*`."),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="`ETag` of the client's copy.")
]
