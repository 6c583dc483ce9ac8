"""What a whole sweep found, in numbers: its experiments row by row, or crossed on two of its axes."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from core.figures.cells import grid as crossed
from core.result import METRICS
from core.spec.axis import dotted
from core.statistics import STATISTICS, over_seeds
from service import schemas
from service.context import Context
from service.http import etags, examples, openapi
from service.http.errors import Invalid, unknown
from service.http.ids import SweepId
from service.http.parameters import IfNoneMatch
from service.routes.sweep_figures import Axis, axes, cells
from store.sweeps import outcomes
from store.sweeps import repository as sweeps
from store.sweeps.repository import Member

router = APIRouter(prefix="/v1/sweeps/{id:experiment}", tags=["sweeps"])

USUAL = "fit_error,extrapolation_error,relative_extrapolation_error"
EVERY = ",".join(STATISTICS)

Metrics = Annotated[
    str, Query(description="Metrics, separated by commas.", examples=["fit_error,effective_rank"])
]
Statistics = Annotated[
    str, Query(description="Statistics over seeds, separated by commas.", examples=["median,q1,q3"])
]


@router.get(
    "/table",
    response_model=schemas.SweepTable,
    responses={
        200: openapi.answer(
            "One row per experiment.",
            examples.SWEEP_TABLE,
            "ETag",
            others={"text/csv": examples.SWEEP_TABLE_CSV},
        ),
        **openapi.not_modified(),
        **openapi.problems(404, 503),
    },
)
def table(
    *,
    sweep_id: SweepId,
    context: Context,
    metrics: Metrics = USUAL,
    statistic: Statistics = EVERY,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read the numbers of all experiments of a sweep side by side, in the order of its members."""
    names, chosen = _named(metrics, statistic)
    with context.database.read() as tx:
        sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, sweep_id)
        seeds, ended = outcomes.seeds(tx, sweep_id), outcomes.outcomes(tx, sweep_id, names)
    statistics = over_seeds({name: rows[:, 1:] for name, rows in ended.items()})
    order = [STATISTICS.index(name) for name in chosen]

    def numbers(member: Member) -> dict[str, dict[str, float]] | None:
        found = statistics.get(member.experiment_id)
        if found is None:
            return None
        columns = found[order].T.tolist()
        return {
            name: dict(zip(chosen, column, strict=True))
            for name, column in zip(names, columns, strict=True)
        }

    rows = [
        {
            "coordinates": member.coordinates,
            "experiment": member.experiment_id,
            "state": member.state,
            "seeds": seeds[member.experiment_id],
            "diverged": int(ended[member.experiment_id][:, 0].sum())
            if member.experiment_id in ended
            else None,
            "metrics": numbers(member),
        }
        for member in members
    ]
    if form == "csv":
        return etags.answer(_csv(rows, names, chosen), "text/csv", if_none_match)
    return etags.answer(schemas.to_json({"rows": rows}), "application/json", if_none_match)


@router.get(
    "/grid",
    response_model=schemas.SweepGrid,
    responses={
        200: openapi.answer(
            "Rows, columns, and what there is in each cell.", examples.SWEEP_GRID, "ETag",
            others={"text/csv": examples.SWEEP_GRID_CSV},
        ),
        **openapi.not_modified(),
        **openapi.problems(404, 503),
    },
)  # fmt: skip
def grid(
    *,
    sweep_id: SweepId,
    context: Context,
    rows: Axis = None,
    columns: Axis = None,
    metrics: Metrics = USUAL,
    statistic: Statistics = "median,q1,q3",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Cross two axes of a sweep: rows, columns, and in each cell statistics of metrics over seeds.

    The axes are those of the heat map where they are left out. Seeds of experiments that differ on
    further axes only are pooled. CSV has a line for each row, metric and statistic.
    """
    names, chosen = _named(metrics, statistic)
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, sweep_id)
        rows, columns = rows and dotted(rows), columns and dotted(columns)
        across, down = axes(
            sweep, members, "heatmap", x=columns, series=rows, names=("columns", "rows")
        )
        ended = outcomes.outcomes(tx, sweep_id, names)
    place = {name: n for n, name in enumerate(names, 1)}
    placed = {name: cells(members, ended, across, down, column=place[name]) for name in names}
    found = {name: {s: crossed(placed[name], s) for s in chosen} for name in names}
    first = found[names[0]][chosen[0]]
    content = {
        "rows": {"path": down, "values": first.rows},
        "columns": {"path": across, "values": first.columns},
        "states": first.states,
        "metrics": {name: {s: one.values for s, one in by.items()} for name, by in found.items()},
    }
    if form == "csv":
        return etags.answer(_crossed_csv(content), "text/csv", if_none_match)
    return etags.answer(schemas.to_json(content), "application/json", if_none_match)


def _named(metrics: str, statistic: str) -> tuple[list[str], list[str]]:
    """The metrics and statistics that are asked for, each once."""
    names, chosen = metrics.split(","), statistic.split(",")
    problems = [
        unknown("/query/metrics", "metric", name, METRICS) for name in names if name not in METRICS
    ]
    problems += [
        unknown("/query/statistic", "statistic", s, STATISTICS)
        for s in chosen
        if s not in STATISTICS
    ]
    if problems:
        raise Invalid(*problems)
    return list(dict.fromkeys(names)), list(dict.fromkeys(chosen))


def _crossed_csv(content: Mapping[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    columns = content["columns"]
    across = [f"{columns['path']} = {_word(value)}" for value in columns["values"]]
    writer.writerow([content["rows"]["path"], "metric", "statistic", *across])
    for i, value in enumerate(content["rows"]["values"]):
        for metric, by in content["metrics"].items():
            for statistic, numbers in by.items():
                writer.writerow([_word(value), metric, statistic, *map(_word, numbers[i])])
    return text.getvalue().encode()


def _csv(
    rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], statistics: Sequence[str]
) -> bytes:
    """Comma-separated values whose numbers are read back exactly."""
    paths = list(dict.fromkeys(path for row in rows for path in row["coordinates"]))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    columns = [f"{metric}.{statistic}" for metric in metrics for statistic in statistics]
    writer.writerow([*paths, "experiment", "state", "seeds", "diverged", *columns])
    for row in rows:
        found = row["metrics"]
        numbers = ["" if found is None else _word(found[m][s]) for m in metrics for s in statistics]
        diverged = "" if row["diverged"] is None else row["diverged"]
        where = [_word(row["coordinates"].get(path)) for path in paths]
        writer.writerow([*where, row["experiment"], row["state"], row["seeds"], diverged, *numbers])
    return text.getvalue().encode()


def _word(value: Any) -> str:
    """A value of a cell: text as it is, all else as JSON."""
    return value if isinstance(value, str) else schemas.to_json(value).decode().strip('"')
