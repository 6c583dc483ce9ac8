"""Figures of panels of lines, as studies, sweeps and recipes show them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.evidence import Evidence
from core.figures.drawing import style
from core.figures.drawing.plot import DIVERGED, HOLLOW, HOLLOW_RUN, Drawing, Plot, Trace
from core.figures.drawing.viridis import viridis
from core.figures.info import Info, how_many_fit, sources
from core.labels import capitalised
from core.panels import Line, Panel
from core.statistics import most_fit

MAX_MARKED_POINTS = 40
"""A line with up to this number of points has a marker at each."""

_COLUMNS = 2


class _Style(NamedTuple):
    """How a line is drawn: the number of its series, which has the colour, and of earlier lines."""

    number: int
    colour: str
    repeated: int


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
        plots=[
            _plot(panel, styles)
            for panel, styles in zip(info.panels, _styles(info.panels), strict=True)
        ],
        columns=_COLUMNS,
        column_width=4.8 if several else 6.4,
        row_height=3.8 if several else 4.4,
        legend="shared" if info.alike else "each",
        same_y=info.alike,
        hollow=HOLLOW_RUN if are_points else HOLLOW,
    )


def _plot(panel: Panel, styles: Sequence[_Style]) -> Plot:
    has_zero = any(x == 0 for line in panel.lines for x in line.x)
    traces = []
    for line, shown in zip(panel.lines, styles, strict=True):
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
        number = 0 if has_markers or panel.ordered else shown.number
        # a second line of a series is dashed otherwise
        joined = style.dash(number + len(style.COLOURS) * shown.repeated)
        traces.append(
            Trace(
                x=line.x,
                y=line.y,
                lower=line.lower,
                upper=line.upper,
                label=line.label,
                colour=shown.colour,
                dash=joined if line.joined else "",
                marker=style.marker(shown.number) if has_markers else "",
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


def _styles(panels: Sequence[Panel]) -> list[list[_Style]]:
    """The style of each line of each panel; a series has the same in all of them.

    Series in the order of a number go from dark to light, which grey print keeps; others have the
    figures' palette.
    """
    palette: list[str] = []
    scales: list[list[str]] = []
    order_of = []
    for panel in panels:
        names = [_series(line, i) for i, line in enumerate(panel.lines) if not line.dashed]
        scale = palette
        if panel.ordered:
            scale = next((known for known in scales if set(known) & set(names)), [])
            if not scale:
                scales.append(scale)
        scale += [name for name in dict.fromkeys(names) if name not in scale]
        order_of.append(scale)
    return [_styles_of(panel, scale) for panel, scale in zip(panels, order_of, strict=True)]


def _styles_of(panel: Panel, series: Sequence[str]) -> list[_Style]:
    colours: Sequence[str] = style.COLOURS
    if panel.ordered:
        colours = viridis(len(series), last=0.85)
    styles = []
    seen: Counter[str] = Counter()
    for i, line in enumerate(panel.lines):
        name = _series(line, i)
        number = 0 if line.dashed else series.index(name)
        styles.append(_Style(number, colours[number % len(colours)], seen[name]))
        seen[name] += not line.dashed
    return styles


def _series(line: Line, place: int) -> str:
    return line.series or line.label or f"unnamed {place}"
