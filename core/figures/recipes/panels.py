"""Figures of panels of lines, as studies, sweeps and recipes show them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.evidence import Evidence
from core.figures.drawing import style
from core.figures.info import Info, sources
from core.labels import capitalised
from core.panels import Line, Panel

_COLUMNS = 2

MAX_MARKED_POINTS = 40
"""A line with up to this number of points has a marker at each."""

STACKED = 0.035
"""Distance of triangles at one place, as a fraction of the axes' height."""

SHORT_LEGEND = 2
"""Most entries of a legend that is placed among the lines."""


class PanelsInfo(Info):
    """The data of the figure.

    Attributes:
        panels: One per pair of axes.
        alike: Whether all panels show the same quantity of different experiments, on one scale.
    """

    panels: list[Panel]
    alike: bool = False


def of_study(title: str, panels: Sequence[Panel], evidence: Sequence[Evidence]) -> PanelsInfo:
    """The figure of a study that shows ``panels``, computed from ``evidence``."""
    contents = "; ".join(
        f"{panel.title or panel.y} against {panel.x}".replace("\n", ", ") for panel in panels
    )
    caption = (
        f"{title}. {capitalised(contents)}. Bands are quartiles over seeds. "
        f"{len(evidence)} experiments."
    )
    return PanelsInfo(
        title=title,
        caption=with_note(caption, panels),
        panels=list(panels),
        **sources([experiment.spec for experiment in evidence]),
    )


def of_runs(heading: Mapping[str, Any], panels: Sequence[Panel]) -> PanelsInfo:
    """The figure of panels that show the same quantity of different experiments."""
    caption = with_note(heading["caption"], panels)
    return PanelsInfo(**{**heading, "caption": caption}, panels=list(panels), alike=True)


def with_note(caption: str, panels: Sequence[Panel]) -> str:
    """The caption, with an explanation of triangles if there are any."""
    if not any(_infinite_x(line) for panel in panels for line in panel.lines):
        return caption
    return f"{caption} A hollow triangle at the upper edge: infinite, as too many seeds diverged."


@style.renderer
def render(info: PanelsInfo) -> Figure:
    """Renders one pair of axes per panel, two in a row; alike panels share one legend."""
    columns = min(_COLUMNS, len(info.panels))
    rows = -(-len(info.panels) // columns)
    width, height = (6.4, 4.4) if columns == 1 else (9.6, 3.8 * rows)
    figure, all_axes = style.subplots(rows, columns, width, height)
    used, unused = all_axes[: len(info.panels)], all_axes[len(info.panels) :]
    for panel, axes in zip(info.panels, used, strict=True):
        _render_panel(panel, axes)
        if not info.alike and axes.get_legend_handles_labels()[0]:
            style.legend(axes, fontsize="small")
    if info.alike:
        _add_shared_legend(figure, all_axes)
    for axes in unused:
        axes.set_visible(False)
    if info.alike:
        _share_y(used, columns)
    style.add_title(figure, info)
    return figure


def _add_shared_legend(figure: Figure, all_axes: Sequence[Axes]) -> None:
    """One legend beside all panels, clear of the lines; a short one goes in the first panel."""
    handles: dict[str, Artist] = {}
    for axes in all_axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if len(handles) > SHORT_LEGEND:
        legend = figure.legend(
            list(handles.values()), list(handles), loc="outside right center", fontsize="small"
        )
        style.typeset_legend(legend)
    elif all_axes[0].get_legend_handles_labels()[0]:
        style.legend(all_axes[0], fontsize="small")


def _share_y(all_axes: Sequence[Axes], columns: int) -> None:
    """Gives all axes the same range of y, and the label of y to the first of each row."""
    if len({axes.get_yscale() for axes in all_axes}) == 1:
        limits = np.array([axes.get_ylim() for axes in all_axes])
        for axes in all_axes:
            axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    for n, axes in enumerate(all_axes):
        if n % columns:
            axes.set_ylabel("")


def _render_panel(panel: Panel, axes: Axes) -> None:
    logarithmic = panel.y_scale == "log"
    colours = _colours(panel)
    band_opacity = min(0.18, 1.5 / max(len(panel.lines), 1))
    for i, (line, colour) in enumerate(zip(panel.lines, colours, strict=True)):
        y, label = style.plottable(line.y, logarithmic=logarithmic), line.label or None
        if line.dashed:
            axes.plot(line.x, y, ls="--", lw=1.2, color=style.TEACHER, label=label)
            continue
        marker = style.MARKERS[i % len(style.MARKERS)] if _has_markers(line) else None
        axes.plot(line.x, y, marker=marker, ms=4, lw=1.4, color=colour, label=label)
        if line.lower:
            lower, upper = (
                style.plottable(edge, logarithmic=logarithmic) for edge in (line.lower, line.upper)
            )
            axes.fill_between(line.x, lower, upper, color=colour, alpha=band_opacity, lw=0)
    _mark_infinite(panel, axes, colours)
    for mark in panel.levels:
        axes.axhline(mark.at, color=style.BASELINE, ls="--", lw=1, label=mark.label)
    for mark in panel.limits:
        axes.axvline(mark.at, color=style.BASELINE, ls=":", lw=1, label=mark.label)
    if panel.x_scale == "log" and np.isfinite(axes.dataLim.minposx):
        axes.set_xscale("log")
    if logarithmic:
        style.logarithmic_y(axes)
    axes.set_xlabel(style.typeset(panel.x))
    axes.set_ylabel(style.typeset(panel.y), linespacing=1.5)
    if panel.y_limits is not None:
        axes.set_ylim(*panel.y_limits)
    if panel.title:
        axes.set_title(style.typeset(panel.title), loc="left", fontsize="medium")
    without_triangles = [
        [y for y in line.y if not (_has_markers(line) and y == np.inf)] for line in panel.lines
    ]
    style.note_limits(axes, *without_triangles, logarithmic=logarithmic)
    if panel.x_scale == "linear":
        style.integer_ticks(axes, {x for line in panel.lines for x in line.x})


def _has_markers(line: Line) -> bool:
    return len(line.x) <= MAX_MARKED_POINTS and not line.dashed


def _infinite_x(line: Line) -> list[float]:
    """The places at which a line with markers is infinite."""
    if not _has_markers(line):
        return []
    return [x for x, y in zip(line.x, line.y, strict=True) if y == np.inf]


def _mark_infinite(panel: Panel, axes: Axes, colours: Sequence[str]) -> None:
    """A hollow triangle at the upper edge for each infinite value, those at one x stacked."""
    count_at: Counter[float] = Counter()
    options: Any = {"marker": "^", "ms": 5, "mfc": "white", "ls": "none"}
    for line, colour in zip(panel.lines, colours, strict=True):
        for x in _infinite_x(line):
            axes.plot(
                x,
                1.0 - STACKED * count_at[x],
                color=colour,
                clip_on=False,
                transform=axes.get_xaxis_transform(),
                zorder=3,
                **options,
            )
            count_at[x] += 1
    if count_at:
        axes.plot([], [], color=style.BASELINE, label="diverged", **options)


def _colours(panel: Panel) -> list[str]:
    """Ordered lines from dark to light, which grey print keeps; others in the figures' palette."""
    if not panel.ordered:
        return [style.COLOURS[i % len(style.COLOURS)] for i in range(len(panel.lines))]
    count = sum(not line.dashed for line in panel.lines)
    shades = iter(mpl.colormaps["viridis"](np.linspace(0.0, 0.85, count)))
    return [
        style.TEACHER if line.dashed else mpl.colors.to_hex(next(shades)) for line in panel.lines
    ]
