"""What is drawn: traces in plots, and plots in a drawing. No data of their own, and no matplotlib.

Each kind of figure turns its data into a :class:`Drawing`, and :mod:`core.figures.drawing.figure`
draws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from core.figures.drawing import style
from core.panels import Mark

HOLLOW = "hollow: at most half of the seeds fit"
TOO_LARGE = f"above {style.LARGEST:g}"
"""The state of a cell whose number can't be drawn."""

HOLLOW_RUN = "hollow: the seed does not fit"

DIVERGED = "diverged"
"""Why values are infinite if they come from runs that diverged."""

Scale = Literal["linear", "log", "from_zero"]
"""``from_zero`` is logarithmic, with a zero at its start."""


@dataclass(frozen=True)
class Trace:
    """A line, points or stems, with an optional band.

    Attributes:
        x: Places on the horizontal axis.
        y: Values there. If the trace has markers, an infinite value has one at the upper edge.
        label: Its entry in the legend; traces with the same label share one.
        colour: Its colour.
        dash: The line's style; "" for points alone.
        marker: The marker of each point; "" for none.
        size: Sizes of the markers in points, one for all or one for each.
        hollow: For each point, or for all, whether most seeds did not fit.
        lower: The lower edge of a band; empty for none.
        upper: The upper edge.
        band_opacity: The band's opacity.
        weight: The line's width, as a multiple of the look's.
        opacity: From 0 to 1.
        outlined: Whether markers are filled lightly, so that those below are seen.
        stems: Whether a stem joins each point and zero.
        infinite: Why values are infinite, for the legend.
    """

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    colour: str = "#000000"
    dash: str = "-"
    marker: str = ""
    size: float | Sequence[float] = style.MARKER
    hollow: bool | Sequence[bool] = False
    lower: ArrayLike = ()
    upper: ArrayLike = ()
    band_opacity: float = 0.18
    weight: float = 1.0
    opacity: float = 1.0
    outlined: bool = False
    stems: bool = False
    infinite: str = "infinite"

    @property
    def is_hollow(self) -> np.ndarray:
        """For each point, whether it is drawn hollow."""
        return np.broadcast_to(np.asarray(self.hollow, bool), np.shape(self.x))

    @property
    def is_marked_infinite(self) -> np.ndarray:
        """For each point, whether a triangle at the upper edge stands for it."""
        return (np.asarray(self.y, float) == np.inf) & (bool(self.marker) and not self.stems)


@dataclass(frozen=True)
class Span:
    """A thick horizontal segment behind the traces."""

    start: float
    end: float
    at: float
    label: str = ""


@dataclass(frozen=True)
class Plot:
    """One pair of axes.

    Attributes:
        x: The label of the horizontal axis.
        y: The label of the vertical axis.
        traces: The traces, from back to front.
        title: What distinguishes the plot from the others of its figure.
        x_scale: The scale of the horizontal axis.
        y_scale: ``linear``, or ``log``: then zero and less lie at the lower edge.
        levels: Horizontal lines.
        limits: Vertical lines.
        spans: Thick segments.
        y_limits: The visible range of y; None shows everything.
        zero: Whether a line lies at zero.
        circle: Whether this is a complex plane, with the unit circle.
        notes: What else a reader has to know, in small print below.
        empty: The words in the middle of a plot that has nothing to show.
    """

    x: str
    y: str
    traces: Sequence[Trace] = ()
    title: str = ""
    x_scale: Scale = "linear"
    y_scale: Literal["linear", "log"] = "linear"
    levels: Sequence[Mark] = ()
    limits: Sequence[Mark] = ()
    spans: Sequence[Span] = ()
    y_limits: tuple[float, float] | None = None
    zero: bool = False
    circle: bool = False
    notes: Sequence[str] = ()
    empty: str = ""

    @property
    def has_hollow(self) -> bool:
        """Whether a mark is hollow."""
        return any(
            (trace.is_hollow & np.isfinite(style.plottable(trace.y))).any() for trace in self.traces
        )

    def absence(self, trace: Trace) -> str:
        """Why no point of a trace can be seen; "" if one can, or if it has none."""
        y, shown = np.asarray(trace.y, float), style.plottable(trace.y)
        finite = shown[np.isfinite(shown)]
        if not y.size or trace.is_marked_infinite.any():
            return ""
        if finite.size:
            low, high = self.y_limits or (-np.inf, np.inf)
            return "" if ((finite >= low) & (finite <= high)).any() else "outside"
        if np.isnan(y).all():
            return "undefined, not drawn"
        return "infinite, not drawn" if np.isinf(y).any() else f"{TOO_LARGE}, not drawn"

    def is_drawn(self, trace: Trace) -> bool:
        """Whether anything of a trace can be seen."""
        return not self.absence(trace) and np.size(trace.x) > 0

    @property
    def is_empty(self) -> bool:
        """Whether there are traces, but none of them has points."""
        return bool(self.traces) and not any(np.size(trace.x) for trace in self.traces)


