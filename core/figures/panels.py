"""Panels of lines, inked: what a study, a sweep or a recipe shows."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.evidence import Evidence
from core.figures import style
from core.figures.info import Info, origin
from core.panels import Panel

_COLUMNS = 2

MARKED = 40
"""Lines of at most so many points have a marker at each."""

MANY = 12
"""A legend of more entries has two columns."""


class PanelsInfo(Info):
    """The numbers of the figure.

    Attributes:
        panels: One per pair of axes.
    """

    panels: list[Panel]


def of_study(title: str, panels: Sequence[Panel], evidence: Sequence[Evidence]) -> PanelsInfo:
    """The figure of a study that shows ``panels``, drawn from ``evidence``."""
    shown = "; ".join(f"{panel.title or panel.y} against {panel.x}".replace("\n", ", ") for panel in panels)
    caption = f"{title}. {shown}. Bands are quartiles over seeds. {len(evidence)} experiments."
    return PanelsInfo(title=title, caption=caption, panels=list(panels), **origin([piece.spec for piece in evidence]))


@style.inked
def draw(info: PanelsInfo) -> Figure:
    """One pair of axes per panel, two in a row; panels of equal lines have one legend."""
    columns = min(_COLUMNS, len(info.panels))
    rows = -(-len(info.panels) // columns)
    width, height = (6.4, 4.4) if columns == 1 else (9.6, 3.8 * rows)
    figure, axes = style.panels(rows, columns, width, height)
    told: set[tuple[str, ...]] = set()
    for panel, where in zip(info.panels, axes, strict=False):
        _draw(panel, where)
        legend = (*(line.label for line in panel.lines), *(mark.label for mark in (*panel.levels, *panel.limits)))
        if any(legend) and not (panel.ordered and legend in told):
            told.add(legend)
            style.legend(where, fontsize="small", ncols=1 + (len(legend) > MANY))
    for unused in axes[len(info.panels) :]:
        unused.set_visible(False)
    style.sign(figure, info)
    return figure


def _draw(panel: Panel, axes: Axes) -> None:
    logarithmic = panel.y_scale == "log"
    colours = _colours(panel)
    for i, (line, colour) in enumerate(zip(panel.lines, colours, strict=True)):
        marker = style.MARKERS[i % len(style.MARKERS)]
        y, label = style.drawable(line.y, logarithmic=logarithmic), line.label or None
        if line.dashed:
            axes.plot(line.x, y, ls="--", lw=1.2, color=style.TEACHER, label=label)
            continue
        few = len(line.x) <= MARKED
        axes.plot(line.x, y, marker=marker if few else None, ms=4, lw=1.4, color=colour, label=label)
        if line.lower:
            lower, upper = (style.drawable(edge, logarithmic=logarithmic) for edge in (line.lower, line.upper))
            axes.fill_between(line.x, lower, upper, color=colour, alpha=0.18, lw=0)
    for mark in panel.levels:
        axes.axhline(mark.at, color=style.BASELINE, ls="--", lw=1, label=mark.label)
    for mark in panel.limits:
        axes.axvline(mark.at, color=style.BASELINE, ls=":", lw=1, label=mark.label)
    if panel.x_scale == "log" and np.isfinite(axes.dataLim.minposx):
        axes.set_xscale("log")
    if logarithmic:
        style.logarithmic_y(axes)
    axes.set_xlabel(panel.x, parse_math=False)
    axes.set_ylabel(panel.y, parse_math=False)
    if panel.title:
        axes.set_title(panel.title, loc="left", fontsize="medium", parse_math=False)
    style.note_limits(axes, *(line.y for line in panel.lines), logarithmic=logarithmic)
    if panel.x_scale == "linear":
        style.whole_x(axes, {x for line in panel.lines for x in line.x})


def _colours(panel: Panel) -> list[str]:
    """Of ordered lines from dark to light, which also grey print tells apart; else the palette of all figures."""
    if panel.ordered:
        return [
            mpl.colors.to_hex(shade) for shade in mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(panel.lines)))
        ]
    return [style.COLOURS[i % len(style.COLOURS)] for i in range(len(panel.lines))]
