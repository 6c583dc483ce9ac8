"""Panels of lines, inked: what a study, a sweep or a recipe shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.evidence import Evidence
from core.figures import style
from core.figures.info import Info, origin
from core.panels import Line, Panel

_COLUMNS = 2

MARKED = 40
"""Lines of at most so many points have a marker at each."""

STACKED = 0.035
"""How far below each other, in heights of the axes, triangles at one place are."""

SHORT = 2
"""Entries of a legend that has room among the lines."""


class PanelsInfo(Info):
    """The numbers of the figure.

    Attributes:
        panels: One per pair of axes.
        alike: Whether they show the same of different experiments, and so on one scale.
    """

    panels: list[Panel]
    alike: bool = False


def of_study(title: str, panels: Sequence[Panel], evidence: Sequence[Evidence]) -> PanelsInfo:
    """The figure of a study that shows ``panels``, drawn from ``evidence``."""
    shown = "; ".join(
        f"{panel.title or panel.y} against {panel.x}".replace("\n", ", ") for panel in panels
    )
    caption = f"{title}. {shown}. Bands are quartiles over seeds. {len(evidence)} experiments."
    return PanelsInfo(
        title=title,
        caption=told(caption, panels),
        panels=list(panels),
        **origin([piece.spec for piece in evidence]),
    )


def of_runs(heading: Mapping[str, Any], panels: Sequence[Panel]) -> PanelsInfo:
    """The figure of panels that show the same of different experiments."""
    caption = told(heading["caption"], panels)
    return PanelsInfo(**{**heading, "caption": caption}, panels=list(panels), alike=True)


def told(caption: str, panels: Sequence[Panel]) -> str:
    """The caption, with what triangles mean where there are any."""
    marked = any(_infinite(line) for panel in panels for line in panel.lines)
    return (
        f"{caption} A hollow triangle at the upper edge: infinite, as too many seeds diverged."
        if marked
        else caption
    )


@style.inked
def draw(info: PanelsInfo) -> Figure:
    """One pair of axes per panel, two in a row; panels of equal lines have one legend."""
    columns = min(_COLUMNS, len(info.panels))
    rows = -(-len(info.panels) // columns)
    width, height = (6.4, 4.4) if columns == 1 else (9.6, 3.8 * rows)
    figure, axes = style.panels(rows, columns, width, height)
    for panel, where in zip(info.panels, axes, strict=False):
        _draw(panel, where)
        if not info.alike and where.get_legend_handles_labels()[0]:
            style.legend(where, fontsize="small")
    if info.alike:
        _legend(figure, axes)
    for unused in axes[len(info.panels) :]:
        unused.set_visible(False)
    if info.alike:
        _on_one_scale(axes[: len(info.panels)], columns)
    style.sign(figure, info)
    return figure


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all panels, beside them, where no line can be; a short one in the first."""
    found: dict[str, Artist] = {}
    for one in axes:
        for handle, text in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(text, handle)
    if len(found) > SHORT:
        legend = figure.legend(
            list(found.values()), list(found), loc="outside right center", fontsize="small"
        )
        style.typeset_legend(legend)
    elif axes[0].get_legend_handles_labels()[0]:
        style.legend(axes[0], fontsize="small")


def _on_one_scale(axes: Sequence[Axes], columns: int) -> None:
    """Gives all the same range of y, and its label to the first of each row."""
    if len({one.get_yscale() for one in axes}) == 1:
        edges = np.array([one.get_ylim() for one in axes])
        for one in axes:
            one.set_ylim(edges[:, 0].min(), edges[:, 1].max())
    for n, one in enumerate(axes):
        if n % columns:
            one.set_ylabel("")


def _draw(panel: Panel, axes: Axes) -> None:
    logarithmic = panel.y_scale == "log"
    colours = _colours(panel)
    for i, (line, colour) in enumerate(zip(panel.lines, colours, strict=True)):
        marker = style.MARKERS[i % len(style.MARKERS)]
        y, label = style.drawable(line.y, logarithmic=logarithmic), line.label or None
        if line.dashed:
            axes.plot(line.x, y, ls="--", lw=1.2, color=style.TEACHER, label=label)
            continue
        axes.plot(
            line.x,
            y,
            marker=marker if _is_marked(line) else None,
            ms=4,
            lw=1.4,
            color=colour,
            label=label,
        )
        if line.lower:
            lower, upper = (
                style.drawable(edge, logarithmic=logarithmic) for edge in (line.lower, line.upper)
            )
            axes.fill_between(
                line.x, lower, upper, color=colour, alpha=min(0.18, 1.5 / len(panel.lines)), lw=0
            )
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
    drawn = ([y for y in line.y if not (_is_marked(line) and y == np.inf)] for line in panel.lines)
    style.note_limits(axes, *drawn, logarithmic=logarithmic)
    if panel.x_scale == "linear":
        style.whole_x(axes, {x for line in panel.lines for x in line.x})


def _is_marked(line: Line) -> bool:
    return len(line.x) <= MARKED and not line.dashed


def _infinite(line: Line) -> list[float]:
    """Where a line with markers is infinite."""
    return (
        [x for x, y in zip(line.x, line.y, strict=True) if y == np.inf] if _is_marked(line) else []
    )


def _mark_infinite(panel: Panel, axes: Axes, colours: Sequence[str]) -> None:
    """A hollow triangle at the upper edge where a line is infinite, those of several lines below each other."""
    taken: Counter[float] = Counter()
    look: Any = {"marker": "^", "ms": 5, "mfc": "white", "ls": "none"}
    for line, colour in zip(panel.lines, colours, strict=True):
        for x in _infinite(line):
            height = 1.0 - STACKED * taken[x]
            axes.plot(
                x,
                height,
                color=colour,
                clip_on=False,
                transform=axes.get_xaxis_transform(),
                zorder=3,
                **look,
            )
            taken[x] += 1
    if taken:
        axes.plot([], [], color=style.BASELINE, label="diverged", **look)


def _colours(panel: Panel) -> list[str]:
    """Of ordered lines from dark to light, which also grey print tells apart; else the palette of all figures."""
    if panel.ordered:
        shades = mpl.colormaps["viridis"](
            np.linspace(0.0, 0.85, sum(not line.dashed for line in panel.lines))
        )
        found = iter(map(mpl.colors.to_hex, shades))
        return [style.TEACHER if line.dashed else next(found) for line in panel.lines]
    return [style.COLOURS[i % len(style.COLOURS)] for i in range(len(panel.lines))]
