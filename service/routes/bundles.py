"""Bundles: everything known about some experiments, as one zip."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from service.context import Context
from service.exports.bundle import zipped
from service.http import openapi
from service.http.downloads import download
from service.http.query_parameters import RequestedQuery
from store.query import pages

router = APIRouter(prefix="/v1/bundle", tags=["queries"])

MEDIA_TYPE = "application/zip"


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: openapi.file("The zip.", MEDIA_TYPE, headers=[openapi.TOTAL_COUNT]),
        **openapi.problems(400, 503),
    },
)
def bundle(
    context: Context,
    query: RequestedQuery,
    figures: Annotated[
        bool, Query(description="Whether to include figures; drawing them takes most of the time.")
    ] = True,
) -> StreamingResponse:
    """Bundle everything that `q` matches.

    The answer is a streamed zip of specs, results, recorded points, figures and provenance. The
    same results give the same bytes. `q=id = exp_...` bundles one experiment, `q=sweep:swp_...` a
    sweep. For each experiment, the zip has a file `ID/spec.json` before the others; with the
    `X-Total-Count`, they tell a client how far it is.
    """
    with context.database.read() as tx:
        count = pages.count(tx, query)
    response = download(zipped(context, query, figures=figures), MEDIA_TYPE, "extrapolab.zip")
    response.headers[openapi.TOTAL_COUNT] = str(count)
    return response
