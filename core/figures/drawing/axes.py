"""Draws one plot: traces, marks, scales and labels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle
from matplotlib.transforms import offset_copy

from core.figures.drawing import style
from core.figures.drawing.plot import Plot, Trace
from core.figures.drawing.ticks import IntegerLocator, decades_from_zero, powers_of_ten
from core.labels import how_many
from core.look import Look

NOTHING = "nothing to show yet"
"""The words in the middle of axes without data."""

MAX_LISTED = 3
"""Most traces that a note lists; more are counted."""

NARROWEST = 4.0
"""The least ratio of the ends of a logarithmic axis, so that its ticks have round labels."""

HOLLOW_EVERY = 0.12
"""Distance of the hollow markers along a line of many points, as a fraction of the axes."""


def draw_plot(axes: Axes, plot: Plot, look: Look) -> None:
    """Draws a plot into a pair of axes; the legend and the title are placed later."""
    logarithmic = plot.y_scale == "log"
    weight = style.weight(look)
    _draw_spans(axes, plot, look)
    if plot.zero and not plot.is_empty:
        axes.axhline(0, color=style.BASELINE, lw=0.6 * weight)
    if plot.circle:
        axes.add_patch(Circle((0, 0), 1, fill=False, ec=style.BASELINE, ls=":", lw=0.7 * weight))
        axes.axvline(0, color=style.BASELINE, lw=0.4 * weight)
    for trace in plot.traces:
        if plot.is_drawn(trace):
            _draw_trace(axes, _within(trace, plot), look, logarithmic=logarithmic)
    _mark_infinite(axes, plot.traces, look)
    if not plot.is_empty:
        _draw_marks(axes, plot, look)
    _scale_x(axes, plot)
    _scale_y(axes, plot)
    words = plot.empty or (NOTHING if plot.is_empty else "")
    if words:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", color=style.BASELINE)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            powers_of_ten(axis)


def _within(trace: Trace, plot: Plot) -> Trace:
    """The trace without what lies far outside the limits: the way there would cross the axes."""
    if plot.y_limits is None or plot.y_scale == "log":
        return trace
    low, high = plot.y_limits
    y, margin = np.asarray(trace.y, float), high - low
    return replace(trace, y=np.where((y > low - margin) & (y < high + margin), y, np.nan))


def _draw_spans(axes: Axes, plot: Plot, look: Look) -> None:
    for span in plot.spans:
        level = float(style.plottable(span.at, logarithmic=plot.y_scale == "log"))
        if np.isnan(level):
            continue
        axes.hlines(
            level,
            span.start,
            span.end,
            color=style.BASELINE,
            alpha=0.35,
            lw=3.6 * style.weight(look),
            label=span.label,
        )


def _draw_marks(axes: Axes, plot: Plot, look: Look) -> None:
    """Draws the levels and limits that have a place on their axis."""
    options: dict[str, Any] = {"color": style.BASELINE, "lw": 0.7 * style.weight(look)}
    for mark in plot.levels:
        level = float(style.plottable(mark.at, logarithmic=plot.y_scale == "log"))
        axes.axhline(level, ls="--", label=mark.label, **options)
    limits = [mark for mark in plot.limits if mark.at > 0 or plot.x_scale != "log"]
    shared = ", ".join(dict.fromkeys(mark.label for mark in limits if mark.label))
    for number, mark in enumerate(limits):
        label = "" if number else shared  # they look alike
        axes.axvline(mark.at, ls=":", label=label, **options)


def notes(plot: Plot) -> str:
    """Notes on what is left out of a plot, or moved; "" if nothing is."""
    drawn = [trace for trace in plot.traces if plot.is_drawn(trace)]
    shown = np.concatenate([np.empty(0), *(np.ravel(np.asarray(t.y, float)) for t in drawn)])
    parts = style.limits_exceeded(shown, logarithmic=plot.y_scale == "log")
    if plot.y_limits is not None:
        low, high = plot.y_limits
        is_outside = ((shown < low) | (shown > high)) & (np.abs(shown) <= style.LARGEST)
        parts += ["lines go on outside"] if is_outside.any() else []
    absent: dict[str, list[str]] = {}
    for trace in plot.traces:
        if why := plot.absence(trace):
            absent.setdefault(why, []).append(trace.label)
    parts += [f"{_listed(labels)} {why}" for why, labels in absent.items()]
    return "; ".join([*parts, *plot.notes])


def _listed(labels: Sequence[str]) -> str:
    """Traces by their labels, or counted if they have none."""
    distinct = list(dict.fromkeys(labels))
    if not all(distinct) or len(distinct) > MAX_LISTED:
        return how_many(len(labels), "line")
    return ", ".join(distinct)


def _draw_trace(axes: Axes, trace: Trace, look: Look, *, logarithmic: bool) -> None:
    weight = style.weight(look)
    x = np.asarray(trace.x, float)
    y = style.plottable(trace.y, logarithmic=logarithmic)
    common: dict[str, Any] = {"color": trace.colour, "alpha": trace.opacity}
    if np.size(trace.lower):
        _shade(axes, trace, logarithmic=logarithmic)
    if trace.stems:
        axes.vlines(x, 0, y, lw=0.6 * weight, **common | {"alpha": 0.6 * trace.opacity})
    if trace.marker:
        _draw_points(axes, trace, y, look)
        return
    options: dict[str, Any] = {}
    if trace.is_hollow.all() and np.isfinite(y).any():
        options = {"marker": "o", "mfc": style.BACKGROUND, "markevery": HOLLOW_EVERY}
        options["ms"] = style.marker_size(style.MARKER, look)
    elif len(x) == 1:
        options["marker"] = "."
    axes.plot(x, y, ls=trace.dash, lw=trace.weight * weight, label=trace.label, **common, **options)


def _draw_points(axes: Axes, trace: Trace, y: np.ndarray, look: Look) -> None:
    """Draws the markers of a trace, and the line that joins them."""
    x, hollow = np.asarray(trace.x, float), trace.is_hollow
    size = np.broadcast_to(np.asarray(trace.size, float) * style.marker_size(1.0, look), x.shape)
    shade = to_rgba(trace.colour, 0.3 if trace.outlined else trace.opacity)
    face: Any = style.BACKGROUND if len(x) and hollow.all() else shade
    if trace.outlined and len(x) and hollow.all():
        face = "none"
    weight = style.weight(look)
    common: dict[str, Any] = {"color": trace.colour, "alpha": trace.opacity}
    line: dict[str, Any] = {"ls": trace.dash or "none", "lw": trace.weight * weight}
    points: dict[str, Any] = {
        "marker": trace.marker,
        "ms": float(size[0]) if len(x) and not np.ptp(size) else style.marker_size(5.0, look),
        "mfc": face,
    }
    if len(x) == 0 or (np.ptp(size) == 0 and (hollow.all() or not hollow.any())):
        axes.plot(x, y, label=trace.label, **common, **line, **points)
        return
    axes.plot(x, y, **common, **line)
    axes.plot([], [], label=trace.label, **common, **line, **points)
    empty = to_rgba(style.BACKGROUND, 0.0 if trace.outlined else 1.0)
    colours: dict[str, Any] = {
        "c": [empty if is_hollow else shade for is_hollow in hollow],
        "ec": to_rgba(trace.colour, trace.opacity),
    }
    if trace.marker == "x":
        colours = {"c": trace.colour, "alpha": trace.opacity}
    axes.scatter(
        x,
        y,
        s=size**2,
        marker=trace.marker,
        linewidths=0.7 * weight,
        zorder=2.5,
        **colours,
    )


def _shade(axes: Axes, trace: Trace, *, logarithmic: bool) -> None:
    """Shades the band of a trace; where it reaches infinity, up to the edge of the axes."""
    x = np.asarray(trace.x, float)
    lower = style.plottable(trace.lower, logarithmic=logarithmic)
    upper = style.plottable(trace.upper, logarithmic=logarithmic)
    for edge in (lower, upper):
        known = np.isfinite(edge)
        axes.update_datalim(np.column_stack([x[known], edge[known]]))
    upper = np.where(np.asarray(trace.upper, float) > style.LARGEST, style.LARGEST, upper)
    lower, upper = (np.ma.masked_invalid(edge) for edge in (lower, upper))
    band = FillBetweenPolyCollection(
        "x", x, lower, upper, color=trace.colour, alpha=trace.band_opacity, lw=0
    )
    axes.add_collection(band, autolim=False)


def _mark_infinite(axes: Axes, traces: Sequence[Trace], look: Look) -> None:
    """A triangle at the upper edge for each infinite value of a marked trace, side by side."""
    low, high = look.xlim or (-np.inf, np.inf)
    places: dict[float, list[Trace]] = {}
    for trace in traces:
        x = np.asarray(trace.x, float)
        for place in x[trace.is_marked_infinite & (low <= x) & (x <= high)]:
            places.setdefault(float(place), []).append(trace)
    size = style.marker_size(5.0, look)
    options: Any = {"marker": "^", "ms": size, "ls": "none"}
    edge, figure = axes.get_xaxis_transform(), axes.get_figure(root=True)
    for place, infinite in places.items():
        axes.update_datalim([(place, 0.0)], updatey=False)  # marks set aside don't count
        for number, trace in enumerate(infinite):
            aside = size * (number - (len(infinite) - 1) / 2)
            transform = offset_copy(edge, figure, x=aside, units="points")
            colour = trace.colour
            axes.plot(
                place, 1.0, color=colour, clip_on=False, transform=transform, zorder=3, **options
            )
    axes.autoscale_view(scaley=False)
    for reason in dict.fromkeys(trace.infinite for shared in places.values() for trace in shared):
        axes.plot([], [], color=style.BASELINE, label=reason, **options)


def _scale_x(axes: Axes, plot: Plot) -> None:
    xs = [np.ravel(np.asarray(trace.x, float)) for trace in plot.traces]
    values = np.concatenate(xs) if xs else np.empty(0)
    positive = values[values > 0]
    known = values[np.abs(values) <= style.LARGEST]
    if len(known) and np.ptp(known) > 0 and not any(map(plot.is_drawn, plot.traces)):
        axes.set_xlim(known.min(), known.max())
    if plot.circle:
        axes.set_aspect("equal", adjustable="datalim")
    elif plot.x_scale == "from_zero" and len(positive):
        smallest = max(positive.min(), 1 / style.LARGEST, positive.max() / style.LARGEST)
        smallest = 10.0 ** np.floor(np.log10(smallest))
        axes.set_xscale("symlog", linthresh=smallest, linscale=0.4)
        axes.set_xlim(left=0)
        decades_from_zero(axes.xaxis, smallest)
    elif plot.x_scale == "log" and np.isfinite(axes.dataLim.minposx):
        axes.set_xscale("log")
    elif len(values) and all(float(value).is_integer() for value in values[np.isfinite(values)]):
        axes.xaxis.set_major_locator(IntegerLocator({float(value) for value in values}))


def _scale_y(axes: Axes, plot: Plot) -> None:
    if plot.y_scale == "log" and np.isfinite(axes.dataLim.minposy):
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < NARROWEST * low:
            middle, reach = np.sqrt(low * high), np.sqrt(NARROWEST)
            axes.set_ylim(middle / reach, middle * reach)
    shown = [style.plottable(trace.y) for trace in plot.traces]
    if plot.traces and not any(np.isfinite(y).any() for y in shown):
        axes.set_yticks([])
    if plot.y_limits is not None:
        axes.set_ylim(*plot.y_limits)
