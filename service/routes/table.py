"""The table of a query: groups of completed runs with statistics over seeds, or run by run."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from service import schemas
from service.context import Context
from service.exports import csv_lines, grouping
from service.exports.csv_lines import CsvColumn
from service.exports.grouping import SETUP, Row, TableRequest
from service.http import etags, examples, metric_parameters, openapi
from service.http.metric_parameters import (
    ALL_STATISTICS,
    DEFAULT_METRICS,
    MetricNames,
    StatisticNames,
)
from service.http.parameters import Cursor, IfNoneMatch, Limit
from service.http.query_parameters import Q
from store.query import run_ends
from store.query.errors import BadQuery
from store.query.fields import Kind
from store.query.query import ExperimentQuery

router = APIRouter(prefix="/v1/table", tags=["queries"])

_GROUP_COLUMNS = {
    "experiments": Kind.WHOLE,
    "newest": Kind.TEXT,
    "name": Kind.TEXT,
    "seeds": Kind.WHOLE,
    "fitted": Kind.WHOLE,
    "diverged": Kind.WHOLE,
}
_RUN_COLUMNS = {
    "experiment": Kind.TEXT,
    "seed": Kind.WHOLE,
    "outcome": Kind.TEXT,
    "steps": Kind.WHOLE,
}


@router.get(
    "",
    response_model=schemas.Page[schemas.Group] | schemas.Page[schemas.GroupedRun],
    responses={
        200: openapi.answer(
            "One page.", examples.TABLE, "ETag", others={"text/csv": examples.TABLE_CSV}
        ),
        **openapi.not_modified(),
        **openapi.problems(400, 503),
    },
)
def table(
    *,
    context: Context,
    q: Q = None,
    by: Annotated[
        str,
        Query(
            description="Fields to group runs by, separated by commas. "
            "`setup_hash` groups the seeds of one setup.",
            examples=["student.start.scale,training.length"],
        ),
    ] = SETUP,
    metrics: MetricNames = DEFAULT_METRICS,
    statistic: StatisticNames = ALL_STATISTICS,
    group: Annotated[
        bool, Query(description="`false`: one row per run, with the fields of `by` beside it.")
    ] = True,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="CSV has all rows at once.")
    ] = "json",
    limit: Limit = 50,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Tabulate the final metrics of all completed experiments that match `q`.

    Groups are sorted by their fields; groups of setups are sorted newest first. A diverged run
    counts as infinite. A run that was computed several times (`on_duplicate=rerun`) counts once,
    with its latest result.
    """
    metric_names, statistic_names = metric_parameters.parse(metrics, statistic)
    try:
        fields = run_ends.parse_fields(by)
    except BadQuery as error:
        raise error.at("/query/by") from None
    query = ExperimentQuery.parse(q)
    if form == "csv":
        limit, cursor = run_ends.MAX_RUNS, None
    request = TableRequest(fields, metric_names, statistic_names, limit, cursor)
    read = grouping.grouped_rows if group else grouping.run_rows
    with context.database.read() as tx:
        rows, next_cursor = read(tx, query, request)
    if form == "csv":
        columns = [*_field_columns(rows, request), *_columns(rows, request, grouped=group)]
        return etags.answer(csv_lines.table(columns), "text/csv", if_none_match)
    content = schemas.to_json({"items": rows, "next": next_cursor})
    return etags.answer(content, "application/json", if_none_match)


def _field_columns(rows: Sequence[Row], request: TableRequest) -> list[CsvColumn]:
    """The fields that rows are grouped by. Times are Unix seconds, as in JSON."""
    return [
        CsvColumn(
            field.name,
            Kind.REAL if field.kind is Kind.TIME else field.kind,
            [row["by"][field.name] for row in rows],
        )
        for field in request.fields
    ]


def _columns(rows: Sequence[Row], request: TableRequest, *, grouped: bool) -> list[CsvColumn]:
    """The columns after the fields."""
    columns = [
        CsvColumn(name, kind, [row[name] for row in rows])
        for name, kind in (_GROUP_COLUMNS if grouped else _RUN_COLUMNS).items()
    ]
    if grouped:
        return columns + grouping.statistic_columns(
            [row["metrics"] for row in rows], request.metrics, request.statistics
        )
    return columns + [
        CsvColumn(metric, Kind.REAL, [row["metrics"][metric] for row in rows])
        for metric in request.metrics
    ]
