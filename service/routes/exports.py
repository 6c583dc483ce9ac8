"""Whole result sets in one call, streamed: however many experiments a question finds, memory stays that of one page."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from core.result import METRICS, SERIES
from service import schemas
from service.context import AppContext, Context
from service.exports.encoding import MEDIA_TYPES, FileFormat, documents, encode
from service.http import openapi
from service.http.errors import Invalid, unknown
from service.http.query_parameters import RequestedQuery
from store.experiments import rows
from store.query import cursor as cursors
from store.query import export_rows, pages, run_ends
from store.query.errors import BadQuery
from store.query.export_rows import Column, RecordBatch
from store.query.fields import Field
from store.query.query import ExperimentQuery
from store.records import Experiment

router = APIRouter(prefix="/v1/export", tags=["queries"])

AT_ONCE = 200
"""Experiments that are read at once."""

What = Literal["runs", "series", "experiments"]


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: openapi.file("The file.", *MEDIA_TYPES.values()) | {"headers": {}},
        **openapi.problems(400, 501, 503),
    },
)
def export(
    *,
    context: Context,
    asked: RequestedQuery,
    what: Annotated[
        What,
        Query(
            description="A row for each run that has ended, for each recorded point, or for each experiment."
        ),
    ] = "runs",
    form: Annotated[FileFormat, Query(alias="format")] = "csv",
    fields: Annotated[
        str | None,
        Query(
            description="Fields of the experiment beside its numbers, separated by commas (`/v1/fields`).",
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
) -> StreamingResponse:
    """Export all that `q` finds, in the order of `sort`, never sampled.

    CSV and JSON have numbers that are read back exactly, non-finite ones as words; Parquet and
    Arrow (a stream) have real NaN and infinities. `what=experiments` as JSON or NDJSON has whole
    experiments, as `/v1/experiments` has them. Experiments that come in meanwhile may or may not be
    among them; no other is missing or twice.
    """
    chosen = _metrics(metrics, SERIES if what == "series" else tuple(METRICS))
    try:
        beside = run_ends.parse_fields(
            ",".join(export_rows.DEFAULT_FIELDS) if fields is None else fields
        )
    except BadQuery as error:
        raise error.at("/query/fields") from None
    if what == "experiments" and form in {"json", "ndjson"}:
        items = (
            schemas.to_json(schemas.Experiment.from_record(one))
            for one in _experiments(context, asked)
        )
        content = documents("json" if form == "json" else "ndjson", items)
    elif what == "series":
        series = (_series(context, name, chosen) for ids in ids_of(context, asked) for name in ids)
        content = encode(form, export_rows.series_columns(chosen), export_rows.rebatch(series))
    else:
        content = encode(form, *tabulated(context, asked, what, beside, chosen))
    first = list(
        itertools.islice(content, 2)
    )  # what fails at once, fails with an answer that says so
    disposition = {"Content-Disposition": f'attachment; filename="extrapolab-{what}.{form}"'}
    return StreamingResponse(
        itertools.chain(first, content), media_type=MEDIA_TYPES[form], headers=disposition
    )


def tabulated(
    context: AppContext,
    question: ExperimentQuery,
    what: Literal["runs", "experiments"],
    fields: Sequence[Field],
    metrics: Sequence[str],
) -> tuple[list[Column], Iterator[RecordBatch]]:
    """The columns of all runs or experiments that a question finds, and them a page at a time."""
    of_runs = what == "runs"
    headings = (export_rows.run_columns if of_runs else export_rows.experiment_columns)(
        fields, metrics
    )
    read = export_rows.run_rows if of_runs else export_rows.experiment_rows

    def piece(ids: Sequence[str]) -> RecordBatch:
        with context.database.read() as tx:
            return read(tx, rows.those(tx, ids), fields, metrics)

    return headings, map(piece, ids_of(context, question))


def _metrics(text: str | None, known: Sequence[str]) -> list[str]:
    names = list(known) if text is None else list(dict.fromkeys(text.split(",")))
    problems = [
        unknown("/query/metrics", "metric", name, known) for name in names if name not in known
    ]
    if problems:
        raise Invalid(*problems)
    return names


def ids_of(context: AppContext, question: ExperimentQuery) -> Iterator[list[str]]:
    """The ids, a page at a time, each read by itself, so that no slow reader holds the database."""
    cursor: str | None = None
    while True:
        with context.database.read() as tx:
            marks = pages.read_page(tx, question, cursor=cursor, limit=AT_ONCE)
        if marks:
            yield [mark.id for mark in marks]
        if len(marks) < AT_ONCE:
            return
        cursor = cursors.encode(marks[-1])


def _experiments(context: AppContext, question: ExperimentQuery) -> Iterator[Experiment]:
    for ids in ids_of(context, question):
        with context.database.read() as tx:
            found = rows.load(tx, rows.several(tx, rows.those(tx, ids)))
        yield from found


def _series(context: AppContext, experiment_id: str, names: Sequence[str]) -> RecordBatch:
    with context.database.read() as tx:
        return export_rows.series_rows(tx, experiment_id, names)
