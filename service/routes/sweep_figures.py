"""Figures of a whole sweep, over its axes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from core.figures import SWEEP_FIGURES as FIGURES
from core.figures.recipes import wording
from core.recipe import DEFAULT_METRIC, Recipe
from core.result import METRICS
from core.spec.axis import dotted
from service.context import Context
from service.figures import rendering, sweep_axes
from service.figures.options import DrawingOptions
from service.figures.sweep_axes import Axis
from service.http.ids import SweepId
from store.query import run_ends
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps.repository import Sweep

router = APIRouter(prefix="/v1/sweeps/{id:experiment}", tags=["sweeps"])


@rendering.route(router, "/figures/{name}.{format}", 404, 503)
def figure(
    *,
    sweep_id: SweepId,
    name: Annotated[str, rendering.name_parameter(FIGURES)],
    drawing: DrawingOptions,
    context: Context,
    x: Axis = None,
    y: Annotated[
        str, Query(description="The metric to show.", json_schema_extra={"enum": [*METRICS]})
    ] = DEFAULT_METRIC,
    series: Axis = None,
) -> Response:
    """Draw a metric over the axes of a sweep, from its completed experiments.

    `lines`: median and quartiles over seeds against `x`, one line per value of `series`. `heatmap`:
    the colour is the median, with `x` horizontal and `series` vertical. Failed, diverged and
    pending cells are marked; cells without an experiment are white. `x` defaults to the first
    numeric axis, `series` to the next axis. Seeds of experiments that differ only on other axes are
    pooled.
    """
    chosen = rendering.choose(FIGURES, name, drawing)
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, sweep_id)
        x, series = sweep_axes.choose(
            sweep, members, name, x=x and dotted(x), series=series and dotted(series), y=y
        )
        with sweep_axes.reading_runs():
            runs = run_ends.completed_runs(tx, sweep_axes.query(sweep_id), [y])
    recipe = Recipe(
        kind="lines" if name == "lines" else "heatmap",
        query=sweep_axes.filter_of(sweep_id),
        x=x,
        y=y,
        series=series,
    )
    heading = wording.heading(
        recipe,
        title=sweep.name or sweep.id,
        source=_source(sweep),
        hashes=[member.spec_hash for member in members if member.experiment_id in runs],
        runs=sum(len(of_one.outcomes) for of_one in runs.values()),
    )
    cells = sweep_axes.cells(members, runs, x, series)
    return rendering.respond(chosen, chosen.info(cells, recipe, **heading), drawing)


def _source(sweep: Sweep) -> str:
    count, completed = sum(sweep.counts.values()), sweep.counts[State.COMPLETED]
    return f"Extrapolab, {sweep.id}, {completed} of {count} experiments completed"
