"""Figures of panels of lines, as studies, sweeps and recipes show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np

from core.evidence import Evidence
from core.figures.drawing import style
from core.figures.drawing.axes import MAX_MARKED_POINTS
from core.figures.drawing.plot import DIVERGED, HOLLOW, HOLLOW_RUN, Drawing, Plot, Trace
from core.figures.info import Info, how_many_fit, sources
from core.labels import capitalised
from core.panels import Line, Panel
from core.statistics import most_fit

_COLUMNS = 2


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
    outcomes = [run.outcome for experiment in evidence for run in experiment.runs]
    caption = (
        f"{title}. {capitalised(contents)}. Bands are quartiles over seeds. "
        f"{len(evidence)} experiments. {how_many_fit(outcomes, 'run')}"
    )
    return PanelsInfo(
        title=title,
        caption=caption.strip(),
        panels=list(panels),
        **sources([experiment.spec for experiment in evidence]),
    )


def of_runs(heading: Mapping[str, Any], panels: Sequence[Panel]) -> PanelsInfo:
    """The figure of panels that show the same quantity of different experiments."""
    return PanelsInfo(**heading, panels=list(panels), alike=True)


def drawing(info: PanelsInfo) -> Drawing:
    """A plot per panel, two in a row; alike panels share one legend and one range of y."""
    several = len(info.panels) > 1
    are_points = not all(line.joined for panel in info.panels for line in panel.lines)
    return Drawing(
        plots=[_plot(panel) for panel in info.panels],
        columns=_COLUMNS,
        column_width=4.8 if several else 6.4,
        row_height=3.8 if several else 4.4,
        legend="shared" if info.alike else "each",
        same_y=info.alike,
        hollow=HOLLOW_RUN if are_points else HOLLOW,
    )


def _plot(panel: Panel) -> Plot:
    has_zero = any(x == 0 for line in panel.lines for x in line.x)
    traces = []
    for i, (line, colour) in enumerate(zip(panel.lines, _colours(panel), strict=True)):
        if line.dashed:
            traces.append(
                Trace(
                    x=line.x,
                    y=line.y,
                    label=line.label,
                    colour=style.TEACHER,
                    dash="--",
                    weight=0.85,
                )
            )
            continue
        has_markers = _has_markers(line)
        joined = "-" if has_markers or panel.ordered else style.dash(i)
        traces.append(
            Trace(
                x=line.x,
                y=line.y,
                lower=line.lower,
                upper=line.upper,
                label=line.label,
                colour=colour,
                dash=joined if line.joined else "",
                marker=style.marker(i) if has_markers else "",
                hollow=[
                    not most_fit(fitted, seeds)
                    for fitted, seeds in zip(line.fitted, line.seeds, strict=True)
                ]
                or False,
                infinite=_why_infinite(line),
            )
        )
    return Plot(
        x=panel.x,
        y=panel.y,
        title=panel.title,
        traces=traces,
        x_scale="from_zero" if panel.x_scale == "log" and has_zero else panel.x_scale,
        y_scale=panel.y_scale,
        levels=panel.levels,
        limits=panel.limits,
        y_limits=panel.y_limits,
    )


def _has_markers(line: Line) -> bool:
    return not line.dashed and (len(line.x) <= MAX_MARKED_POINTS or not line.joined)


def _infinite_places(line: Line) -> list[int]:
    """The indices at which a line with markers is infinite."""
    return [i for i, y in enumerate(line.y) if y == np.inf] if _has_markers(line) else []


def _why_infinite(line: Line) -> str:
    """The word for a line's infinite values; they are divergences only where runs diverged."""
    diverged = line.diverged and all(line.diverged[i] for i in _infinite_places(line))
    return DIVERGED if diverged else "infinite"


def _colours(panel: Panel) -> list[str]:
    """Ordered lines from dark to light, which grey print keeps; others in the figures' palette."""
    if not panel.ordered:
        return [style.COLOURS[i % len(style.COLOURS)] for i in range(len(panel.lines))]
    count = sum(not line.dashed for line in panel.lines)
    shades = iter(mpl.colormaps["viridis"](np.linspace(0.0, 0.85, count)))
    return [
        style.TEACHER if line.dashed else mpl.colors.to_hex(next(shades)) for line in panel.lines
    ]
