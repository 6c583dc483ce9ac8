"""Checks recipes: every name of a valid one is resolved to a query and fields."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Problem
from core.recipe import CURVES, Recipe
from core.result import METRICS
from service.http.errors import unknown
from store.query.errors import BadQuery, find_field
from store.query.fields import EXPERIMENT_FIELDS, Field
from store.query.query import ExperimentQuery

REPEATED = "is already on another axis: name another field, or leave this one out"


@dataclass(frozen=True)
class Plan:
    """A valid recipe, with its query and the fields of its axes."""

    recipe: Recipe
    query: ExperimentQuery
    fields: Sequence[Field]


def plan_of(recipe: Recipe, pointer: str) -> Plan | list[Problem]:
    """The plan of a recipe, or all its problems; ``pointer`` is the recipe's in the request."""
    problems: list[Problem] = []
    query = None
    try:
        query = ExperimentQuery.parse(recipe.query or None)
    except BadQuery as error:
        problems += error.at(f"{pointer}/query").problems
    axes = {
        name: path
        for name in ("x", "series", "facets")
        if (path := getattr(recipe, name)) is not None
    }
    fields = []
    for name, path in axes.items():
        if name == "x" and (recipe.shows_curves or recipe.shows_points):
            continue
        others = [*CURVES, *METRICS] if name == "x" else []
        try:
            fields.append(find_field(path, among=EXPERIMENT_FIELDS, others=others))
        except BadQuery as error:
            problems += error.at(f"{pointer}/{name}").problems
    if recipe.quantity not in recipe.quantities:
        kind = "curve" if recipe.shows_curves else "metric"
        problems.append(unknown(f"{pointer}/y", kind, recipe.quantity, recipe.quantities))
    problems += _conflicts(recipe, axes, pointer)
    return problems if problems or query is None else Plan(recipe, query, fields)


def _conflicts(recipe: Recipe, axes: dict[str, str], pointer: str) -> list[Problem]:
    """Problems of parts that don't go together."""
    problems = []
    if recipe.kind == "heatmap" and (recipe.shows_curves or recipe.shows_points):
        message = "a heat map needs a field of experiments on each axis"
        problems.append(Problem(f"{pointer}/x", "no_axis", message, recipe.x))
    if recipe.kind == "heatmap" and recipe.series is None:
        message = "a heat map needs two axes: name the field of the vertical one"
        problems.append(Problem(f"{pointer}/series", "no_axis", message, "nothing"))
    if recipe.kind == "lines" and recipe.band == "standard_error" and recipe.statistic != "mean":
        message = "a standard error is that of the mean: use statistic mean"
        problems.append(Problem(f"{pointer}/band", "other_statistic", message, recipe.band))
    if recipe.shows_points:
        axes = {**axes, "y": recipe.quantity}
        for name, usual in (("statistic", ("median",)), ("band", ("quartiles", "none"))):
            if (given := getattr(recipe, name)) not in usual:
                message = f"points of runs have no {name}: leave it out"
                problems.append(Problem(f"{pointer}/{name}", "no_statistic", message, given))
    for name in ("output", "input"):
        if (channel := getattr(recipe, name)) is not None and recipe.x != "lag":
            message = "only curves by lag have channels: leave it out, or use x = lag"
            problems.append(Problem(f"{pointer}/{name}", "no_channel", message, str(channel)))
    seen: set[str] = set()
    for name, path in axes.items():
        if path in seen:
            problems.append(Problem(f"{pointer}/{name}", "repeated", REPEATED, path))
        seen.add(path)
    return problems
