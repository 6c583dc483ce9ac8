"""Facets and series: what is drawn, grouped into panels and the lines of each."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from core.figures.coordinates import distinct, grouped, is_number, key, metric_scale
from core.figures.recipes.wording import quantity_label, statistic_label
from core.labels import value_labels
from core.panels import ZERO_BASELINE, Line, Panel, Scale
from core.recipe import DEFAULT_METRIC, Recipe
from core.symbols import axis_label


class Placed(Protocol):
    """An item with a panel and a line in it."""

    @property
    def series(self) -> Any:
        """Its coordinate among the lines of a panel; None without such an axis."""

    @property
    def facet(self) -> Any:
        """Its coordinate among the panels; None without such an axis."""


Item = TypeVar("Item", bound=Placed)


class Facet(NamedTuple, Generic[Item]):
    """The content of one panel.

    Attributes:
        title: What distinguishes it from the others.
        items: All that it shows.
        series: The label and the items of each line; some may have no items.
    """

    title: str
    items: list[Item]
    series: list[tuple[str, list[Item]]]


def facets(items: Sequence[Item], recipe: Recipe) -> list[Facet[Item]]:
    """A facet for each panel, each with every series, so that a series has one colour."""
    series = distinct([item.series for item in items])
    labels = value_labels(recipe.series, series)
    groups = grouped(items, lambda item: item.facet)
    titles = value_labels(recipe.facets, [facet for facet, _ in groups])
    contents = []
    for title, (_, members) in zip(titles, groups, strict=True):
        of_series = {key(value): group for value, group in grouped(members, lambda i: i.series)}
        lines = [
            (label, of_series.get(key(value), []))
            for label, value in zip(labels, series, strict=True)
        ]
        contents.append(Facet(title, members, lines))
    return contents


def is_ordered(items: Sequence[Placed]) -> bool:
    """Whether the series are numbers, whose order colours can show."""
    series = distinct([item.series for item in items])
    return len(series) > 1 and all(map(is_number, series))


def panels_of_metric(
    items: Sequence[Item],
    recipe: Recipe,
    line: Callable[[str, Sequence[Item]], Line],
    x_scale: Callable[[Sequence[float]], Scale],
    *,
    pooled: str = "seeds",
) -> list[Panel]:
    """A panel per facet, with a line per series, all on the same scales.

    Args:
        items: What is shown.
        recipe: How; its ``y`` is a metric.
        line: The line of a label and the items of a series.
        x_scale: The scale for all x, if the recipe leaves it open.
        pooled: What a statistic is taken over, as :func:`core.figures.recipes.wording.over` says
            it.
    """
    contents = [
        (facet.title, [line(label, members) for label, members in facet.series])
        for facet in facets(items, recipe)
    ]
    xs = [x for _, lines in contents for line_ in lines for x in line_.x]
    ys = [y for _, lines in contents for line_ in lines for y in line_.y]
    metric = recipe.quantity
    return [
        Panel(
            x=axis_label(recipe.x),
            y=f"{quantity_label(metric)}\n{statistic_label(recipe, pooled)}",
            lines=lines,
            x_scale=x_scale(xs) if recipe.x_scale == "auto" else recipe.x_scale,
            y_scale=metric_scale(metric, ys) if recipe.y_scale == "auto" else recipe.y_scale,
            levels=[ZERO_BASELINE] if metric == DEFAULT_METRIC else [],
            title=title,
            ordered=is_ordered(items),
        )
        for title, lines in contents
    ]