def limits_around(values: Sequence[float], margin: float = 0.3) -> tuple[float, float] | None:
    """The ``y_limits`` of a plot around the given values and zero, ignoring what can't be shown."""
    shown = style.plottable(values)
    finite = [0.0, *shown[np.isfinite(shown)]]
    low, high = min(finite), max(finite)
    return (low - margin * (high - low), high + margin * (high - low)) if high > low else None


@dataclass(frozen=True)
class Map:
    """One grid of coloured cells, of a heat map.

    Attributes:
        x: The label of the horizontal axis.
        y: The label of the vertical axis.
        columns: The coordinates on x.
        rows: The coordinates on y.
        values: (rows, columns); not finite where a cell has no number.
        states: (rows, columns) the state of each cell; "" for a cell without an experiment.
        hollow: (rows, columns) whether at most half of the seeds fit.
        title: What distinguishes the grid from the others of its figure.
    """

    x: str
    y: str
    columns: Sequence[object]
    rows: Sequence[object]
    values: np.ndarray
    states: np.ndarray
    hollow: np.ndarray
    title: str = ""

    @property
    def has_hollow(self) -> bool:
        """Whether a cell is hatched."""
        return bool(self.hollow.any())

    def edges_at(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Where the values cross a threshold, as :func:`crossings` finds it."""
        return crossings(self.values, threshold)


def crossings(values: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Where neighbours in a grid lie on both sides of a threshold; NaN lies on neither.

    Args:
        values: (rows, columns).
        threshold: A value at the threshold lies above it.

    Returns:
        (rows, columns - 1) for neighbours in a row, and (rows - 1, columns) in a column.

    Example:
        >>> across, up = crossings(np.array([[0.1, 1.0], [np.nan, 2.0]]), 1.0)
        >>> across.tolist(), up.tolist()
        ([[True], [False]], [[False, False]])
    """
    known, above = ~np.isnan(values), values >= threshold
    return (
        (above[:, 1:] != above[:, :-1]) & known[:, 1:] & known[:, :-1],
        (above[1:] != above[:-1]) & known[1:] & known[:-1],
    )


@dataclass(frozen=True)
class Colours:
    """The colours of all maps of a figure.

    Attributes:
        label: What they show.
        scale: Their scale.
        threshold: The natural threshold of the metric; None if it has none.
    """

    label: str
    scale: Literal["linear", "log"]
    threshold: float | None = None


@dataclass(frozen=True)
class Drawing:
    """The plots, or maps, of a figure, row by row.

    Attributes:
        plots: The plots or maps.
        columns: Their number in a row.
        legend: ``shared``: one for all plots; ``each``: one for each plot.
        row_height: The height of a row in inches on a screen.
        column_width: The width of a column in inches on a screen.
        same_y: Whether all plots have the same range of y.
        suffix: Words that follow the title.
        hollow: What it means that a mark is hollow.
        colours: The colours of maps; None for plots.
    """

    plots: Sequence[Plot] | Sequence[Map]
    columns: int = 1
    legend: Literal["shared", "each"] = "shared"
    row_height: float = 4.4
    column_width: float = 6.4
    same_y: bool = False
    suffix: str = ""
    hollow: str = HOLLOW
    colours: Colours | None = None
