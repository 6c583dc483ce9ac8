"""Figures of a sweep: those of a recipe over the sweep's members, on its axes."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.figures.drawing.plot import Drawing
from core.figures.info import Info
from core.figures.recipes import cells as figure_cells
from core.figures.recipes import heatmap as maps
from core.figures.recipes import panels
from core.figures.recipes.cells import Cell, Grid
from core.figures.recipes.heatmap import HeatmapLabels
from core.panels import Panel
from core.recipe import Recipe


class LinesInfo(Info):
    """Median and quartiles over seeds against one axis.

    Attributes:
        panel: One line per value of the other axis.
    """

    panel: Panel


class HeatmapInfo(HeatmapLabels):
    """The median over seeds on two axes.

    Attributes:
        columns: The coordinates on x.
        rows: The coordinates on y.
        medians: By row and column; NaN without a completed experiment.
        states: By row and column: ``completed``, ``diverged`` (so many runs diverged that the
            median is infinite), the state of an experiment that is not completed, or "" without an
            experiment.
        fitted: By row and column: how many of the ``seeds`` fit.
        diverged: By row and column: how many of them diverged.
        seeds: By row and column: how many seeds are completed.
    """

    columns: list[Any]
    rows: list[Any]
    medians: list[list[float]]
    states: list[list[str]]
    fitted: list[list[int]]
    diverged: list[list[int]]
    seeds: list[list[int]]


def lines(heading: Mapping[str, Any], cells: Sequence[Cell], recipe: Recipe) -> LinesInfo:
    """The data of lines of the metric against one numeric axis."""
    (panel,) = figure_cells.panels(cells, recipe)
    return LinesInfo(**heading, panel=panel)


def heatmap(heading: Mapping[str, Any], cells: Sequence[Cell], recipe: Recipe) -> HeatmapInfo:
    """The data of a heat map of the metric over two axes."""
    info = maps.of_cells(heading, cells, recipe)
    (grid,) = info.maps
    return HeatmapInfo(
        **_labels(info),
        columns=grid.columns,
        rows=grid.rows,
        medians=grid.values,
        states=grid.states,
        fitted=grid.fitted,
        diverged=grid.diverged,
        seeds=grid.seeds,
    )


def drawing_of_lines(info: LinesInfo) -> Drawing:
    """One plot; colours follow the order of the other axis."""
    shared = {name: getattr(info, name) for name in Info.model_fields}
    return panels.drawing(panels.PanelsInfo(**shared, panels=[info.panel], alike=True))


def drawing_of_heatmap(info: HeatmapInfo) -> Drawing:
    """One grid, coloured by the median."""
    grid = Grid(
        columns=info.columns,
        rows=info.rows,
        values=info.medians,
        states=info.states,
        fitted=info.fitted,
        diverged=info.diverged,
        seeds=info.seeds,
    )
    return maps.drawing(maps.HeatmapInfo(**_labels(info), maps=[grid]))


def _labels(info: HeatmapLabels) -> dict[str, Any]:
    return {name: getattr(info, name) for name in HeatmapLabels.model_fields}
