"""The figure of a study: its panels, inked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.evidence import Evidence
from core.figures import style
from core.figures.info import Info, source
from core.panels import Panel

_COLUMNS = 2

MARKED = 40
"""Lines of at most so many points have a marker at each."""


class StudyInfo(Info):
    """The numbers of the figure.

    Attributes:
        panels: One per pair of axes.
    """

    panels: list[Panel]


def info(title: str, panels: Sequence[Panel], evidence: Sequence[Evidence]) -> StudyInfo:
    """The figure of a study that shows ``panels``, drawn from ``evidence``."""
    return StudyInfo(title=title, source=source([piece.spec for piece in evidence]), panels=list(panels))


@style.inked
def draw(info: StudyInfo) -> Figure:
    """One pair of axes per panel, two in a row."""
    columns = min(_COLUMNS, len(info.panels))
    rows = -(-len(info.panels) // columns)
    width, height = (6.4, 4.4) if columns == 1 else (9.6, 3.8 * rows)
    figure, axes = style.panels(rows, columns, width, height)
    for panel, where in zip(info.panels, axes, strict=False):
        _draw(panel, where)
    for unused in axes[len(info.panels) :]:
        unused.set_visible(False)
    style.sign(figure, info.title, info.source)
    return figure


def _draw(panel: Panel, axes: Axes) -> None:
    logarithmic = panel.y_scale == "log"
    for i, line in enumerate(panel.lines):
        colour, marker = style.COLOURS[i % len(style.COLOURS)], style.MARKERS[i % len(style.MARKERS)]
        y = style.drawable(line.y, logarithmic=logarithmic)
        if line.dashed:
            axes.plot(line.x, y, ls="--", lw=1.2, color=style.TEACHER, label=line.label or None)
            continue
        few = len(line.x) <= MARKED
        axes.plot(line.x, y, marker=marker if few else None, ms=4, lw=1.4, color=colour, label=line.label or None)
        if line.lower:
            lower, upper = (style.drawable(edge, logarithmic=logarithmic) for edge in (line.lower, line.upper))
            axes.fill_between(line.x, lower, upper, color=colour, alpha=0.18)
    for mark in panel.levels:
        axes.axhline(mark.at, color=style.BASELINE, ls="--", lw=1, label=mark.label)
    for mark in panel.limits:
        axes.axvline(mark.at, color=style.BASELINE, ls=":", lw=1, label=mark.label)
    if panel.x_scale == "log" and np.isfinite(axes.dataLim.minposx):
        axes.set_xscale("log")
    if logarithmic:
        style.logarithmic_y(axes)
    axes.set(xlabel=panel.x, ylabel=panel.y)
    if panel.title:
        axes.set_title(panel.title, fontsize="medium")
    if panel.x_scale == "linear":
        style.whole_x(axes, {x for line in panel.lines for x in line.x})
    if any(line.label for line in panel.lines) or panel.levels or panel.limits:
        axes.legend(loc="best", fontsize="small")
