"""Papers: figures, verdicts and references of some experiments, ready for LaTeX."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from core.errors import Problem
from core.look import Look
from core.studies import STUDIES, Size
from service.context import Context
from service.figures.options import read_look
from service.http import openapi
from service.http.downloads import download
from service.http.errors import Invalid
from service.http.ids import SWEEP_REFERENCE, complete_id
from service.paper import sources
from service.paper.archive import zipped
from store.experiments.references import Kind
from store.query.names import split_names

router = APIRouter(prefix="/v1/paper", tags=["queries"])

MEDIA_TYPE = "application/zip"

MAX_FIGURES = 50
"""Most saved figures of one paper."""


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: openapi.file("The zip.", MEDIA_TYPE, headers=[]),
        **openapi.problems(400, 404, 409, 503),
    },
)
def paper(
    *,
    context: Context,
    study: Annotated[
        str | None, Query(description="Name of a study.", json_schema_extra={"enum": [*STUDIES]})
    ] = None,
    size: Annotated[Size, Query(description="Size of the study.")] = "quick",
    sweep: Annotated[str | None, Query(description=f"{SWEEP_REFERENCE}.")] = None,
    q: Annotated[
        str | None, Query(description="Filter, as of `/v1/experiments`.", max_length=8000)
    ] = None,
    figures: Annotated[
        str | None,
        Query(
            description="Ids, prefixes or names of saved figures, separated by commas.",
            max_length=4000,
        ),
    ] = None,
    width: Annotated[str | None, Query(description=Look.model_fields["width"].description)] = None,
    font_size: Annotated[
        str | None, Query(description=Look.model_fields["font_size"].description)
    ] = None,
) -> StreamingResponse:
    """Write up a study, a sweep, a query or saved figures.

    The answer is a zip: figures in the style `paper` as PDF with their captions, a LaTeX document
    that includes them, a table of a study's verdicts, the works that are named as BibTeX, and
    provenance. It covers the experiments completed so far; the same results give the same bytes.
    """
    given = {"study": study, "sweep": sweep, "q": q, "figures": figures}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        message = f"exactly one of {', '.join(given)} says what to write up"
        raise Invalid(Problem("/query", "wrong_count", message, ", ".join(named) or "none"))
    if sweep is not None:
        sweep = complete_id(context, sweep, "/query/sweep", Kind.SWEEP)
    ids = _figure_ids(context, figures)
    look = read_look(style="paper", width=width, font_size=font_size)
    with context.database.read() as tx:
        if study is not None:
            content = sources.of_study(tx, study, size, look)
        elif sweep is not None:
            content = sources.of_sweep(tx, sweep, look)
        elif q is not None:
            content = sources.of_query(tx, q, look)
        else:
            content = sources.of_saved_figures(tx, ids, look)
    return download(zipped(content), MEDIA_TYPE, f"paper-{content.name}.zip")


def _figure_ids(context: Context, figures: str | None) -> list[str]:
    if figures is None:
        return []
    names = split_names(figures, "/query/figures", Invalid)
    if len(names) > MAX_FIGURES:
        message = f"should name at most {MAX_FIGURES} figures"
        raise Invalid(Problem("/query/figures", "too_many", message, str(len(names))))
    return [complete_id(context, name, "/query/figures", Kind.FIGURE) for name in names]
