"""Draws heat maps: cells as wide as their values are apart, marked where a number would mislead."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from core.figures.coordinates import LOG_RATIO, is_number, scale
from core.figures.drawing import style
from core.figures.drawing.characters import direction, typeset
from core.figures.drawing.plot import TOO_LARGE, Colours, Map
from core.figures.drawing.text import cut
from core.figures.drawing.ticks import MAX_TICKS, EndsLocator, powers_of_ten, short_number
from core.figures.info import NotDrawable
from core.labels import value_texts
from core.look import DIVERGING, Look

MARKERS = {
    "failed": "x",
    "cancelled": "_",
    "queued": ".",
    "running": ">",
    "paused": "|",
    "diverged": "^",
    "undefined": "d",
    TOO_LARGE: "+",
}
"""The marker of a cell without a finite number, by state; a cell without an experiment is blank."""

EDGES = (("white", 1.6), ("black", 0.9))
"""Colours and widths of the line at the threshold, from back to front: seen on any colour."""

HATCH = "////"
"""The hatching of a cell in which at most half of the seeds fit."""

MAX_LABEL = 20
"""Longest label of a value that is no number, in characters."""

LONG_LABEL = 4
"""Longer labels of columns are rotated."""

BAR_WIDTH = 0.16
"""The width of the colour bar in inches."""

BAR_GAP = 0.18
"""Its distance to the maps."""

_EMPTY = "#EBEBEB"
"""The colour of a cell without a finite number."""


def draw_maps(
    figure: Figure, all_axes: Sequence[Axes], maps: Sequence[Map], colours: Colours, look: Look
) -> Axes | None:
    """Draws grids with one colour scale; cells without a finite value are grey, and marked.

    Returns:
        The axes of the colour bar; None if no value is finite.
    """
    if look.cmap in DIVERGING and colours.threshold is None:
        raise NotDrawable(
            f"cmap={look.cmap} diverges from a threshold, and this metric has none: use viridis"
        )
    norm = _norm(maps, colours, look)
    mesh = None
    for axes, grid in zip(all_axes, maps, strict=True):
        x, y = _Coordinates(grid.columns), _Coordinates(grid.rows)
        values = style.plottable(grid.values, logarithmic=colours.scale == "log")
        if norm is not None:
            mesh = axes.pcolormesh(
                x.edges, y.edges, np.ma.masked_invalid(values), norm=norm, cmap=_colour_map(look)
            )
        _fill_without_number(axes, grid, x, y)
        _hatch(axes, grid, x, y, look)
        _mark_states(axes, grid, x, y, look)
        if colours.threshold is not None:
            _draw_threshold(axes, grid, (x, y), colours.threshold, look)
        axes.set_xlim(x.edges[0], x.edges[-1])
        axes.set_ylim(y.edges[0], y.edges[-1])
        for name, coordinates, limits in (("x", x, look.xlim), ("y", y, look.ylim)):
            if limits is not None and coordinates.numbers is None:
                raise NotDrawable(f"{name}lim needs numbers on the {name}-axis: leave it out")
        x.set_ticks(axes.xaxis)
        y.set_ticks(axes.yaxis)
        axes.grid(visible=False)
    if mesh is None or norm is None:
        return None
    bar = figure.add_axes((0.9, 0.1, 0.02, 0.8), label="<colorbar>")  # as matplotlib names its own
    figure.colorbar(mesh, cax=bar)
    if colours.scale == "log":
        powers_of_ten(bar.yaxis)
    threshold = colours.threshold
    if threshold is not None and norm.vmin < threshold < norm.vmax:  # type: ignore[operator]  # set
        for colour, width in EDGES:
            bar.axhline(threshold, color=colour, lw=width * style.weight(look))
    return bar


def notes_of_maps(maps: Sequence[Map], colours: Colours) -> str:
    """Notes on values that have another value's colour; "" if there are none."""
    values = np.concatenate([np.ravel(grid.values) for grid in maps])
    shown = values[np.abs(values) <= style.LARGEST]
    return "; ".join(style.limits_exceeded(shown, logarithmic=colours.scale == "log"))


def state_handles(grid: Map, look: Look) -> dict[str, Artist]:
    """The legend's entries of the states in a grid."""
    present = [state for state in MARKERS if (grid.states == state).any()]
    size = style.marker_size(style.MARKER, look)
    return {
        state: Line2D([], [], ls="none", marker=MARKERS[state], ms=size, color=style.BASELINE)
        for state in present
    }


def hatched_handle() -> Artist:
    """The legend's handle of hatched cells."""
    return Patch(facecolor="white", edgecolor="#555555", hatch=HATCH, lw=0.4)


