"""Exports: everything that a query matches, as one streamed file."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from core.result import METRICS, SERIES
from service import schemas
from service.context import Context
from service.exports import streams
from service.exports.encoding import MEDIA_TYPES, FileFormat, documents, encode
from service.http import openapi
from service.http.downloads import download
from service.http.errors import Invalid
from service.http.parameters import SafeText, known_names
from service.http.query_parameters import RequestedQuery
from store.query import export_rows, run_ends
from store.query.errors import BadQuery
from store.query.export_rows import SPEC
from store.query.names import split_names

router = APIRouter(prefix="/v1/export", tags=["queries"])


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: openapi.file("The file.", *MEDIA_TYPES.values(), headers=()),
        **openapi.problems(400, 501, 503),
    },
)
def export(
    *,
    context: Context,
    query: RequestedQuery,
    what: Annotated[
        Literal["runs", "series", "experiments"],
        Query(description="One row per ended run, per recorded point, or per experiment."),
    ] = "runs",
    form: Annotated[FileFormat, Query(alias="format", description="Format of the file.")] = "csv",
    fields: Annotated[
        str | None,
        Query(
            description="Fields of the experiment to add to each row, separated by commas "
            "(see `/v1/fields`); `spec` is the whole spec as JSON, "
            "in the last column of each experiment's first run.",
            examples=["name,training.length"],
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        Query(
            description="Metrics, separated by commas; all by default.",
            examples=["train_loss,fit_error"],
        ),
    ] = None,
    safe: SafeText = False,
) -> StreamingResponse:
    """Export everything that `q` matches.

    Rows are in the order of `sort`, and none is left out. CSV and JSON have exact numbers, and
    words for non-finite ones; Parquet and Arrow (`arrow` is the file format, `arrows` the stream)
    have real NaN and infinities. A value that is missing, such as a metric that an import did not
    have, is an empty cell in CSV, and null elsewhere.
    `what=experiments` as JSON or NDJSON has whole experiments, as in `/v1/experiments`. Experiments
    submitted during the export may or may not be included; every other one is included exactly
    once.
    """
    metric_names = _known_metrics(metrics, SERIES if what == "series" else tuple(METRICS))
    try:
        names = [*export_rows.DEFAULT_FIELDS] if fields is None else split_names(fields, "")
        with_spec = what == "runs" and (fields is None or SPEC in names)
        row_fields = run_ends.find_fields(
            [name for name in names if not (with_spec and name == SPEC)]
        )
    except BadQuery as error:
        raise error.at("/query/fields") from None
    if what == "experiments" and form in {"json", "ndjson"}:
        items = (
            schemas.to_json(schemas.Experiment.from_record(experiment))
            for experiment in streams.experiments(context, query)
        )
        content = documents("json" if form == "json" else "ndjson", items)
    elif what == "series":
        content = encode(form, *streams.series_table(context, query, metric_names), safe=safe)
    elif what == "runs":
        table = streams.run_table(context, query, row_fields, metric_names, with_spec=with_spec)
        content = encode(form, *table, safe=safe)
    else:
        table = streams.experiment_table(context, query, row_fields, metric_names)
        content = encode(form, *table, safe=safe)
    return download(content, MEDIA_TYPES[form], f"extrapolab-{what}.{form}")


def _known_metrics(names: str | None, known: tuple[str, ...]) -> list[str]:
    """The named metrics, or all that are ``known``; raises Invalid with every unknown one."""
    if names is None:
        return list(known)
    metrics, problems = known_names(names, "metrics", "metric", known)
    if problems:
        raise Invalid(*problems)
    return metrics
