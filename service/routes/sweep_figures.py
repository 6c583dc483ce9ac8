"""Figures of a whole sweep, over its axes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from core.errors import Problem
from core.figures import SWEEP_FIGURES as FIGURES
from core.figures import wording
from core.figures.cells import Cell
from core.figures.coordinates import is_number
from core.recipe import USUAL, Recipe
from core.result import METRICS
from core.spec.axis import dotted
from service import schemas
from service.context import Context
from service.figures import rendering
from service.figures.rendering import FigureFormat
from service.http.errors import Invalid, unknown
from service.http.ids import SweepId
from service.http.parameters import IfNoneMatch
from store.states import State
from store.sweeps import outcomes
from store.sweeps import repository as sweeps
from store.sweeps.repository import Member, Sweep

router = APIRouter(prefix="/v1/sweeps/{id:experiment}", tags=["sweeps"])

MOST_LINES = 24
MOST_CELLS = 400
"""Values that one axis of a heat map may have."""

Axis = Annotated[
    str | None, Query(description="Path of an axis of the sweep, such as `training.length`.")
]


@rendering.route(router, "/figures/{name}.{format}", 404, 503)
def figure(
    *,
    sweep_id: SweepId,
    name: Annotated[str, rendering.name_parameter(FIGURES)],
    form: FigureFormat,
    context: Context,
    x: Axis = None,
    y: Annotated[
        str, Query(description="The metric that is shown.", json_schema_extra={"enum": [*METRICS]})
    ] = USUAL,
    series: Axis = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Draw a metric over the axes of a sweep, from what is completed.

    `lines`: median and quartiles over seeds against `x`, one line per value of `series`. `heatmap`:
    the colour is the median, `x` runs to the right, `series` upwards; cells that failed, diverged
    or are pending are marked, those without an experiment are white. `x` is the first axis of
    numbers where it is left out, `series` the next axis. Seeds of experiments that differ on
    further axes only are pooled.
    """
    chosen = rendering.choose(FIGURES, name, form)
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, sweep_id)
        x, series = axes(
            sweep, members, name, x=x and dotted(x), y=y, series=series and dotted(series)
        )
        ended = outcomes.outcomes(tx, sweep_id, [y])
    recipe = Recipe(
        kind="lines" if name == "lines" else "heatmap",
        query=f"sweep:{sweep.id}",
        x=x,
        y=y,
        series=series,
    )
    heading = wording.heading(
        recipe,
        called=sweep.name or sweep.id,
        source=_source(sweep),
        hashes=[member.spec_hash for member in members if member.experiment_id in ended],
        runs=sum(map(len, ended.values())),
    )
    return rendering.respond(
        chosen,
        chosen.info(cells(members, ended, x, series), recipe, **heading),
        form,
        if_none_match,
    )


def cells(
    members: Sequence[Member],
    ended: Mapping[str, np.ndarray],
    x: str,
    series: str | None,
    *,
    column: int = 1,
) -> list[Cell]:
    """The members at their places on two axes, each with the numbers of its runs in a column of ``ended``."""
    nothing = np.empty((0, column + 1))
    return [
        Cell(
            member.coordinates.get(x),
            None if series is None else member.coordinates.get(series),
            member.state,
            tuple(ended.get(member.experiment_id, nothing)[:, column].tolist()),
        )
        for member in members
    ]


def axes(
    sweep: Sweep,
    members: Sequence[Member],
    figure: str,
    *,
    x: str | None,
    y: str = USUAL,
    series: str | None,
    names: tuple[str, str] = ("x", "series"),
) -> tuple[str, str | None]:
    """The paths to draw over, chosen where they are None; ``names`` are those of the parameters that name them.

    Raises:
        Invalid: With everything that is wrong with them.
    """
    horizontal, other = (f"/query/{name}" for name in names)
    groups = sweep.spec.groups
    paths = [path for group in groups for path in group]
    problems = [
        unknown(pointer, "path", path, paths)
        for pointer, path in ((horizontal, x), (other, series))
        if path is not None and path not in paths
    ]
    if y not in METRICS:
        problems.append(unknown("/query/y", "metric", y, METRICS))
    if problems:
        raise Invalid(*problems)
    values = {path: {_word(m.coordinates.get(path)) for m in members} for path in paths}
    numeric = {
        path for path in paths if all(is_number(member.coordinates.get(path)) for member in members)
    }
    several = [path for path in paths if len(values[path]) > 1 and path != series]
    first = (
        [path for path in several if path in numeric]
        or (several if figure == "heatmap" else [])
        or [*numeric]
    )
    x = x or next(iter(first), None)
    together = next((group for group in groups if x in group), ())
    series = series or next((path for path in several if path not in together), None)
    if x is None or (figure == "lines" and x not in numeric):
        message = (
            "lines need an axis of numbers" if figure == "lines" else "a heat map needs two axes"
        )
        problems.append(
            Problem(horizontal, "no_axis", message, x, ", ".join(sorted(numeric)) or None)
        )
    elif figure == "heatmap" and (series is None or series == x):
        problems.append(
            Problem(other, "no_axis", "a heat map needs two axes; lines need one", series)
        )
    elif figure == "lines" and series is not None and len(values[series]) > MOST_LINES:
        message = f"has {len(values[series])} values, and lines show at most {MOST_LINES}; take a heat map"
        problems.append(Problem(other, "too_many", message, series))
    elif figure == "heatmap" and max(len(values[x]), len(values[series or x])) > MOST_CELLS:
        problems.append(
            Problem(
                horizontal,
                "too_many",
                f"a heat map has at most {MOST_CELLS} values on each axis",
                x,
            )
        )
    if problems or x is None:
        raise Invalid(*problems)
    return x, series


def _source(sweep: Sweep) -> str:
    count, done = sum(sweep.counts.values()), sweep.counts[State.COMPLETED]
    return f"Extrapolab, {sweep.id}, {done} of {count} experiments completed"


def _word(value: Any) -> str:
    """A coordinate as text by which it is told from others."""
    return value if isinstance(value, str) else schemas.to_json(value).decode()
