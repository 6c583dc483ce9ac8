"""Curves of runs, along training, lags or ranks, pooled to lines with bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures.coordinates import WIDE, grouped, is_number, key, label, named, ordered, scale
from core.figures.style import LARGEST
from core.figures.teacher import entry
from core.figures.wording import metric, over
from core.metrics.sequences import hankel_singular_values_of
from core.panels import Line, Mark, Panel
from core.recipe import Recipe
from core.statistics import last_values, of_columns, overflow_as_infinite, with_band

MOST_POINTS = 400
"""Of a line; of more the nearest to so many evenly spaced in the logarithm are taken."""

LONGEST = 400
"""Horizon up to which the teacher's Hankel singular values are computed: they would keep whoever
asks waiting."""

MOST_LENGTHS = 4
"""Of more different training lengths none is marked."""

_TEACHER = {
    "error": "|ĥ_j|",
    "response": "teacher",
    "hankel_singular_values": "teacher",
    "eigenvalues": "teacher",
}


@dataclass(frozen=True)
class Curve:
    """One run.

    Attributes:
        series: Its experiment's coordinate among the lines of a panel.
        facet: Its experiment's coordinate among the panels.
        length: Its training length k.
        x: Rising: recorded steps, lags or ranks.
        y: As many values; infinite of a diverged run.
        reference: What the teacher has there; empty where that isn't known.
    """

    series: Any
    facet: Any
    length: int
    x: np.ndarray
    y: np.ndarray
    reference: np.ndarray


def shown(
    name: str, x: np.ndarray, y: np.ndarray, teacher: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is drawn of a stored array: where, what, and what the teacher has there.

    Args:
        name: Of :data:`core.recipe.CURVES`.
        x: Steps, or places from 0 on.
        y: (points,), a response (q,) or (q, p, m), or eigenvalues (d, 2).
        teacher: Its response, (q,) or (q, p, m), where it is needed. Of several channels that entry
            is drawn in which it is largest.
    """
    nothing = np.empty(0)
    wanted = (
        None if teacher is None else teacher.reshape(len(teacher), *(teacher.shape[1:] or (1, 1)))
    )
    with np.errstate(all="ignore"):
        if name == "eigenvalues":
            return x + 1.0, -np.sort(-np.hypot(y[:, 0], y[:, 1])), nothing
        if name == "hankel_singular_values":
            known = (
                nothing
                if wanted is None or len(wanted) > LONGEST
                else hankel_singular_values_of(wanted)
            )
            return x + 1.0, y, known
        if wanted is None:
            return x, y, nothing
        place = entry(wanted) if wanted.shape[1:] != (1, 1) else (0, 0)
        own, wanted = y.reshape(wanted.shape)[:, *place], wanted[:, *place]
        return (x, own, wanted) if name == "response" else (x, np.abs(own - wanted), np.abs(wanted))


def panels(curves: Sequence[Curve], recipe: Recipe) -> list[Panel]:
    """A panel for each facet, in it a line for each series, and what the teacher has where all have one teacher.

    A training that has ended keeps its last value; responses of several horizons are shown to the
    shortest.
    """
    series, along = ordered([curve.series for curve in curves]), recipe.x
    found = []
    for facet, inside in grouped(curves, lambda curve: curve.facet):
        of = {key(value): own for value, own in grouped(inside, lambda curve: curve.series)}
        lines = [
            _line(named(recipe.series, value), of.get(key(value), []), recipe) for value in series
        ]
        lengths = sorted({curve.length for curve in inside}) if along == "lag" else []
        limits = (
            [Mark(label=f"k = {k}", at=k - 0.5) for k in lengths]
            if len(lengths) <= MOST_LENGTHS
            else []
        )
        found.append((named(recipe.facets, facet), [*lines, *_references(inside, recipe)], limits))
    wide = {"step": 1.0, "lag": np.inf, "rank": np.inf}[along]
    xs = [at for _, lines, _ in found for line in lines for at in line.x if at > 0]
    values = [at for _, lines, _ in found for line in lines for at in line.y if at != 0]
    x_scale = scale(xs, wide) if recipe.x_scale == "auto" else recipe.x_scale
    y_scale = scale(values, WIDE) if recipe.y_scale == "auto" else recipe.y_scale
    return [
        Panel(
            x=label(along),
            y=f"{metric(recipe.quantity)}\n{over(recipe)}",
            lines=lines,
            x_scale=x_scale,
            y_scale=y_scale,
            limits=limits,
            title=title,
            y_limits=_limits(lines)
            if recipe.quantity == "response" and y_scale == "linear"
            else None,
            ordered=len(series) > 1 and all(is_number(value) for value in series),
        )
        for title, lines, limits in found
    ]


def _limits(lines: Sequence[Line]) -> tuple[float, float] | None:
    """Around the teacher's line and zero, so that it is seen beside students that explode; None where there is none."""
    known = [y for line in lines if line.dashed for y in line.y if abs(y) <= LARGEST]
    low, high = min([0.0, *known]), max([0.0, *known])
    margin = 0.3 * (high - low)
    return (low - margin, high + margin) if margin > 0 else None


def _line(text: str, curves: Sequence[Curve], recipe: Recipe) -> Line:
    curves = [curve for curve in curves if len(curve.x)]
    if not curves:
        return Line(label=text, x=[], y=[])
    x = _places(curves, recipe.x)
    values = np.array([last_values(curve.x, curve.y, x) for curve in curves])
    statistics = of_columns(overflow_as_infinite(values))
    middle, lower, upper = (
        part.tolist() for part in with_band(statistics, recipe.statistic, recipe.band)
    )
    return Line(label=text, x=x.tolist(), y=middle, lower=lower, upper=upper)


def _places(curves: Sequence[Curve], along: str) -> np.ndarray:
    """Where a line has points: at all steps that one of them recorded, or at the lags and ranks that all have."""
    first, last = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    x = np.unique(np.concatenate([curve.x for curve in curves]))
    x = x[x >= first] if along == "step" else x[x <= last]
    if len(x) > MOST_POINTS:
        wanted = np.geomspace(1, x[-1] - x[0] + 1, MOST_POINTS) - 1 + x[0]
        x = np.unique(x[np.searchsorted(x, wanted * (1 - 1e-12))])
    return x


def _references(curves: Sequence[Curve], recipe: Recipe) -> list[Line]:
    """The teacher's line, where all curves of a panel have the same."""
    known = [curve.reference for curve in curves if len(curve.reference)]
    if (
        recipe.quantity not in _TEACHER
        or not known
        or any(len(one) != len(known[0]) or not np.array_equal(one, known[0]) for one in known)
    ):
        return []
    x = np.arange(len(known[0]), dtype=float) + (recipe.x == "rank")
    return [Line(label=_TEACHER[recipe.quantity], x=x.tolist(), y=known[0].tolist(), dashed=True)]
