"""Parameters that several calls share: pages, owners, conditions.

One that isn't documented is refused.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Header, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.convertors import StringConvertor, register_url_convertor

from core.errors import Problem
from core.spec.explain import shorten
from service.http.errors import Invalid, unknown


async def refuse_unknown(request: Request) -> None:
    """Refuses query parameters that the route doesn't know, or that are given twice."""
    known = [*_known(request.scope["route"].dependant)]
    given = [name for name, _ in request.query_params.multi_items()]
    strange = [name for name in dict.fromkeys(given) if name not in known]
    problems = [
        unknown(f"/query/{shorten(name)[1:-1]}", "parameter", name, known) for name in strange
    ]
    problems += [
        Problem(
            f"/query/{name}",
            "repeated",
            "should be given once; several values are separated by commas",
        )
        for name in known
        if given.count(name) > 1
    ]
    if problems:
        raise Invalid(*problems)


def _known(dependant: Dependant) -> Iterator[str]:
    """The query parameters of a route and of what it depends on; of a model in the query those of its fields."""
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (info.alias or name for name, info in kind.model_fields.items())
        else:
            yield field.alias
    for other in dependant.dependencies:
        yield from _known(other)


class _ExperimentIdConvertor(StringConvertor):
    """What a path holds as an id: without the colon that a verb begins with."""

    regex = "[^/:]+"


class _FigureIdConvertor(StringConvertor):
    """What a path holds as the id of a figure that is drawn: without the dot that a format begins with."""

    regex = "[^/:.]+"


class _RecipeIdConvertor(StringConvertor):
    """What a path holds as the id of a figure that isn't drawn."""

    regex = r"(?![^/:]+\.(?:svg|png|pdf|json)$)[^/:]+"


register_url_convertor("experiment", _ExperimentIdConvertor())
register_url_convertor("figure", _FigureIdConvertor())
register_url_convertor("recipe", _RecipeIdConvertor())

Limit = Annotated[int, Query(ge=1, le=500, description="Most items of one page.")]
Cursor = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=500,
        description="`next` of the page before; leave out for the first.",
    ),
]

Owner = Annotated[
    str,
    Header(
        alias="X-Extrapolab-User",
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        max_length=100,
        description="Who asks, as they call themselves: kept as the experiment's owner, no proof of identity.",
        examples=["ada"],
    ),
]
ANONYMOUS = "anonymous"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]+$",
        max_length=255,
        description="Any unique word. A repeated request with the same key and body gets the first answer again.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="`ETag` of the version that is changed, or `*`."),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="`ETag` of the answer that is at hand.")
]
