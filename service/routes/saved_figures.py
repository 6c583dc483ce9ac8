"""Saved figures: recipes under permanent ids, drawn anew from what is completed; and figures that nobody saved."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy import Connection

from core.errors import Problem, SpecError
from core.recipe import Recipe
from core.spec import explain
from core.spec.explain import shorten
from service import schemas
from service.context import AppContext, Context
from service.figures import figure_data, rendering
from service.figures.rendering import FigureFormat
from service.http import body, etags, examples, openapi
from service.http.errors import Invalid, PreconditionFailed, PreconditionMissing
from service.http.idempotency import Made, Once
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
from store import saved_figures as saved

router = APIRouter(prefix="/v1/figures", tags=["figures"])

ROUTE = "POST /v1/figures"


@router.post(
    "",
    status_code=201,
    response_model=schemas.Figure,
    responses={
        201: openapi.answer("It is saved.", examples.FIGURE, "Location"),
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
    """Save a figure: a recipe of which experiments, and what of them against what.

    It is drawn from what is completed when it is asked for, so that it changes as results land, and
    its id stays.
    """
    recipe = body.parse(content, Recipe)
    _planned(recipe)

    def make(tx: Connection) -> Made:
        return 201, schemas.Figure.from_record(saved.save(tx, recipe, owner=owner)).model_dump(
            mode="json"
        )

    return Once.of(request, content, route=ROUTE, owner=owner, key=idempotency_key).submit(
        context, make
    )


@router.get(
    "",
    response_model=schemas.Page[schemas.Figure],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Figure]:
    """List saved figures, the newest first."""
    with context.database.read() as tx:
        found, following = saved.page(tx, limit=limit, cursor=cursor)
    return schemas.Page(
        items=[schemas.Figure.from_record(figure) for figure in found], next=following
    )


@rendering.route(router, "/preview.{format}", 400, 404, 409, 503)
def preview(
    context: Context,
    form: FigureFormat,
    recipe: Annotated[Recipe, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Draw a figure that isn't saved: the same recipe, as parameters."""
    made = figure_data.plan(recipe, "/query")
    if not isinstance(made, figure_data.Plan):
        raise Invalid(*made)
    return _drawn(context, made, form, if_none_match, "")


@rendering.route(router, "/{id:figure}.{format}", 404, 409, 503)
def figure(
    figure_id: FigureId, form: FigureFormat, context: Context, if_none_match: IfNoneMatch = None
) -> Response:
    """Draw a saved figure, from what is completed by now; 304 where that is what the client holds."""
    with context.database.read() as tx:
        recipe = saved.get(tx, figure_id).recipe
    return _drawn(context, _planned(recipe), form, if_none_match, f"{figure_id}, ")


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
    """Read a saved figure: its recipe, and where it is drawn."""
    with context.database.read() as tx:
        return _told(saved.get(tx, figure_id), if_none_match)


@router.patch(
    "/{id:recipe}",
    response_model=schemas.Figure,
    responses={
        200: openapi.answer("The figure as it is now.", examples.FIGURE, "ETag"),
        **openapi.problems(400, 404, 412, 413, 415, 428, 503),
    },
    openapi_extra=openapi.body(
        schemas.RecipeChange, {"statistic": "mean", "band": "standard_error"}
    ),
)
def change(
    figure_id: FigureId, context: Context, content: body.JsonBody, if_match: IfMatch = None
) -> Response:
    """Change parts of a recipe; null takes one away. `If-Match` bears the `ETag` that was read."""
    if if_match is None:
        problem = Problem(
            "/header/If-Match", "missing", "is required: the ETag of what you read, or *"
        )
        raise PreconditionMissing(problem)
    parts = body.parse(content, schemas.RecipeChange).model_extra or {}
    with context.database.write() as tx:
        present = saved.get(tx, figure_id)
        version = etags.version(if_match, present.version)
        if version is None:
            message = "is not an ETag of this figure: read it again, then change it"
            raise PreconditionFailed(
                Problem("/header/If-Match", "unknown_etag", message, shorten(if_match))
            )
        recipe = _merged(present.recipe, parts)
        _planned(recipe)
        return _told(saved.change(tx, figure_id, recipe, version=version), None)


@router.delete(
    "/{id:recipe}",
    status_code=204,
    responses={204: {"description": "It is gone."}, **openapi.problems(404, 503)},
)
def remove(figure_id: FigureId, context: Context) -> None:
    """Remove a saved figure. What it shows stays."""
    with context.database.write() as tx:
        saved.remove(tx, figure_id)


def _merged(recipe: Recipe, parts: dict[str, object]) -> Recipe:
    """The recipe with other parts (RFC 7396); raises SpecError where it is none any more."""
    own = {**recipe.model_dump(mode="json"), **parts}
    try:
        return Recipe.model_validate(
            {name: value for name, value in own.items() if value is not None}
        )
    except ValidationError as error:
        raise SpecError(explain(error, Recipe)) from None


def _planned(recipe: Recipe) -> figure_data.Plan:
    """The recipe as it is understood; raises SpecError with everything that is not."""
    made = figure_data.plan(recipe, "")
    if not isinstance(made, figure_data.Plan):
        raise SpecError(made)
    return made


def _drawn(
    context: AppContext, made: figure_data.Plan, form: str, if_none_match: str | None, source: str
) -> Response:
    rendering.require_format(form)
    with context.database.read() as tx:
        info = figure_data.drawn(tx, made, source)
    return rendering.respond(figure_data.INKS[made.recipe.kind], info, form, if_none_match)


def _told(figure: saved.Figure, if_none_match: str | None) -> Response:
    content = schemas.to_json(schemas.Figure.from_record(figure))
    return etags.answer(content, "application/json", if_none_match, figure.version)
