"""Bundles: everything known about some experiments, as one zip."""

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from service.context import Context
from service.exports.bundle import zipped
from service.http import openapi
from service.http.downloads import download
from service.http.query_parameters import RequestedQuery

router = APIRouter(prefix="/v1/bundle", tags=["queries"])

MEDIA_TYPE = "application/zip"


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: openapi.file("The zip.", MEDIA_TYPE) | {"headers": {}},
        **openapi.problems(400, 503),
    },
)
def bundle(context: Context, query: RequestedQuery) -> StreamingResponse:
    """Bundle everything that `q` matches.

    The answer is a streamed zip of specs, results, recorded points, figures and provenance. The
    same results give the same bytes. `q=id = exp_...` bundles one experiment, `q=sweep:swp_...` a
    sweep.
    """
    return download(zipped(context, query), MEDIA_TYPE, "extrapolab.zip")
