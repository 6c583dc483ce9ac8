"""Heat maps: a statistic on two axes as colour, one grid or several on one scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from core.figures import style
from core.figures.cells import Cell, Grid, grid
from core.figures.coordinates import grouped, label, named, scale_of
from core.figures.info import Info
from core.figures.wording import metric, over
from core.recipe import Recipe
from core.spec.sweep import brief

MOST_TICKS = 12
_COLUMNS = 2

MARKS = {
    "failed": "x",
    "cancelled": "_",
    "queued": ".",
    "running": ".",
    "paused": ".",
    "diverged": "^",
}
"""How a cell without a finite number is marked; one without an experiment is left blank."""


class HeatmapInfo(Info):
    """Statistics over seeds on two axes.

    Attributes:
        x: The name of the horizontal axis.
        y: The name of the vertical axis.
        metric: What the colour shows, in words.
        logarithmic: Whether the colours are in the logarithm.
        maps: One per pair of axes; all have the same colours.
    """

    x: str
    y: str
    metric: str
    logarithmic: bool
    maps: list[Grid]


def maps(cells: Sequence[Cell], recipe: Recipe) -> dict[str, Any]:
    """What :class:`HeatmapInfo` says beyond other figures: a grid for each facet, all on the same axes."""
    found = [
        grid(inside, recipe.statistic, title=named(recipe.facets, facet), like=cells)
        for facet, inside in grouped(cells, lambda cell: cell.facet)
    ]
    values = [value for one in found for row in one.values for value in row]
    logarithmic = (
        scale_of(recipe.quantity, values) if recipe.y_scale == "auto" else recipe.y_scale
    ) == "log"
    return {
        "x": label(recipe.x),
        "y": label(recipe.series or ""),
        "metric": f"{metric(recipe.quantity)}\n{over(recipe)}",
        "logarithmic": logarithmic,
        "maps": found,
    }


@style.inked
def draw(info: HeatmapInfo) -> Figure:
    """Equal cells, coloured by the value; what has no finite one is white, and marked where there is an experiment."""
    columns = min(_COLUMNS, len(info.maps))
    rows = -(-len(info.maps) // columns)
    figure, panels = style.panels(
        rows, columns, *((6.4, 4.4) if columns == 1 else (9.6, 3.8 * rows))
    )
    norm = _norm(info)
    for axes, one in zip(panels, info.maps, strict=False):
        image = axes.imshow(
            style.drawable(np.array(one.values, dtype=float), logarithmic=info.logarithmic), norm=norm, aspect="auto",
            interpolation="nearest", origin="lower", cmap="viridis",
        )  # fmt: skip
        _mark(axes, one)
        _tick(axes, "x", one.columns)
        _tick(axes, "y", one.rows)
        axes.grid(visible=False)
        axes.set_xlabel(style.typeset(info.x))
        axes.set_ylabel(style.typeset(info.y))
        if one.title:
            axes.set_title(style.typeset(one.title), loc="left", fontsize="medium")
    for unused in panels[len(info.maps) :]:
        unused.set_visible(False)
    if norm is not None:
        figure.colorbar(image, ax=panels[: len(info.maps)], label=style.typeset(info.metric))
    style.sign(figure, info)
    return figure


def _norm(info: HeatmapInfo) -> Normalize | None:
    """One scale of colours for all maps; None where nothing is finite."""
    every = np.concatenate([np.ravel(np.array(one.values, dtype=float)) for one in info.maps])
    shown = style.drawable(every, logarithmic=info.logarithmic)
    finite = shown[np.isfinite(shown)]
    if not len(finite):
        return None
    low, high = float(finite.min()), float(finite.max())
    return (LogNorm if info.logarithmic else Normalize)(
        low, high if high > low else low + abs(low) + style.SMALLEST
    )


def _mark(axes: Axes, one: Grid) -> None:
    states = np.array(one.states)
    for state, marker in MARKS.items():
        rows, columns = np.nonzero(states == state)
        if len(rows):
            axes.scatter(columns, rows, marker=marker, s=18, color=style.BASELINE, label=state)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(MARKS), fontsize="small"
        )


def _tick(axes: Axes, which: str, values: Sequence[Any]) -> None:
    shown = range(0, len(values), max(1, -(-len(values) // MOST_TICKS)))
    set_ticks = axes.set_xticks if which == "x" else axes.set_yticks
    labels = [
        f"{values[i]:.3g}" if isinstance(values[i], float) else brief(values[i])[:20] for i in shown
    ]
    ticks = set_ticks(shown, labels, parse_math=False)
    if which == "x" and max(map(len, labels)) > 4:
        for tick in axes.get_xticklabels() if ticks else ():
            tick.set(rotation=45, ha="right")
