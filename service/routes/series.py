"""``GET /v1/series``: the recorded points of many experiments in one answer."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from core.errors import Problem
from core.result import SERIES
from service import schemas
from service.context import Context
from service.exports import series_pages
from service.exports.series_pages import SeriesRequest
from service.http import etags, examples, openapi
from service.http.errors import Invalid
from service.http.ids import (
    EXPERIMENT_REFERENCES,
    MAX_IDS,
    SWEEP_REFERENCE,
    existing_experiments,
    existing_sweep,
)
from service.http.parameters import Cursor, IfNoneMatch, Limit, known_names
from service.http.query_parameters import Q, Sort
from store.query.query import ExperimentQuery

router = APIRouter(prefix="/v1/series", tags=["queries"])

MAX_POINTS = 2000


def _selected(
    context: Context,
    q: Q = None,
    ids: Annotated[
        str | None,
        Query(
            description=f"{EXPERIMENT_REFERENCES}; not with `q` or `sweep`.",
            min_length=1,
            max_length=40 * MAX_IDS,
            examples=[examples.ID],
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        Query(
            description=f"{SWEEP_REFERENCE}: only its experiments.",
            examples=[examples.SWEEP_ID],
        ),
    ] = None,
    sort: Sort = None,
) -> ExperimentQuery:
    """The query for the requested experiments."""
    query = ExperimentQuery.parse(q, sort)
    if ids is not None and (q is not None or sweep is not None):
        message = "can't be combined with q or sweep: write id in (...) into q"
        raise Invalid(Problem("/query/ids", "exclusive", message))
    if sweep is not None:
        members = f"sweep:{existing_sweep(context, sweep)}"
        return ExperimentQuery.parse(members if q is None else f"{members} and ({q})", sort)
    if ids is not None:
        return query.where_in("id", existing_experiments(context, ids, "/query/ids"))
    return query


@router.get(
    "",
    response_model=schemas.Page[schemas.ExperimentSeries] | schemas.Page[schemas.SeriesStatistics],
    responses={
        200: openapi.answer("One page.", None, "ETag"),
        **openapi.not_modified(),
        **openapi.problems(400, 409, 503),
    },
)
def many(
    *,
    context: Context,
    query: Annotated[ExperimentQuery, Depends(_selected)],
    names: Annotated[
        str,
        Query(
            description="Recorded metrics, separated by commas.",
            examples=["train_loss,imbalance"],
        ),
    ] = "train_loss,extrapolation_error",
    max_points: Annotated[
        int,
        Query(
            ge=2,
            le=MAX_POINTS,
            description="Maximum number of steps per experiment. The first and last are kept, and "
            "the extremes of each metric on intervals of log(step + 1).",
        ),
    ] = 200,
    over: Annotated[
        Literal["seeds"] | None,
        Query(description="`seeds`: median and quartiles over the seeds, instead of each seed."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read the recorded points of all experiments that match, in columns.

    Experiments in every state have the points recorded so far. They come in the order of `sort`; a
    page with very many numbers ends early, with `next` set. With `over=seeds`, a seed keeps its
    last value after it has ended, and what overflows in a diverged run counts as infinite.
    """
    metrics, problems = known_names(names, "names", "metric", SERIES)
    if problems:
        raise Invalid(*problems)
    request = SeriesRequest(metrics, max_points, over == "seeds", limit, cursor)
    with context.database.read() as tx:
        items, next_cursor = series_pages.read_page(tx, query, request)
    content = schemas.to_json({"items": items, "next": next_cursor})
    return etags.answer(content, "application/json", if_none_match)
