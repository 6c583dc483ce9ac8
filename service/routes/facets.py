"""What a filter's matches have in common and where they differ, and completion of filters."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from core.errors import Problem
from service import schemas
from service.context import Context
from service.http import openapi
from service.http.errors import Invalid, Missing
from service.http.parameters import Limit
from service.http.query_parameters import Q
from store.query import completion, facets, varying
from store.query.errors import BadQuery
from store.query.fields import NAMES
from store.query.parser import MAX_CHARACTERS
from store.query.query import ExperimentQuery

router = APIRouter(tags=["queries"])


@router.get(
    "/v1/facets",
    response_model=schemas.Facets,
    responses={200: openapi.answer("All facets."), **openapi.problems(400, 503)},
)
def read_facets(
    context: Context,
    q: Q = None,
    by: Annotated[
        str,
        Query(
            description="Fields to count the values of, separated by commas.",
            examples=["state,tag,owner,training.length"],
        ),
    ] = "state,owner,tag",
    limit: Annotated[int, Query(ge=1, le=100, description="Most values of each field.")] = 20,
) -> schemas.Facets:
    """Count the matches of a filter, and the values of some fields among them."""
    try:
        fields = facets.parse_fields(by)
    except BadQuery as error:
        raise error.at("/query/by") from None
    query = ExperimentQuery.parse(q)
    with context.database.read() as tx:
        return schemas.Facets.from_record(facets.read(tx, query, fields, limit=limit))


@router.get(
    "/v1/fields/{name}/values",
    response_model=schemas.FieldValues,
    responses={
        200: openapi.answer("The most frequent values."),
        **openapi.problems(400, 404, 503),
    },
)
def read_field_values(
    name: Annotated[str, Path(description="A field of `/v1/fields`.", examples=["tag"])],
    context: Context,
    q: Q = None,
    prefix: Annotated[
        str,
        Query(
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="Only text that starts with this, ignoring the case of ASCII letters.",
        ),
    ] = "",
    limit: Limit = 50,
) -> schemas.FieldValues:
    """List the values of a field among the matches of a filter, the most frequent first."""
    try:
        field = facets.find_facet_field(name)
    except BadQuery as error:
        located = error.at("/path/name")
        raise (located if name in NAMES else Missing(*located.problems)) from None
    query = ExperimentQuery.parse(q)
    with context.database.read() as tx:
        (facet,) = facets.read(tx, query, [field], limit=limit, prefix=prefix).facets
    return schemas.FieldValues.from_record(facet)


@router.get(
    "/v1/varying",
    response_model=schemas.Varying,
    responses={200: openapi.answer("All parts that differ."), **openapi.problems(400, 503)},
)
def read_varying(context: Context, q: Q = None) -> schemas.Varying:
    """List the parts of the spec that differ among the matches of a filter."""
    query = ExperimentQuery.parse(q)
    with context.database.read() as tx:
        return schemas.Varying.from_record(varying.read(tx, query))


@router.get(
    "/v1/fields:complete",
    response_model=schemas.Completion,
    responses={200: openapi.answer("The best suggestions."), **openapi.problems(503)},
)
def complete_filter(
    context: Context,
    q: Annotated[
        str, Query(max_length=MAX_CHARACTERS, description="The filter, as far as it is typed.")
    ] = "",
    cursor: Annotated[
        int | None,
        Query(ge=0, description="Offset of the cursor in characters. Default: the end."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Most suggestions.")] = 50,
) -> schemas.Completion:
    """Complete a half-typed filter: what is expected at the cursor, and the first mistake."""
    place = len(q) if cursor is None else cursor
    if place > len(q):
        message = f"should be at most {len(q)}, the length of q"
        raise Invalid(Problem("/query/cursor", "too_large", message, str(place)))
    with context.database.read() as tx:
        return schemas.Completion.from_record(completion.complete(tx, q, place, limit=limit))
