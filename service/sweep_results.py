"""What a whole sweep found: a table over seeds, and figures over its axes."""

import csv
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Response

from core.errors import Problem
from core.figures import Figure
from core.figures import sweep as ink
from core.figures.sweep import Cell, is_number
from core.result import METRICS
from core.spec.axis import dotted
from service import documentation, etags, examples, wire
from service.edge import Here
from service.errors import Invalid, unknown
from service.figures import MEDIA_TYPES, FigureFormat, choose, drawn
from service.parameters import IfNoneMatch
from service.statistics import STATISTICS, over_seeds
from service.sweeps import SweepId
from store import outcomes, sweeps
from store.states import State
from store.sweeps import Member, Sweep

router = APIRouter(prefix="/v1/sweeps/{id:experiment}", tags=["sweeps"])

FIGURES: Mapping[str, Figure] = MappingProxyType(
    {"lines": Figure(ink.lines, ink.draw_lines), "heatmap": Figure(ink.heatmap, ink.draw_heatmap)}
)
METRIC = "relative_extrapolation_error"
USUAL = ("fit_error", "extrapolation_error", METRIC)
MOST_LINES = 24
MOST_CELLS = 400
"""Values that one axis of a heat map may have."""


@router.get(
    "/table",
    response_model=wire.SweepTable,
    responses={
        200: documentation.answer(
            "One row per experiment.", examples.SWEEP_TABLE, "ETag", others={"text/csv": examples.SWEEP_TABLE_CSV}
        ),
        **documentation.not_modified(),
        **documentation.problems(404, 503),
    },
)
def table(
    *,
    sweep_id: SweepId,
    here: Here,
    metrics: Annotated[
        str, Query(description="Metrics, separated by commas.", examples=["fit_error,effective_rank"])
    ] = ",".join(USUAL),
    statistic: Annotated[
        str, Query(description="Statistics over seeds, separated by commas.", examples=["median,q1,q3"])
    ] = ",".join(STATISTICS),
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read the numbers of all experiments of a sweep side by side, in the order of its members."""
    names, chosen = metrics.split(","), statistic.split(",")
    problems = [unknown("/query/metrics", "metric", name, METRICS) for name in names if name not in METRICS]
    problems += [unknown("/query/statistic", "statistic", s, STATISTICS) for s in chosen if s not in STATISTICS]
    if problems:
        raise Invalid(*problems)
    names, chosen = list(dict.fromkeys(names)), list(dict.fromkeys(chosen))
    with here.database.read() as tx:
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
        return {name: dict(zip(chosen, column, strict=True)) for name, column in zip(names, columns, strict=True)}

    rows = [
        {
            "coordinates": member.coordinates,
            "experiment": member.experiment_id,
            "state": member.state,
            "seeds": seeds[member.experiment_id],
            "diverged": int(ended[member.experiment_id][:, 0].sum()) if member.experiment_id in ended else None,
            "metrics": numbers(member),
        }
        for member in members
    ]
    if form == "csv":
        return etags.answer(_csv(rows, names, chosen), "text/csv", if_none_match)
    return etags.answer(wire.as_json({"rows": rows}), "application/json", if_none_match)


Axis = Annotated[str | None, Query(description="Path of an axis of the sweep, such as `training.length`.")]


@router.get(
    "/figures/{name}.{format}",
    response_class=Response,
    responses={
        200: documentation.file("The figure, or its data.", *MEDIA_TYPES.values()),
        **documentation.not_modified(),
        **documentation.problems(404, 503),
    },
)
def figure(
    *,
    sweep_id: SweepId,
    name: Annotated[str, Path(json_schema_extra={"enum": [*FIGURES]})],
    form: FigureFormat,
    here: Here,
    x: Axis = None,
    y: Annotated[str, Query(description="The metric that is shown.", json_schema_extra={"enum": [*METRICS]})] = METRIC,
    series: Axis = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Draw a metric over the axes of a sweep, from what is completed.

    `lines`: median and quartiles over seeds against `x`, one line per value of `series`. `heatmap`: the colour is the
    median, `x` runs to the right, `series` upwards; cells that failed, diverged or are pending are marked, those
    without an experiment are white. `x` is the first axis of numbers where it is left out, `series` the next axis.
    Seeds of experiments that differ on further axes only are pooled.
    """
    chosen = choose(FIGURES, name, form)
    with here.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, sweep_id)
        x, series = _axes(sweep, members, name, x=x and dotted(x), y=y, series=series and dotted(series))
        ended = outcomes.outcomes(tx, sweep_id, [y])
    cells = [
        Cell(
            member.coordinates.get(x),
            None if series is None else member.coordinates.get(series),
            member.state,
            tuple(ended.get(member.experiment_id, np.empty((0, 2)))[:, 1].tolist()),
        )
        for member in members
    ]
    info = chosen.info(sweep.name or sweep.id, _source(sweep), cells, x=x, y=y, series=series)
    return drawn(chosen, info, form, if_none_match)


def _axes(
    sweep: Sweep, members: Sequence[Member], figure: str, *, x: str | None, y: str, series: str | None
) -> tuple[str, str | None]:
    """The paths to draw over, chosen where they are None; raises Invalid with everything that is wrong with them."""
    groups = sweep.spec.groups
    paths = [path for group in groups for path in group]
    problems = [
        unknown(f"/query/{what}", "path", path, paths)
        for what, path in (("x", x), ("series", series))
        if path is not None and path not in paths
    ]
    if y not in METRICS:
        problems.append(unknown("/query/y", "metric", y, METRICS))
    if problems:
        raise Invalid(*problems)
    values = {path: {_word(m.coordinates.get(path)) for m in members} for path in paths}
    numeric = {path for path in paths if all(is_number(member.coordinates.get(path)) for member in members)}
    several = [path for path in paths if len(values[path]) > 1 and path != series]
    first = [path for path in several if path in numeric] or (several if figure == "heatmap" else []) or [*numeric]
    x = x or next(iter(first), None)
    together = next((group for group in groups if x in group), ())
    series = series or next((path for path in several if path not in together), None)
    if x is None or (figure == "lines" and x not in numeric):
        message = "lines need an axis of numbers" if figure == "lines" else "a heat map needs two axes"
        problems.append(Problem("/query/x", "no_axis", message, x, ", ".join(sorted(numeric)) or None))
    elif figure == "heatmap" and (series is None or series == x):
        problems.append(Problem("/query/series", "no_axis", "a heat map needs two axes; lines need one", series))
    elif figure == "lines" and series is not None and len(values[series]) > MOST_LINES:
        message = f"has {len(values[series])} values, and lines show at most {MOST_LINES}; take a heat map"
        problems.append(Problem("/query/series", "too_many", message, series))
    elif figure == "heatmap" and max(len(values[x]), len(values[series or x])) > MOST_CELLS:
        problems.append(Problem("/query/x", "too_many", f"a heat map has at most {MOST_CELLS} values on each axis", x))
    if problems or x is None:
        raise Invalid(*problems)
    return x, series


def _source(sweep: Sweep) -> str:
    count, done = sum(sweep.counts.values()), sweep.counts[State.COMPLETED]
    return f"Extrapolab, {sweep.id}, {done} of {count} experiments completed"


def _csv(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], statistics: Sequence[str]) -> bytes:
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
    return value if isinstance(value, str) else wire.as_json(value).decode().strip('"')
