"""The table of a query: groups of completed runs with statistics over seeds, or run by run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from service import schemas
from service.context import Context
from service.exports import csv_lines, group_rows, grouping, table_parameters
from service.exports.csv_lines import CsvColumn
from service.exports.group_rows import Row
from service.exports.table_request import SETUP, TableRequest
from service.http import etags, openapi, table_examples
from service.http.metric_parameters import (
    ALL_STATISTICS,
    DEFAULT_METRICS,
    MetricNames,
    StatisticNames,
)
from service.http.parameters import Cursor, IfNoneMatch, Limit, SafeText
from service.http.query_parameters import Q
from store.query.fields import Kind
from store.query.query import ExperimentQuery
from store.states import State

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
    response_model=schemas.TablePage[schemas.Group] | schemas.TablePage[schemas.GroupedRun],
    responses={
        200: openapi.answer(
            "One page.", table_examples.TABLE, "ETag", others={"text/csv": table_examples.TABLE_CSV}
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
    sort: Annotated[
        str | None,
        Query(
            description="Columns to sort by, separated by commas; `-` sorts in descending order. "
            "Also `created`, of the newest experiment. A metric alone is its median; what is "
            "sorted by is always shown. Missing and non-finite values come last.",
            examples=["-median(extrapolation_error),training.length"],
        ),
    ] = None,
    states: Annotated[
        str,
        Query(
            description="States of the experiments in groups, separated by commas; `all` for every "
            "state. Runs count when their experiment is completed.",
            examples=["queued,running,completed"],
        ),
    ] = State.COMPLETED.value,
    include: Annotated[
        str | None,
        Query(
            description="`seeds`: the runs of each group. "
            "`count`: the number of rows on all pages.",
            examples=["seeds,count"],
        ),
    ] = None,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="CSV has all rows at once.")
    ] = "json",
    safe: SafeText = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Tabulate experiments that match `q`, with the final metrics of those completed.

    Groups are sorted by their fields; groups of setups are sorted newest first. A diverged run
    counts as infinite. A run that was computed several times (`on_duplicate=rerun`) counts once,
    with its latest result.
    """
    request = table_parameters.parse(
        by=by,
        metrics=metrics,
        statistic=statistic,
        sort=sort,
        states=states,
        include=include,
        grouped=group,
    )
    query = ExperimentQuery.parse(q)
    if form == "json":
        request = replace(request, limit=limit, cursor=cursor)
    read = grouping.grouped_rows if group else grouping.run_rows
    with context.database.read() as tx:
        page = read(tx, query, request)
    if form == "csv":
        columns = [
            *_field_columns(page.rows, request),
            *_columns(page.rows, request, grouped=group),
        ]
        return etags.answer(csv_lines.table(columns, safe=safe), "text/csv", if_none_match)
    counts = {"count": page.count} if request.with_count else {}
    content = {"items": page.rows, "next": page.next, **counts}
    return etags.answer(schemas.to_json(content), "application/json", if_none_match)


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
        if list(request.states) != [State.COMPLETED]:
            missing = [row["missing"] for row in rows]
            columns.append(CsvColumn("missing", Kind.WHOLE, missing))
        return columns + group_rows.statistic_columns(
            [row["metrics"] for row in rows], request.metrics, request.statistics
        )
    return columns + [
        CsvColumn(metric, Kind.REAL, [row["metrics"][metric] for row in rows])
        for metric in request.metrics
    ]
