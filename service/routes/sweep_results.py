"""The results of a sweep in numbers: a row for each experiment, or two axes crossed."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from service import schemas
from service.context import Context
from service.exports import csv_lines, sweep_table
from service.figures import sweep_axes
from service.figures.sweep_axes import Axis
from service.http import etags, metric_parameters, openapi, table_examples
from service.http.ids import SweepId
from service.http.metric_parameters import (
    ALL_STATISTICS,
    DEFAULT_METRICS,
    MetricNames,
    StatisticNames,
)
from service.http.parameters import IfNoneMatch, SafeText
from store.sweeps import repository as sweeps

router = APIRouter(prefix="/v1/sweeps/{id:experiment}", tags=["sweeps"])


@router.get(
    "/table",
    response_model=schemas.SweepTable,
    responses={
        200: openapi.answer(
            "One row per experiment.",
            table_examples.SWEEP_TABLE,
            "ETag",
            others={"text/csv": table_examples.SWEEP_TABLE_CSV},
        ),
        **openapi.not_modified(),
        **openapi.problems(404, 503),
    },
)
def table(
    *,
    sweep_id: SweepId,
    context: Context,
    metrics: MetricNames = DEFAULT_METRICS,
    statistic: StatisticNames = ALL_STATISTICS,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="Format of the answer.")
    ] = "json",
    safe: SafeText = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Tabulate the final metrics of a sweep: a row for each experiment, in the sweep's order."""
    metric_names, statistic_names = metric_parameters.parse(metrics, statistic)
    with context.database.read() as tx:
        sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, sweep_id)
        with sweep_axes.reading_runs():
            rows = sweep_table.rows(tx, sweep_id, members, metric_names, statistic_names)
    if form == "csv":
        columns = sweep_table.columns(rows, metric_names, statistic_names)
        return etags.answer(csv_lines.table(columns, safe=safe), "text/csv", if_none_match)
    return etags.answer(schemas.to_json({"rows": rows}), "application/json", if_none_match)


@router.get(
    "/grid",
    response_model=schemas.SweepGrid,
    responses={
        200: openapi.answer(
            "Rows, columns, and the content of each cell.",
            table_examples.SWEEP_GRID,
            "ETag",
            others={"text/csv": table_examples.SWEEP_GRID_CSV},
        ),
        **openapi.not_modified(),
        **openapi.problems(404, 503),
    },
)
def grid(
    *,
    sweep_id: SweepId,
    context: Context,
    rows: Axis = None,
    columns: Axis = None,
    metrics: MetricNames = DEFAULT_METRICS,
    statistic: StatisticNames = "median,q1,q3",
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="Format of the answer.")
    ] = "json",
    safe: SafeText = False,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Cross two axes of a sweep, with statistics of metrics over seeds in each cell.

    The axes default to those of the heat map. Seeds of experiments that differ only on other axes
    are pooled. `cells` says which experiments each cell holds, and in which states they are. CSV
    has a line for each row, metric and statistic.
    """
    metric_names, statistic_names = metric_parameters.parse(metrics, statistic)
    with context.database.read() as tx:
        content = sweep_table.grid(
            tx, sweep_id, metric_names, statistic_names, rows=rows, columns=columns
        )
    if form == "csv":
        columns_of_csv = sweep_table.grid_columns(content)
        return etags.answer(csv_lines.table(columns_of_csv, safe=safe), "text/csv", if_none_match)
    return etags.answer(schemas.to_json(content), "application/json", if_none_match)
