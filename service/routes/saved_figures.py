"""Saved figures: recipes under permanent ids, drawn from the experiments completed so far."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy import Connection

from core.errors import Problem, SpecError
from core.figures import RECIPE_FIGURES
from core.recipe import Recipe
from core.spec import explain
from core.spec.explain import shorten
from service import schemas
from service.context import AppContext, Context
from service.figures import rendering
from service.figures.figure_data import figure_data
from service.figures.options import FigureOptions, FigureRequest, FileOptions
from service.figures.plan import Plan, plan_of
from service.http import body, etags, examples, openapi
from service.http.errors import Invalid, PreconditionFailed, PreconditionMissing
from service.http.idempotency import IdempotentRequest, SubmissionAnswer
from service.http.ids import FigureId
from service.http.parameters import (
    ANONYMOUS,
    Cursor,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    Owner,
)
from store import saved_figures as figures

router = APIRouter(prefix="/v1/figures", tags=["figures"])

ROUTE = "POST /v1/figures"


@router.post(
    "",
    status_code=201,
    response_model=schemas.Figure,
    responses={
        201: openapi.answer("The figure is saved.", examples.FIGURE, "Location"),
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(Recipe, examples.RECIPE),
)
def save(
    *,
    request: Request,
    context: Context,
    content: body.JsonBody,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Save a figure: a recipe that selects experiments and what to show of them.

    The figure is drawn on request from the experiments completed by then, so it changes as
    results arrive. Its id stays.
    """
    recipe = body.parse(content, Recipe)
    _checked(recipe)

    def submit(tx: Connection) -> SubmissionAnswer:
        figure = schemas.Figure.from_record(figures.save(tx, recipe, owner=owner))
        return 201, figure.model_dump(mode="json")

    idempotent = IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    )
    return idempotent.answer(context, submit)


@router.get(
    "",
    response_model=schemas.Page[schemas.Figure],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Figure]:
    """List saved figures, newest first."""
    with context.database.read() as tx:
        page, next_cursor = figures.page(tx, limit=limit, cursor=cursor)
    items = [schemas.Figure.from_record(figure) for figure in page]
    return schemas.Page(items=items, next=next_cursor)


@rendering.route(router, "/preview.{format}", 400, 404, 409, 503)
def preview(
    context: Context,
    requested: FileOptions,
    recipe: Annotated[Recipe, Query()],
) -> Response:
    """Draw a figure without saving it: the recipe as query parameters."""
    plan = plan_of(recipe, "/query")
    if not isinstance(plan, Plan):
        raise Invalid(*plan)
    return _drawn(context, plan, replace(requested, look=recipe), "")


@rendering.route(router, "/{id:figure}.{format}", 404, 409, 503)
def figure(figure_id: FigureId, requested: FigureOptions, context: Context) -> Response:
    """Draw a saved figure from the experiments completed so far.

    Its recipe has a look; parameters of this request come before it.
    """
    with context.database.read() as tx:
        recipe = figures.get(tx, figure_id).recipe
    requested = replace(requested, look=recipe.merged(requested.look))
    return _drawn(context, _checked(recipe), requested, f"{figure_id}, ")


@router.get(
    "/{id:recipe}",
    response_model=schemas.Figure,
    responses={
        200: openapi.answer("The recipe.", examples.FIGURE, "ETag"),
        **openapi.not_modified(),
        **openapi.problems(404, 503),
    },
)
def one(figure_id: FigureId, context: Context, if_none_match: IfNoneMatch = None) -> Response:
    """Read a saved figure: its recipe, and links to the figure in every format."""
    with context.database.read() as tx:
        return _answer(figures.get(tx, figure_id), if_none_match)


@router.patch(
    "/{id:recipe}",
    response_model=schemas.Figure,
    responses={
        200: openapi.answer("The changed figure.", examples.FIGURE, "ETag"),
        **openapi.problems(400, 404, 412, 413, 415, 428, 503),
    },
    openapi_extra=openapi.body(
        schemas.RecipeChange, {"statistic": "mean", "band": "standard_error"}
    ),
)
def change(
    figure_id: FigureId, context: Context, content: body.JsonBody, if_match: IfMatch = None
) -> Response:
    """Change parts of a saved figure's recipe.

    Null removes a part. `If-Match` must hold the `ETag` of the version that was read.
    """
    if if_match is None:
        message = "is required: the ETag of the version that you read, or *"
        raise PreconditionMissing(Problem("/header/If-Match", "missing", message))
    parts = body.parse(content, schemas.RecipeChange).model_extra or {}
    with context.database.write() as tx:
        current = figures.get(tx, figure_id)
        version = etags.version_to_change(if_match, current.version)
        if version is None:
            message = "is not an ETag of this figure: read the figure again, then change it"
            raise PreconditionFailed(
                Problem("/header/If-Match", "unknown_etag", message, shorten(if_match))
            )
        recipe = _merged(current.recipe, parts)
        _checked(recipe)
        return _answer(figures.change(tx, figure_id, recipe, version=version), None)


@router.delete(
    "/{id:recipe}",
    status_code=204,
    responses={204: {"description": "The figure is removed."}, **openapi.problems(404, 503)},
)
def remove(figure_id: FigureId, context: Context) -> None:
    """Remove a saved figure; its experiments stay."""
    with context.database.write() as tx:
        figures.remove(tx, figure_id)


def _merged(recipe: Recipe, parts: dict[str, object]) -> Recipe:
    """The recipe with parts replaced (RFC 7396); raises SpecError if the result is invalid."""
    content = {**recipe.model_dump(mode="json"), **parts}
    try:
        return Recipe.model_validate(
            {name: value for name, value in content.items() if value is not None}
        )
    except ValidationError as error:
        raise SpecError(explain(error, Recipe)) from None


def _checked(recipe: Recipe) -> Plan:
    """The plan of a recipe; raises SpecError with all its problems."""
    plan = plan_of(recipe, "")
    if not isinstance(plan, Plan):
        raise SpecError(plan)
    return plan


def _drawn(context: AppContext, plan: Plan, requested: FigureRequest, source: str) -> Response:
    rendering.require_format(requested)
    with context.database.read() as tx:
        info = figure_data(tx, plan, source)
    return rendering.respond(RECIPE_FIGURES[plan.recipe.kind], info, requested)


def _answer(figure: figures.Figure, if_none_match: str | None) -> Response:
    content = schemas.to_json(schemas.Figure.from_record(figure))
    return etags.answer(content, "application/json", if_none_match, figure.version)
