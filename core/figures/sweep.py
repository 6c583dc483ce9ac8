"""Figures of a sweep: those of a recipe over its members, on its axes."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from core.figures import cells as numbers
from core.figures import heatmap as ink
from core.figures import panels
from core.figures.cells import Cell, Grid
from core.figures.info import Info
from core.panels import Panel
from core.recipe import Recipe


class LinesInfo(Info):
    """Median and quartiles over seeds against one axis.

    Attributes:
        panel: One line per value of the other axis.
    """

    panel: Panel


class HeatmapInfo(Info):
    """The median over seeds on two axes.

    Attributes:
        x: The name of the horizontal axis.
        y: The name of the vertical axis.
        metric: What the colour shows, in words.
        logarithmic: Whether the colours are in the logarithm.
        columns: The coordinates on x.
        rows: The coordinates on y.
        medians: By row and column; NaN where there is no completed experiment.
        states: By row and column: ``completed``, ``diverged`` (the median seed), or the state of
            what is not completed; "" where there is no experiment.
    """

    x: str
    y: str
    metric: str
    logarithmic: bool
    columns: list[Any]
    rows: list[Any]
    medians: list[list[float]]
    states: list[list[str]]


def lines(cells: Sequence[Cell], recipe: Recipe, **heading: Any) -> LinesInfo:
    """The lines of the metric against the numbers on one axis."""
    (panel,) = numbers.panels(cells, recipe) or [Panel(x="", y="", lines=[])]
    return LinesInfo(**heading | {"caption": panels.told(heading["caption"], [panel])}, panel=panel)


def heatmap(cells: Sequence[Cell], recipe: Recipe, **heading: Any) -> HeatmapInfo:
    """The grid of the metric over two axes."""
    found = ink.maps(cells, recipe)
    (grid,) = found["maps"]
    axes = {name: found[name] for name in ("x", "y", "metric", "logarithmic")}
    return HeatmapInfo(
        **heading,
        **axes,
        columns=grid.columns,
        rows=grid.rows,
        medians=grid.values,
        states=grid.states,
    )


def draw_lines(info: LinesInfo) -> Figure:
    """One pair of axes; colours follow the order of the other axis."""
    shared = {name: getattr(info, name) for name in Info.model_fields}
    return panels.draw(panels.PanelsInfo(**shared, panels=[info.panel], alike=True))


def draw_heatmap(info: HeatmapInfo) -> Figure:
    """One grid, coloured by the median."""
    grid = Grid(columns=info.columns, rows=info.rows, values=info.medians, states=info.states)
    shared = {
        name: getattr(info, name)
        for name in (*Info.model_fields, "x", "y", "metric", "logarithmic")
    }
    return ink.draw(ink.HeatmapInfo(**shared, maps=[grid]))
