"""Points: one final metric of each run against another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.figures.recipes.coordinates import distinct, grouped, is_number, key, metric_scale
from core.figures.recipes.wording import quantity_label, statistic_label
from core.labels import value_labels
from core.panels import ZERO_BASELINE, Line, Panel
from core.recipe import Recipe
from core.symbols import axis_label


@dataclass(frozen=True)
class Point:
    """One run at its end.

    Attributes:
        series: Its experiment's coordinate among the colours of a panel.
        facet: Its experiment's coordinate among the panels.
        x: The first metric.
        y: The second metric.
        fitted: Whether the run fits.
    """

    series: Any
    facet: Any
    x: float
    y: float
    fitted: bool


def panels(points: Sequence[Point], recipe: Recipe) -> list[Panel]:
    """A panel per facet, with the points of each series in one colour."""
    series = distinct([point.series for point in points])
    labels = value_labels(recipe.series, series)
    facets = grouped(points, lambda point: point.facet)
    titles = value_labels(recipe.facets, [facet for facet, _ in facets])
    contents: list[tuple[str, list[Line]]] = []
    for title, (_, facet_points) in zip(titles, facets, strict=True):
        groups = grouped(facet_points, lambda point: point.series)
        by_series = {key(value): group for value, group in groups}
        lines = [
            _line(label, by_series.get(key(value), []))
            for label, value in zip(labels, series, strict=True)
        ]
        contents.append((title, lines))
    x_scale, y_scale = recipe.x_scale, recipe.y_scale
    if x_scale == "auto":
        x_scale = metric_scale(recipe.x, [point.x for point in points])
    if y_scale == "auto":
        y_scale = metric_scale(recipe.quantity, [point.y for point in points])
    return [
        Panel(
            x=axis_label(recipe.x),
            y=f"{quantity_label(recipe.quantity)}\n{statistic_label(recipe)}",
            lines=lines,
            x_scale=x_scale,
            y_scale=y_scale,
            levels=[ZERO_BASELINE] if recipe.quantity == "relative_extrapolation_error" else [],
            title=title,
            ordered=len(series) > 1 and all(is_number(value) for value in series),
        )
        for title, lines in contents
    ]


def _line(label: str, points: Sequence[Point]) -> Line:
    return Line(
        label=label,
        x=[point.x for point in points],
        y=[point.y for point in points],
        fitted=[int(point.fitted) for point in points],
        seeds=[1] * len(points),
        joined=False,
    )
