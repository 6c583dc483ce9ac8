"""The figures that show what varies among some experiments."""

import itertools
from collections.abc import Sequence

from core.figures.coordinates import distinct, is_number, key
from core.recipe import Recipe
from core.spec import METADATA
from core.spec.difference import Difference, differences
from service.figures.limits import MAX_LINES, MAX_PANELS
from store.query.fields import FIELDS, Scope
from store.records import Experiment

MIN_CELLS = 3
"""Fewest values on each axis of a heat map; fewer are better shown as lines."""


def recipes_of(experiments: Sequence[Experiment], q: str) -> dict[str, Recipe]:
    """Recipes by the name of their file.

    The error against the first numeric field that varies, with the fewest further fields as lines
    and panels that tell all experiments apart; and a heat map if two numeric fields do. Whole
    responses if no numeric field varies.
    """
    varied = _varied_fields(experiments)
    numeric = [field for field in varied if all(map(is_number, field.values))]
    x = next(iter(numeric), None)
    if x is None:
        series, facets = _lines_and_panels([], varied)
        return {"responses": Recipe(query=q, x="lag", y="response", series=series, facets=facets)}
    series, facets = _lines_and_panels([x], varied)
    recipes = {"lines": Recipe(query=q, x=x.path, series=series, facets=facets)}
    y = next((y for y in numeric if y is not x and _tell_apart([x, y], varied)), None)
    if y is not None and min(_count(x), _count(y)) >= MIN_CELLS and not _tell_apart([x], varied):
        recipes["heatmap"] = Recipe(kind="heatmap", query=q, x=x.path, series=y.path)
    return recipes


def _varied_fields(experiments: Sequence[Experiment]) -> list[Difference]:
    """Fields of one value each that differ: the training length first, the evaluation last."""
    contents = [
        {name: part for name, part in experiment.content.items() if name not in METADATA}
        for experiment in experiments
    ]
    varied = [
        field
        for field in differences(contents)
        if field.path in FIELDS
        and FIELDS[field.path].scope is Scope.EXPERIMENT
        and not any(isinstance(value, list) for value in field.values)
    ]
    return sorted(
        varied,
        key=lambda field: (field.path != "training.length", field.path.startswith("evaluation.")),
    )


def _lines_and_panels(
    axes: list[Difference], varied: Sequence[Difference]
) -> tuple[str | None, str | None]:
    """The fields of lines and panels that, with the given axes, tell all experiments apart.

    Without such fields, those that differ first; the figure then pools experiments.
    """
    if _tell_apart(axes, varied):
        return None, None
    others = [field for field in varied if field not in axes and not _tell_apart(axes, [field])]
    lines = [field for field in others if _count(field) <= MAX_LINES]
    panels = [field for field in lines if _count(field) <= MAX_PANELS]
    for field in lines:
        if _tell_apart([*axes, field], varied):
            return field.path, None
    for field, panel in itertools.product(lines, panels):
        if _tell_apart([*axes, field, panel], varied):
            return field.path, panel.path
    first, second = [*[field.path for field in lines], None, None][:2]
    return first, second if second in {panel.path for panel in panels} else None


def _tell_apart(fields: Sequence[Difference], others: Sequence[Difference]) -> bool:
    """Whether experiments that agree in ``fields`` agree in ``others``."""
    return len(_places(fields)) == len(_places([*fields, *others]))


def _places(fields: Sequence[Difference]) -> set[tuple[str, ...]]:
    keys = ([key(value) for value in field.values] for field in fields)
    return set(zip(*keys, strict=True)) or {()}


def _count(field: Difference) -> int:
    return len(distinct(field.values))
