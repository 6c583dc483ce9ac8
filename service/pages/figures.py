"""``/figures`` and ``/figures/{id}``: saved recipes, and a place to make one."""

from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from core.look import WIDTHS, Style
from core.recipe import CURVES, Kind, Recipe, Statistic
from core.result import METRICS
from core.symbols import quantity
from service.context import Context
from service.http.ids import FigureId
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from store import saved_figures
from store.query.fields import FIELDS

router = APIRouter(include_in_schema=False, prefix="/figures")

CHOICES = ("query", "kind", "x", "y", "series", "facets", "statistic", "style", "width", "name")
"""The parts of a recipe that the page offers; the rest is for scripts."""

ROWS = 48

SPEC_FIELDS = tuple(name for name, field in FIELDS.items() if field.path)
AXES = (*CURVES, *SPEC_FIELDS)
METRICS_AND_CURVES = tuple(dict.fromkeys([*METRICS, "error", "response"]))


@router.get("")
def figures(
    request: Request,
    context: Context,
    *,
    query: Annotated[str, Query(max_length=8000)] = "",
    kind: Kind = "lines",
    x: Annotated[str, Query(max_length=200)] = "",
    y: Annotated[str, Query(max_length=200)] = "",
    series: Annotated[str, Query(max_length=200)] = "",
    facets: Annotated[str, Query(max_length=200)] = "",
    statistic: Statistic = "median",
    style: Style = "screen",
    width: Annotated[str, Query(max_length=20)] = "",
    name: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> HTMLResponse:
    """Show saved figures, and a preview of the one that is being made."""
    given = dict(
        zip(
            CHOICES,
            (query, kind, x, y, series, facets, statistic, style, width, name),
            strict=True,
        )
    )
    chosen = {part: value for part, value in given.items() if value}
    with context.database.read() as tx:
        now = readout(tx, context)
        saved, next_cursor = saved_figures.page(tx, limit=ROWS, cursor=cursor)
    return page(
        request,
        "figures.html",
        readout=now,
        given=given,
        recipe=_recipe(chosen),
        preview=urlencode(chosen) if x else "",
        saved=saved,
        next=next_cursor,
        axes=[(name, quantity(name)) for name in AXES],
        fields=[(name, quantity(name)) for name in SPEC_FIELDS],
        metrics=[(name, quantity(name)) for name in METRICS_AND_CURVES],
        kinds=get_args(Kind),
        statistics=get_args(Statistic),
        styles=get_args(Style),
        widths=list(WIDTHS),
    )


@router.get("/{id:recipe}")
def figure(request: Request, figure_id: FigureId, context: Context) -> HTMLResponse:
    """Show a saved figure."""
    with context.database.read() as tx:
        now, shown = readout(tx, context), saved_figures.get(tx, figure_id)
    recipe = shown.recipe.model_dump(mode="json", exclude_defaults=True)
    editable = {part: value for part, value in recipe.items() if part in CHOICES}
    return page(
        request,
        "figure.html",
        readout=now,
        figure=shown,
        recipe=recipe,
        edit=urlencode(editable),
    )


def _recipe(chosen: dict[str, str]) -> dict[str, object] | None:
    """The recipe to save; None if it isn't one yet, and the preview says why."""
    try:
        return Recipe.model_validate(chosen).model_dump(mode="json", exclude_defaults=True)
    except ValidationError:
        return None
