"""Saved views: the URL queries of pages, under names."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Connection

from core.errors import Problem
from core.spec.explain import shorten
from service import schemas
from service.context import Context
from service.http import body, etags, openapi
from service.http.errors import PreconditionFailed, PreconditionMissing
from service.http.idempotency import IdempotentRequest, SubmissionAnswer
from service.http.parameters import (
    ANONYMOUS,
    Cursor,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    Owner,
)
from store import views

router = APIRouter(prefix="/v1/views", tags=["views"])

ROUTE = "POST /v1/views"

EXAMPLE: dict[str, Any] = {
    "name": "Fits but does not extrapolate",
    "page": "experiments",
    "query": "q=outcome%20%3D%20fitted%20and%20extrapolation_error%20%3E%200.1&sort=-created",
}
SAVED_EXAMPLE = json.loads(
    schemas.View.from_record(
        views.View(**EXAMPLE, owner="ada", created_at=1.7e9, changed_at=1.7e9, version=1)
    ).model_dump_json()
)
VIEW_ANSWER = openapi.answer("The view.", SAVED_EXAMPLE, "ETag")
ViewName = Annotated[
    str, Path(alias="name", description="Name of the view.", examples=[EXAMPLE["name"]])
]


@router.post(
    "",
    status_code=201,
    response_model=schemas.View,
    responses={
        201: openapi.answer("The view is saved.", SAVED_EXAMPLE, "Location"),
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.NewView, EXAMPLE),
)
def save(
    *,
    request: Request,
    context: Context,
    content: body.JsonBody,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Save a view: a page of the lab and its URL query, under a name.

    Everybody in the lab sees it. A name that another view has is refused (409).
    """
    draft = body.parse(content, schemas.NewView)

    def submit(tx: Connection) -> SubmissionAnswer:
        view = schemas.View.from_record(views.save(tx, **draft.model_dump(), owner=owner))
        return 201, view.model_dump(mode="json")

    idempotent = IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    )
    return idempotent.answer(context, submit)


@router.get(
    "",
    response_model=schemas.Page[schemas.View],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    context: Context,
    limit: Limit = 50,
    cursor: Cursor = None,
    page: Annotated[
        schemas.ViewPage | None,
        Query(description="Only views of this page.", examples=["experiments"]),
    ] = None,
) -> schemas.Page[schemas.View]:
    """List the saved views, by name."""
    with context.database.read() as tx:
        found, next_cursor = views.page(tx, limit=limit, cursor=cursor, of_page=page)
    return schemas.Page(items=[schemas.View.from_record(view) for view in found], next=next_cursor)


@router.get(
    "/{name}",
    response_model=schemas.View,
    responses={200: VIEW_ANSWER, **openapi.not_modified(), **openapi.problems(404, 503)},
)
def one(name: ViewName, context: Context, if_none_match: IfNoneMatch = None) -> Response:
    """Read a saved view."""
    with context.database.read() as tx:
        return _answer(views.get(tx, name), if_none_match)


@router.patch(
    "/{name}",
    response_model=schemas.View,
    responses={200: VIEW_ANSWER, **openapi.problems(400, 404, 409, 412, 413, 415, 428, 503)},
    openapi_extra=openapi.body(schemas.ViewChange, {"query": EXAMPLE["query"]}),
)
def change(
    name: ViewName, context: Context, content: body.JsonBody, if_match: IfMatch = None
) -> Response:
    """Change a view's name, page or query.

    `If-Match` must hold the `ETag` of the version that was read.
    """
    if if_match is None:
        message = "is required: the ETag of the version that you read, or *"
        raise PreconditionMissing(Problem("/header/If-Match", "missing", message))
    changes = body.parse(content, schemas.ViewChange).model_dump(exclude_unset=True)
    with context.database.write() as tx:
        version = etags.version_to_change(if_match, views.get(tx, name).version)
        if version is None:
            message = "is not an ETag of this view: read the view again, then change it"
            raise PreconditionFailed(
                Problem("/header/If-Match", "unknown_etag", message, shorten(if_match))
            )
        new_name = changes.pop("name", None)
        return _answer(views.change(tx, name, version=version, new_name=new_name, **changes), None)


@router.delete(
    "/{name}",
    status_code=204,
    responses={204: {"description": "The view is removed."}, **openapi.problems(404, 503)},
)
def remove(name: ViewName, context: Context) -> None:
    """Remove a saved view; what it shows stays."""
    with context.database.write() as tx:
        views.remove(tx, name)


def _answer(view: views.View, if_none_match: str | None) -> Response:
    content = schemas.to_json(schemas.View.from_record(view))
    return etags.answer(content, "application/json", if_none_match, view.version)
