"""Curves of runs, along steps, training time, lags or ranks, pooled to lines with bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures.coordinates import LOG_RATIO, key, scale
from core.figures.drawing.plot import limits_around
from core.figures.recipes.facets import facets, is_ordered
from core.figures.recipes.wording import (
    ALONG_TRAINING,
    CURVES,
    over,
    quantity_label,
    statistic_label,
)
from core.figures.teacher import channel_words, main_entry
from core.figures.view import DEFAULT_VIEW, View
from core.metrics.sequences import hankel_singular_values_of
from core.panels import Line, Mark, Panel, length_marks
from core.recipe import Recipe
from core.result import Outcome
from core.statistics import curves_as_counted, last_values, of_columns, with_band
from core.symbols import axis_label

MAX_POINTS = 400
"""Most points of a line; of more, those nearest to a logarithmic spacing are taken."""

MAX_HANKEL_HORIZON = 400
"""For longer horizons, computing the teacher's Hankel singular values would take too long."""

_TEACHER = {
    "error": "|ĥ_j|",
    "response": "teacher",
    "hankel_singular_values": "teacher",
    "eigenvalues": "teacher",
}


@dataclass(frozen=True)
class Curve:
    """The curve of one run.

    Attributes:
        series: Its experiment's coordinate among the lines of a panel.
        facet: Its experiment's coordinate among the panels.
        length: Its training length k.
        x: Recorded steps or times, lags or ranks, rising.
        y: The value at each x.
        reference: The teacher's values; empty if they are not known.
        outcome: The run's outcome; "" if it is not known.
        setup: The hash of its experiment's setup.
        channel: The channel that is shown, in words that follow others; "" if there is one.
    """

    series: Any
    facet: Any
    length: int
    x: np.ndarray
    y: np.ndarray
    reference: np.ndarray
    outcome: str = ""
    setup: str = ""
    channel: str = ""