class _Coordinates:
    """The places of cells on one axis: numbers where they lie, other values side by side."""

    def __init__(self, values: Sequence[object]) -> None:
        self.values = list(values)
        numbers = [float(value) for value in values if is_number(value)]
        is_numeric = len(numbers) == len(values) > 1
        self.numbers = np.array(numbers) if is_numeric else None
        self.is_log = is_numeric and scale(numbers, LOG_RATIO) == "log"
        self.centres = np.arange(len(values), dtype=float) if self.numbers is None else self.numbers
        self.edges = self._edges()

    def _edges(self) -> np.ndarray:
        """The edges of cells: halfway between their neighbours, on the axis's own scale."""
        places = np.log(self.centres) if self.is_log else self.centres
        if len(places) == 1:
            return np.array([places[0] - 0.5, places[0] + 0.5])
        middles = (places[1:] + places[:-1]) / 2
        edges = np.concatenate(
            [[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]]
        )
        return np.exp(edges) if self.is_log else edges

    def set_ticks(self, axis: Axis) -> None:
        """Puts ticks at round numbers and at both ends, or at values that aren't numbers."""
        if self.numbers is not None:
            if self.is_log:
                scale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
                scale("log")
            axis.set_major_locator(EndsLocator(self.numbers, logarithmic=self.is_log))
            axis.set_major_formatter(
                FuncFormatter(lambda value, _: short_number(value, power=self.is_log))
            )
            axis.set_minor_locator(NullLocator())
            return
        places = range(0, len(self.values), max(1, -(-len(self.values) // MAX_TICKS)))
        texts = value_texts([self.values[place] for place in places])
        cuts = [cut(text, lambda start: len(start) <= MAX_LABEL) for text in texts]
        labels = [direction(text) + typeset(start) for text, start in zip(texts, cuts, strict=True)]
        axis.set_major_locator(FixedLocator(list(places)))
        axis.set_ticklabels(labels)
        if isinstance(axis, XAxis) and max(map(len, labels)) > LONG_LABEL:
            for label in axis.get_ticklabels():
                label.set(rotation=45, ha="right", rotation_mode="anchor")


def _norm(maps: Sequence[Map], colours: Colours, look: Look) -> Normalize | None:
    """The colour scale of all grids; None if no value is finite."""
    is_log = colours.scale == "log"
    values = np.concatenate([np.ravel(grid.values) for grid in maps])
    shown = style.plottable(values, logarithmic=is_log)
    finite = shown[np.isfinite(shown)]
    if not len(finite):
        return None
    low, high = float(finite.min()), float(finite.max())
    if look.cmap in DIVERGING and colours.threshold is not None:
        low, high = _around(colours.threshold, low, high, is_log=is_log)
    if high <= low:
        low, high = (low / 10, low * 10) if is_log else (low - abs(low) / 2, low + abs(low) / 2)
    if high <= low:
        high = low + 1.0
    return LogNorm(low, high) if is_log else Normalize(low, high)


def _around(middle: float, low: float, high: float, *, is_log: bool) -> tuple[float, float]:
    """Limits as far below ``middle`` as above it, which hold ``low`` and ``high``."""
    if is_log:
        ratio = max(high / middle, middle / low, 10.0)
        return middle / ratio, middle * ratio
    reach = max(high - middle, middle - low)
    return middle - reach, middle + reach


def _colour_map(look: Look) -> Colormap:
    """Large numbers are dark, or red in a diverging map."""
    return mpl.colormaps[f"{look.cmap}_r"]


def _cells(mask: np.ndarray, x: _Coordinates, y: _Coordinates) -> list[np.ndarray]:
    """The corners of each cell of a mask."""
    return [
        np.array(
            [
                [x.edges[j], y.edges[i]],
                [x.edges[j + 1], y.edges[i]],
                [x.edges[j + 1], y.edges[i + 1]],
                [x.edges[j], y.edges[i + 1]],
            ]
        )
        for i, j in zip(*np.nonzero(mask), strict=True)
    ]


def _fill_without_number(axes: Axes, grid: Map, x: _Coordinates, y: _Coordinates) -> None:
    """Cells that have an experiment but no finite number are grey."""
    mask = (grid.states != "") & ~(np.abs(grid.values) <= style.LARGEST)
    axes.add_collection(PolyCollection(_cells(mask, x, y), facecolors=_EMPTY, edgecolors="none"))


def _hatch(axes: Axes, grid: Map, x: _Coordinates, y: _Coordinates, look: Look) -> None:
    """Hatches the cells in which at most half of the seeds fit."""
    if not grid.hollow.any():
        return
    cells = _cells(grid.hollow, x, y)
    for colour, width in (("black", 1.0), ("white", 0.5)):  # seen on any colour
        with mpl.rc_context({"hatch.linewidth": width * style.weight(look)}):
            axes.add_collection(
                PolyCollection(
                    cells, facecolors="none", edgecolors=colour, linewidths=0.0, hatch=HATCH
                )
            )


def _mark_states(axes: Axes, grid: Map, x: _Coordinates, y: _Coordinates, look: Look) -> None:
    size = style.marker_size(style.MARKER, look)
    for state, marker in MARKERS.items():
        rows, columns = np.nonzero(grid.states == state)
        if len(rows):
            axes.plot(
                x.centres[columns], y.centres[rows], marker, ms=size, color=style.BASELINE, ls=""
            )


def _draw_threshold(
    axes: Axes, grid: Map, cells: tuple["_Coordinates", "_Coordinates"], at: float, look: Look
) -> None:
    """Draws the edges between cells below the threshold and cells at or above it."""
    x, y = cells
    across_x, across_y = grid.edges_at(at)
    segments = [
        [(x.edges[j + 1], y.edges[i]), (x.edges[j + 1], y.edges[i + 1])]
        for i, j in zip(*np.nonzero(across_x), strict=True)
    ] + [
        [(x.edges[j], y.edges[i + 1]), (x.edges[j + 1], y.edges[i + 1])]
        for i, j in zip(*np.nonzero(across_y), strict=True)
    ]
    for colour, width in EDGES:
        axes.add_collection(
            LineCollection(segments, colors=colour, linewidths=width * style.weight(look))
        )
