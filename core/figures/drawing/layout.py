"""Where axes lie: a grid with as much space between its cells as their labels take.

Matplotlib's constrained layout does this too, at about twice the cost, and places legends and
titles over each other; here the space of each is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

GAP = 0.1
"""Distance in inches between the labels of neighbouring axes."""

EDGE = 0.06
"""Least distance in inches of anything to the figure's edge."""

SMALLEST = 0.4
"""Smallest side of axes in inches."""


@dataclass(frozen=True)
class Area:
    """The part of a figure that is left for axes, in inches from its lower left corner."""

    left: float
    bottom: float
    right: float
    top: float


def lay_out(
    figure: Figure, all_axes: Sequence[Axes], columns: int, area: Area, renderer: RendererBase
) -> tuple[float, float]:
    """Places axes row by row, all equally large, so that they and their labels fill the area.

    Args:
        figure: The figure.
        all_axes: The axes.
        columns: Their number in a row.
        area: Where they and their labels may lie.
        renderer: Measures the labels.

    Returns:
        How many inches of width and of height are missing for axes of :data:`SMALLEST` inches.
    """
    rows = -(-len(all_axes) // columns)
    margins = np.zeros((rows, columns, 4))
    for number, axes in enumerate(all_axes):
        margins[number // columns, number % columns] = _margins(axes, renderer) / figure.dpi
    left, right = margins[..., 0].max(axis=0), margins[..., 1].max(axis=0)
    below, above = margins[..., 2].max(axis=1), margins[..., 3].max(axis=1)
    free_x = area.right - area.left - left.sum() - right.sum() - GAP * (columns - 1)
    free_y = area.top - area.bottom - below.sum() - above.sum() - GAP * (rows - 1)
    width, height = max(free_x / columns, SMALLEST), max(free_y / rows, SMALLEST)
    x = area.left + np.cumsum(left) + np.concatenate([[0], np.cumsum(right)[:-1]])
    x += (width + GAP) * np.arange(columns)
    y = area.top - np.cumsum(above) - np.concatenate([[0], np.cumsum(below)[:-1]])
    y -= height * np.arange(1, rows + 1) + GAP * np.arange(rows)
    figure_width, figure_height = figure.get_size_inches()
    for number, axes in enumerate(all_axes):
        axes.set_position(
            (
                x[number % columns] / figure_width,
                y[number // columns] / figure_height,
                width / figure_width,
                height / figure_height,
            )
        )
    return columns * max(SMALLEST - free_x / columns, 0), rows * max(SMALLEST - free_y / rows, 0)


def _margins(axes: Axes, renderer: RendererBase) -> np.ndarray:
    """How far labels reach beyond the axes: left, right, below and above, in pixels."""
    frame = axes.get_window_extent(renderer)
    tight = axes.get_tightbbox(renderer, for_layout_only=True)
    if tight is None:
        return np.zeros(4)
    beyond = [frame.x0 - tight.x0, tight.x1 - frame.x1, frame.y0 - tight.y0, tight.y1 - frame.y1]
    return np.maximum(beyond, 0.0)