def plotted(
    quantity: str,
    x: np.ndarray,
    y: np.ndarray,
    teacher: np.ndarray | None,
    view: View = DEFAULT_VIEW,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The x, y and reference of a curve, from a stored array.

    Args:
        quantity: One of :data:`core.recipe.CURVES`.
        x: Steps or times, or positions from 0 on.
        y: (points,), a response (q,) or (q, p, m), or eigenvalues (d, 2).
        teacher: The teacher's response, (q,) or (q, p, m), if the quantity needs it. With several
            channels, its largest entry is shown.
        view: The channels that were chosen.

    Raises:
        NotDrawable: There is no such channel.
    """
    unknown = np.empty(0)
    if teacher is not None:
        teacher = _by_channel(teacher)
    with np.errstate(all="ignore"):
        if quantity == "eigenvalues":
            return x + 1.0, -np.sort(-np.hypot(y[:, 0], y[:, 1])), unknown
        if quantity == "hankel_singular_values":
            if teacher is None or len(teacher) > MAX_HANKEL_HORIZON:
                return x + 1.0, y, unknown
            return x + 1.0, y, hankel_singular_values_of(teacher)
        if teacher is None:
            return x, y, unknown
        entry = main_entry(teacher, view)
        student, reference = y.reshape(teacher.shape)[:, *entry], teacher[:, *entry]
        if quantity == "response":
            return x, student, reference
        return x, np.abs(student - reference), np.abs(reference)


def channel(teacher: np.ndarray, view: View) -> str:
    """The channel that :func:`plotted` shows, in words that follow others; "" if there is one.

    Args:
        teacher: The teacher's response, (q,) or (q, p, m).
        view: The channels that were chosen.

    Raises:
        NotDrawable: There is no such channel.
    """
    response = _by_channel(teacher)
    return channel_words(main_entry(response, view), response.shape)


def _by_channel(response: np.ndarray) -> np.ndarray:
    """(q,) or (q, p, m) to (q, p, m)."""
    return response.reshape(len(response), *(response.shape[1:] or (1, 1)))


def panels(curves: Sequence[Curve], recipe: Recipe) -> list[Panel]:
    """A panel per facet, with a line per series, and the teacher's line if all have one teacher.

    A training that has ended keeps its last value; responses with different horizons are shown up
    to the shortest.
    """
    axis = recipe.x
    contents: list[tuple[str, list[Line], list[Mark]]] = []
    for facet in facets(curves, recipe):
        lines = [_line(label, group, recipe) for label, group in facet.series]
        limits = length_marks(curve.length for curve in facet.items) if axis == "lag" else []
        contents.append((facet.title, [*lines, *_references(facet.items, recipe)], limits))
    log_ratio = 1.0 if axis in ALONG_TRAINING else np.inf
    xs = [x for _, lines, _ in contents for line in lines for x in line.x if x > 0]
    ys = [y for _, lines, _ in contents for line in lines for y in line.y if y != 0]
    x_scale = scale(xs, log_ratio) if recipe.x_scale == "auto" else recipe.x_scale
    y_scale = scale(ys, LOG_RATIO) if recipe.y_scale == "auto" else recipe.y_scale
    is_linear_response = recipe.quantity == "response" and y_scale == "linear"
    return [
        Panel(
            x=axis_label(axis),
            y=f"{quantity_label(recipe.quantity)}\n{statistic_label(recipe, pooled(curves))}",
            lines=lines,
            x_scale=x_scale,
            y_scale=y_scale,
            limits=limits,
            title=title,
            y_limits=_limits(lines) if is_linear_response else None,
            ordered=is_ordered(curves),
        )
        for title, lines, limits in contents
    ]


def pooled(curves: Sequence[Curve]) -> str:
    """The words for what the statistic of a line is taken over."""
    setups: dict[tuple[str, str], set[str]] = {}
    for curve in curves:
        setups.setdefault((key(curve.facet), key(curve.series)), set()).add(curve.setup)
    return over([len(of_line) for of_line in setups.values()])


def _limits(lines: Sequence[Line]) -> tuple[float, float] | None:
    """Limits of y around the teacher's line and zero, so that diverging students don't hide it."""
    return limits_around([y for line in lines if line.dashed for y in line.y])


def _line(label: str, curves: Sequence[Curve], recipe: Recipe) -> Line:
    curves = [curve for curve in curves if len(curve.x)]
    if not curves:
        return Line(label=label, x=[], y=[])
    x = _common_x(curves, recipe.x)
    values = np.array([last_values(curve.x, curve.y, x) for curve in curves])
    diverged = [curve.outcome == Outcome.DIVERGED for curve in curves]
    recorded = recipe.quantity not in CURVES
    statistics = of_columns(curves_as_counted(values, diverged, recorded=recorded))
    y, lower, upper = (
        part.tolist() for part in with_band(statistics, recipe.statistic, recipe.band)
    )
    outcomes = [curve.outcome for curve in curves if curve.outcome]
    count = len(x) if outcomes else 0
    return Line(
        label=label,
        x=x.tolist(),
        y=y,
        lower=lower,
        upper=upper,
        fitted=[outcomes.count(Outcome.FITTED)] * count,
        seeds=[len(outcomes)] * count,
        diverged=[outcomes.count(Outcome.DIVERGED)] * count,
    )


def _common_x(curves: Sequence[Curve], axis: str) -> np.ndarray:
    """The points of a line: steps or times that any curve recorded, or lags or ranks of all."""
    first, last = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    x = x[x >= first] if axis in ALONG_TRAINING else x[x <= last]
    if len(x) > MAX_POINTS:
        unit = x[1] - x[0] if axis == "time" else 1.0
        spaced = unit * (np.geomspace(1, (x[-1] - x[0]) / unit + 1, MAX_POINTS) - 1) + x[0]
        x = np.unique(x[np.searchsorted(x, spaced * (1 - 1e-12))])
    return x


def _references(curves: Sequence[Curve], recipe: Recipe) -> list[Line]:
    """The teacher's line, if all curves of a panel have the same teacher."""
    references = [curve.reference for curve in curves if len(curve.reference)]
    if recipe.quantity not in _TEACHER or not references:
        return []
    if not all(np.array_equal(reference, references[0]) for reference in references):
        return []
    x = np.arange(len(references[0]), dtype=float) + (recipe.x == "rank")
    label = _TEACHER[recipe.quantity]
    return [Line(label=label, x=x.tolist(), y=references[0].tolist(), dashed=True)]
