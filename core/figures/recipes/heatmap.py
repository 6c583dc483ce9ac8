"""Heat maps: a statistic on two axes as colour, in one grid or several with one colour scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from core.figures.drawing import style
from core.figures.info import Info
from core.figures.recipes.cells import Cell, Grid, grid
from core.figures.recipes.coordinates import grouped, metric_scale
from core.figures.recipes.wording import quantity_label, statistic_label
from core.labels import value_labels, value_texts
from core.recipe import Recipe
from core.symbols import axis_label

MAX_TICKS = 12
_COLUMNS = 2

MARKERS = {
    "failed": "x",
    "cancelled": "_",
    "queued": ".",
    "running": ".",
    "paused": ".",
    "diverged": "^",
}
"""The marker of a cell without a finite number, by state; a cell without an experiment is blank."""


class HeatmapInfo(Info):
    """Statistics over seeds on two axes.

    Attributes:
        x: The label of the horizontal axis.
        y: The label of the vertical axis.
        metric: The label of the colours.
        logarithmic: Whether the scale of the colours is logarithmic.
        maps: The grids; all have the same colours.
    """

    x: str
    y: str
    metric: str
    logarithmic: bool
    maps: list[Grid]


def maps(cells: Sequence[Cell], recipe: Recipe) -> dict[str, Any]:
    """The fields that :class:`HeatmapInfo` adds: a grid per facet, all on the same axes."""
    facets = grouped(cells, lambda cell: cell.facet)
    titles = value_labels(recipe.facets, [facet for facet, _ in facets])
    grids = [
        grid(facet_cells, recipe.statistic, title=title, axes_of=cells)
        for title, (_, facet_cells) in zip(titles, facets, strict=True)
    ]
    values = [value for one_grid in grids for row in one_grid.values for value in row]
    auto = recipe.y_scale == "auto"
    scale = metric_scale(recipe.quantity, values) if auto else recipe.y_scale
    return {
        "x": axis_label(recipe.x),
        "y": axis_label(recipe.series or ""),
        "metric": f"{quantity_label(recipe.quantity)}\n{statistic_label(recipe)}",
        "logarithmic": scale == "log",
        "maps": grids,
    }


@style.renderer
def render(info: HeatmapInfo) -> Figure:
    """Renders equal cells coloured by value; cells without a finite value are white, and marked."""
    columns = min(_COLUMNS, len(info.maps))
    rows = -(-len(info.maps) // columns)
    width, height = (6.4, 4.4) if columns == 1 else (9.6, 3.8 * rows)
    figure, all_axes = style.subplots(rows, columns, width, height)
    used, unused = all_axes[: len(info.maps)], all_axes[len(info.maps) :]
    norm = _norm(info)
    for axes, one_grid in zip(used, info.maps, strict=True):
        values = np.array(one_grid.values, dtype=float)
        image = axes.imshow(
            style.plottable(values, logarithmic=info.logarithmic),
            norm=norm,
            aspect="auto",
            interpolation="nearest",
            origin="lower",
            cmap="viridis",
        )
        _mark_states(axes, one_grid)
        _set_ticks(axes, "x", one_grid.columns)
        _set_ticks(axes, "y", one_grid.rows)
        axes.grid(visible=False)
        axes.set_xlabel(style.typeset(info.x))
        axes.set_ylabel(style.typeset(info.y))
        if one_grid.title:
            axes.set_title(style.typeset(one_grid.title), loc="left", fontsize="medium")
    for axes in unused:
        axes.set_visible(False)
    if norm is not None:
        figure.colorbar(image, ax=used, label=style.typeset(info.metric))
    style.add_title(figure, info)
    return figure


def _norm(info: HeatmapInfo) -> Normalize | None:
    """The colour scale of all grids; None if no value is finite."""
    values = np.concatenate([np.ravel(np.array(g.values, dtype=float)) for g in info.maps])
    shown = style.plottable(values, logarithmic=info.logarithmic)
    finite = shown[np.isfinite(shown)]
    if not len(finite):
        return None
    low, high = float(finite.min()), float(finite.max())
    if high <= low:
        high = low + abs(low) + style.SMALLEST
    return LogNorm(low, high) if info.logarithmic else Normalize(low, high)


def _mark_states(axes: Axes, one_grid: Grid) -> None:
    states = np.array(one_grid.states)
    for state, marker in MARKERS.items():
        rows, columns = np.nonzero(states == state)
        if len(rows):
            axes.scatter(columns, rows, marker=marker, s=18, color=style.BASELINE, label=state)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(MARKERS), fontsize="small"
        )


def _set_ticks(axes: Axes, which: str, values: Sequence[Any]) -> None:
    places = range(0, len(values), max(1, -(-len(values) // MAX_TICKS)))
    set_ticks = axes.set_xticks if which == "x" else axes.set_yticks
    labels = value_texts([values[i] for i in places])
    ticks = set_ticks(places, labels, parse_math=False)
    if which == "x" and max(map(len, labels)) > 4:
        for tick in axes.get_xticklabels() if ticks else ():
            tick.set(rotation=45, ha="right")
