"""Figures of a whole sweep, over its axes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from core.figures import SWEEP_FIGURES as FIGURES
from core.recipe import DEFAULT_METRIC
from core.result import METRICS
from core.spec.field_axis import dotted
from service.context import Context
from service.figures import rendering
from service.figures.options import FigureOptions
from service.figures.sweep_axes import Axis
from service.figures.sweep_data import sweep_data
from service.http.ids import SweepId

router = APIRouter(prefix="/v1/sweeps/{id:experiment}", tags=["sweeps"])


@rendering.route(router, "/figures/{name}.{format}", 404, 409, 503)
def figure(
    *,
    sweep_id: SweepId,
    name: Annotated[str, rendering.name_parameter(FIGURES)],
    requested: FigureOptions,
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
    chosen = rendering.choose(FIGURES, name, requested)
    with context.database.read() as tx:
        info = sweep_data(
            tx, sweep_id, name, x=x and dotted(x), y=y, series=series and dotted(series)
        )
    return rendering.respond(chosen, info, requested)
