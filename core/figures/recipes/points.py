"""Points: one final metric of each run against another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.figures.coordinates import metric_scale
from core.figures.recipes.facets import panels_of_metric
from core.panels import Line, Panel
from core.recipe import Recipe


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
    return panels_of_metric(points, recipe, _line, lambda xs: metric_scale(recipe.x, xs))


def _line(label: str, points: Sequence[Point]) -> Line:
    return Line(
        label=label,
        x=[point.x for point in points],
        y=[point.y for point in points],
        fitted=[int(point.fitted) for point in points],
        seeds=[1] * len(points),
        joined=False,
    )
