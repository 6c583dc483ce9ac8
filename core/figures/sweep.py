"""Figures of a sweep: a metric against one axis, a line per value of another; and a heat map over two axes."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from core.figures import style
from core.figures.info import Info
from core.panels import Line, Panel, Scale
from core.result import METRICS
from core.spec.sweep import brief

MOST_TICKS = 12
WIDE = 50.0
"""Positive coordinates whose largest is so many times the smallest lie on a logarithmic axis."""

MARKS = {"failed": "x", "cancelled": "_", "queued": ".", "running": ".", "paused": ".", "diverged": "^"}
"""How a cell without a finite number is marked; one without an experiment is left blank."""


@dataclass(frozen=True)
class Cell:
    """One experiment of a sweep.

    Attributes:
        x: Its coordinate on the first axis.
        series: Its coordinate on the second; None where there is none.
        state: Of the experiment.
        values: The metric of each seed, if it is completed; infinite for a diverged seed.
    """

    x: Any
    series: Any
    state: str
    values: tuple[float, ...] = ()


class LinesInfo(Info):
    """Median and quartiles over seeds against one axis.

    Attributes:
        panel: One line per value of the other axis.
    """

    panel: Panel


class HeatmapInfo(Info):
    """The median over seeds on two axes.

    Attributes:
        x: The path of the horizontal axis.
        y: The path of the vertical axis.
        metric: What the colour shows, in words.
        columns: The coordinates on x.
        rows: The coordinates on y.
        medians: By row and column; NaN where there is no completed experiment.
        states: By row and column: ``completed``, ``diverged`` (the median seed), or the state of what is not
            completed; "" where there is no experiment.
    """

    x: str
    y: str
    metric: str
    columns: list[Any]
    rows: list[Any]
    medians: list[list[float]]
    states: list[list[str]]


def lines(title: str, source: str, cells: Sequence[Cell], *, x: str, y: str, series: str | None) -> LinesInfo:
    """The lines of metric ``y`` against the numbers on axis ``x``; seeds of experiments at one place are pooled."""
    found = []
    for value in _ordered([cell.series for cell in cells]):
        label = "" if series is None else f"{_last(series)} = {brief(value)}"
        found.append(_line(label, [cell for cell in cells if _key(cell.series) == _key(value)]))
    xs = [at for line in found for at in line.x]
    values = [at for line in found for at in line.y]
    panel = Panel(
        x=_label(x),
        y=f"{METRICS[y]}\nmedian and quartiles over seeds",
        lines=found,
        x_scale=_scale(xs, WIDE),
        y_scale=_scale([v for v in values if v != 0], 1.0),
    )
    return LinesInfo(title=title, source=source, panel=panel)


def heatmap(title: str, source: str, cells: Sequence[Cell], *, x: str, y: str, series: str | None) -> HeatmapInfo:
    """The grid of metric ``y`` over the axes ``x`` and ``series``; seeds of experiments at one place are pooled."""
    columns, rows = _ordered([cell.x for cell in cells]), _ordered([cell.series for cell in cells])
    column = {_key(value): i for i, value in enumerate(columns)}
    row = {_key(value): i for i, value in enumerate(rows)}
    pooled: dict[tuple[int, int], list[Cell]] = {}
    for cell in cells:
        pooled.setdefault((row[_key(cell.series)], column[_key(cell.x)]), []).append(cell)
    medians = [[math.nan] * len(columns) for _ in rows]
    states = [[""] * len(columns) for _ in rows]
    for (i, j), here in pooled.items():
        values = [value for cell in here for value in cell.values]
        states[i][j] = here[0].state
        if values:
            medians[i][j] = float(np.median(values))
            states[i][j] = "diverged" if medians[i][j] == math.inf else "completed"
    return HeatmapInfo(
        title=title,
        source=source,
        x=_label(x),
        y=_label(series or ""),
        metric=f"{METRICS[y]}, median over seeds",
        columns=columns,
        rows=rows,
        medians=medians,
        states=states,
    )


@style.inked
def draw_lines(info: LinesInfo) -> Figure:
    """One pair of axes; colours follow the order of the other axis."""
    panel = info.panel
    figure, (axes,) = style.panels(1, 1)
    logarithmic = panel.y_scale == "log"
    colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(panel.lines)))
    for i, (line, colour) in enumerate(zip(panel.lines, colours, strict=True)):
        x = style.drawable(line.x)
        y, lower, upper = (style.drawable(part, logarithmic=logarithmic) for part in (line.y, line.lower, line.upper))
        axes.plot(x, y, marker=style.MARKERS[i % len(style.MARKERS)], ms=4, lw=1.4, color=colour, label=line.label)
        axes.fill_between(x, lower, upper, color=colour, alpha=0.18)
    axes.set_xscale(panel.x_scale)
    if logarithmic:
        style.logarithmic_y(axes)
    axes.set(xlabel=panel.x, ylabel=panel.y)
    if any(line.label for line in panel.lines):
        for text in axes.legend(loc="best", fontsize="small").get_texts():
            text.set_parse_math(False)  # a coordinate may be any text
    style.sign(figure, info.title, info.source)
    return figure


@style.inked
def draw_heatmap(info: HeatmapInfo) -> Figure:
    """Equal cells, coloured by the median; what has no finite one is white, and marked where there is an experiment."""
    figure, (axes,) = style.panels(1, 1)
    medians = np.array(info.medians, dtype=float)
    finite = medians[np.isfinite(medians)]
    logarithmic = _scale([v for v in finite.tolist() if v != 0], 1.0) == "log"
    norm: Normalize | None = None
    if len(finite):
        low, high = (float(edge) for edge in style.drawable([finite.min(), finite.max()], logarithmic=logarithmic))
        norm = (LogNorm if logarithmic else Normalize)(low, high if high > low else low + abs(low) + style.SMALLEST)
    image = axes.imshow(
        style.drawable(medians, logarithmic=logarithmic), norm=norm, aspect="auto", interpolation="nearest",
        origin="lower", cmap="viridis",
    )  # fmt: skip
    if norm is not None:
        figure.colorbar(image, ax=axes, label=info.metric)
    _mark(axes, info)
    _tick(axes, "x", info.columns)
    _tick(axes, "y", info.rows)
    axes.grid(visible=False)
    axes.set(xlabel=info.x, ylabel=info.y)
    style.sign(figure, info.title, info.source)
    return figure


def _mark(axes: Axes, info: HeatmapInfo) -> None:
    states = np.array(info.states)
    for state, marker in MARKS.items():
        rows, columns = np.nonzero(states == state)
        if len(rows):
            axes.scatter(columns, rows, marker=marker, s=18, color=style.BASELINE, label=state)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(MARKS), fontsize="small")


def _tick(axes: Axes, which: str, values: Sequence[Any]) -> None:
    shown = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_TICKS)).round().astype(int))
    set_ticks = axes.set_xticks if which == "x" else axes.set_yticks
    labels = [f"{values[i]:.3g}" if isinstance(values[i], float) else brief(values[i])[:20] for i in shown]
    ticks = set_ticks(shown, labels, parse_math=False)
    if which == "x" and max(map(len, labels)) > 4:
        for tick in axes.get_xticklabels() if ticks else ():
            tick.set(rotation=45, ha="right")


def _line(label: str, cells: Sequence[Cell]) -> Line:
    pooled: dict[float, list[float]] = {}
    for cell in cells:
        if cell.values:
            pooled.setdefault(float(cell.x), []).extend(cell.values)
    xs = sorted(pooled)
    medians = [float(np.median(pooled[x])) for x in xs]
    lower, upper = (
        [float(np.quantile(pooled[x], share, method="nearest")) for x in xs] for share in (0.25, 0.75)
    )  # nearest rank: a diverged seed, whose value is infinite, stays one value
    return Line(label=label, x=xs, y=medians, lower=lower, upper=upper)


def _ordered(values: Sequence[Any]) -> list[Any]:
    """The different values: numbers by size, others as they come."""
    unique = list({_key(value): value for value in values}.values())
    return sorted(unique) if all(is_number(value) for value in unique) else unique


def is_number(value: Any) -> bool:
    """Whether a coordinate has a place on a numeric axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(value: Any) -> str:
    return repr(float(value)) if is_number(value) else json.dumps(value, sort_keys=True)


def _scale(values: Sequence[float], wide: float) -> Scale:
    """Logarithmic where all that is finite is positive and spans at least a factor of ``wide``."""
    finite = [value for value in values if math.isfinite(value)]
    return "log" if finite and min(finite) > 0 and max(finite) >= wide * min(finite) else "linear"


def _last(path: str) -> str:
    return path.rpartition(".")[2]


_SYMBOLS = {"training.length": "training length k", "student.dim": "student dimension d"}


def _label(path: str) -> str:
    return _SYMBOLS.get(path, path)
