"""Heat maps: a statistic on two axes as colour, in one grid or several with one colour scale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.figures.coordinates import grouped, metric_scale
from core.figures.drawing.plot import TOO_LARGE, Colours, Drawing, Map
from core.figures.drawing.style import LARGEST
from core.figures.info import Info
from core.figures.recipes.cells import Cell, Grid, grid, pooled
from core.figures.recipes.wording import quantity_label, statistic_label
from core.labels import value_labels
from core.panels import ZERO_BASELINE
from core.recipe import Recipe
from core.statistics import most_fit
from core.symbols import axis_label

_COLUMNS = 2

THRESHOLDS = {"relative_extrapolation_error": ZERO_BASELINE.at, "spectral_radius": 1.0}
"""Values at which a metric changes its meaning: the zero baseline, and stability."""


class HeatmapLabels(Info):
    """Labels of the axes and the colours.

    Attributes:
        x: The label of the horizontal axis.
        y: The label of the vertical axis.
        metric: The label of the colours.
        logarithmic: Whether the scale of the colours is logarithmic.
        threshold: The natural threshold of the metric; None if it has none.
    """

    x: str
    y: str
    metric: str
    logarithmic: bool
    threshold: float | None = None


class HeatmapInfo(HeatmapLabels):
    """Statistics over seeds on two axes.

    Attributes:
        maps: The grids; all have the same colours.
    """

    maps: list[Grid]


def of_cells(heading: Mapping[str, Any], cells: Sequence[Cell], recipe: Recipe) -> HeatmapInfo:
    """The data of the figure: a grid per facet, all on the same axes."""
    facets = grouped(cells, lambda cell: cell.facet)
    titles = value_labels(recipe.facets, [facet for facet, _ in facets])
    grids = [
        grid(facet_cells, recipe.statistic, title=title, axes_of=cells)
        for title, (_, facet_cells) in zip(titles, facets, strict=True)
    ]
    values = [value for one_grid in grids for row in one_grid.values for value in row]
    auto = recipe.y_scale == "auto"
    scale = metric_scale(recipe.quantity, values) if auto else recipe.y_scale
    return HeatmapInfo(
        **heading,
        x=axis_label(recipe.x),
        y=axis_label(recipe.series or ""),
        metric=f"{quantity_label(recipe.quantity)}\n{statistic_label(recipe, pooled(cells))}",
        logarithmic=scale == "log",
        threshold=THRESHOLDS.get(recipe.quantity),
        maps=grids,
    )


def drawing(info: HeatmapInfo) -> Drawing:
    """Cells coloured by value; hatched where at most half of the seeds fit."""
    several = len(info.maps) > 1
    return Drawing(
        plots=[_map(info, one_grid) for one_grid in info.maps],
        columns=_COLUMNS,
        column_width=4.8 if several else 6.4,
        row_height=3.8 if several else 4.4,
        hollow="hatched: at most half of the seeds fit",
        colours=Colours(
            label=info.metric,
            scale="log" if info.logarithmic else "linear",
            threshold=info.threshold,
        ),
    )


def _map(info: HeatmapInfo, one_grid: Grid) -> Map:
    values, states = np.array(one_grid.values, dtype=float), np.array(one_grid.states)
    hollow = np.zeros(values.shape, bool)
    for i, (fitted, seeds) in enumerate(zip(one_grid.fitted, one_grid.seeds, strict=True)):
        for j, (n, of) in enumerate(zip(fitted, seeds, strict=True)):
            hollow[i, j] = of > 0 and not most_fit(n, of)
    completed = states == "completed"
    states = np.where(completed & np.isnan(values), "undefined", states)
    states = np.where(completed & (np.abs(values) > LARGEST), TOO_LARGE, states)
    return Map(
        x=info.x,
        y=info.y,
        title=one_grid.title,
        columns=one_grid.columns,
        rows=one_grid.rows,
        values=values,
        states=states,
        hollow=hollow,
    )
