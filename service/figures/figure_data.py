"""From a recipe to a figure: what it names is found in the store, and becomes the numbers of the figure."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from core.errors import Problem
from core.figures import Figure, Info, NotDrawable, heatmap, panels, wording
from core.figures import cells as numbers
from core.figures import curves as whole
from core.figures.cells import Cell
from core.figures.coordinates import is_number, key
from core.figures.curves import Curve
from core.recipe import Recipe
from core.statistics import as_counted
from service.http.errors import unknown
from store.query import curves, run_ends
from store.query.errors import BadQuery, named
from store.query.fields import FIELDS, Field, Scope
from store.query.query import ExperimentQuery
from store.query.run_ends import Ended, Endings
from store.records import Source

INKS = {
    "lines": Figure(panels.PanelsInfo, panels.draw),
    "heatmap": Figure(heatmap.HeatmapInfo, heatmap.draw),
}
"""How each kind of recipe is drawn."""

MOST_LINES, MOST_PANELS, MOST_CELLS = 24, 12, 400
"""Values that series and facets of a figure, and an axis of a heat map, may have."""

_SINGLE = [field.name for field in FIELDS.values() if field.scope is Scope.EXPERIMENT]
_BESIDES = (FIELDS["training.length"], FIELDS["source"], FIELDS["spec_hash"])

MOST_CURVES = 20_000
"""Runs whose whole curves one figure shows."""


@dataclass(frozen=True)
class Plan:
    """A recipe whose every word is understood."""

    recipe: Recipe
    question: ExperimentQuery
    fields: Sequence[Field]


def plan(recipe: Recipe, at: str) -> Plan | list[Problem]:
    """The plan of a recipe; or everything that is wrong with it.

    ``at`` is the pointer of the recipe in the request.
    """
    problems: list[Problem] = []
    question = None
    try:
        question = ExperimentQuery.of(recipe.query or None)
    except BadQuery as error:
        problems += error.at(f"{at}/query").problems
    axes = {
        name: path
        for name in ("x", "series", "facets")
        if (path := getattr(recipe, name)) is not None
    }
    fields = []
    for name, path in axes.items():
        if name == "x" and recipe.is_along:
            continue
        try:
            fields.append(
                named(path, among=[*_SINGLE, "step", "lag", "rank"] if name == "x" else _SINGLE)
            )
        except BadQuery as error:
            problems += error.at(f"{at}/{name}").problems
    if recipe.shown not in recipe.choices:
        problems.append(
            unknown(
                f"{at}/y", "curve" if recipe.is_along else "metric", recipe.shown, recipe.choices
            )
        )
    problems += [
        Problem(f"{at}/{name}", code, message, given)
        for name, code, message, given in _clashes(recipe, axes)
    ]
    return problems if problems or question is None else Plan(recipe, question, fields)


def _clashes(recipe: Recipe, axes: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """What parts of a recipe don't go together."""
    found = []
    if recipe.kind == "heatmap" and recipe.is_along:
        found.append(
            ("x", "no_axis", "a heat map needs a field of experiments on each axis", recipe.x)
        )
    if recipe.kind == "heatmap" and recipe.series is None:
        found.append(
            (
                "series",
                "no_axis",
                "a heat map needs two axes: name the field that runs upwards",
                "nothing",
            )
        )
    if recipe.kind == "lines" and recipe.band == "standard_error" and recipe.statistic != "mean":
        found.append(
            (
                "band",
                "other_statistic",
                "a standard error is of the mean: take statistic mean",
                recipe.band,
            )
        )
    places = list(axes.items())
    for n, (name, path) in enumerate(places):
        if path in [other for _, other in places[:n]]:
            found.append(
                (
                    name,
                    "repeated",
                    "is on another axis already; name another field, or leave it out",
                    path,
                )
            )
    return found


def drawn(tx: Connection, made: Plan, source: str) -> Info:
    """The numbers of the figure.

    Raises:
        NotDrawable: Nothing is completed yet, or there are too many values on an axis, or some that
            are no numbers.
    """
    return _along(tx, made, source) if made.recipe.is_along else _against(tx, made, source)


def _against(tx: Connection, made: Plan, source: str) -> Info:
    """A metric at the end of runs, against a field."""
    recipe = made.recipe
    found, ended, counted = _ended(tx, made, [recipe.shown])
    values = as_counted(ended.numbers, ended.diverged, [recipe.shown])[:, 0]
    pooled: dict[tuple[str, ...], tuple[tuple[Any, ...], list[float]]] = {}
    for owner, number in zip(ended.owners[counted].tolist(), values[counted].tolist(), strict=True):
        place = found[owner].key[: len(made.fields)]
        pooled.setdefault(tuple(map(key, place)), (place, []))[1].append(number)
    cells = [_cell(recipe, place, "completed", tuple(own)) for place, own in pooled.values()]
    if recipe.kind == "heatmap":
        pending = run_ends.unfinished(tx, made.question, made.fields)
        cells += [_cell(recipe, place, state, ()) for state, place in pending]
    cells.sort(key=lambda cell: _order(cell.series, cell.facet))
    _refuse(recipe, cells, runs=len(counted))
    heading = _heading(
        recipe, source, {found[owner] for owner in ended.owners[counted]}, len(counted)
    )
    if recipe.kind == "heatmap":
        return heatmap.HeatmapInfo(**heading, **heatmap.maps(cells, recipe))
    return panels.of_runs(heading, numbers.panels(cells, recipe))


def _ended(
    tx: Connection, made: Plan, metrics: Sequence[str]
) -> tuple[Sequence[Ended], Endings, np.ndarray]:
    """Experiments, the fields of :data:`_BESIDES` behind their keys; their runs, and the places of those that count.

    A run that was computed again counts once, as it was last.
    """
    found = run_ends.ended(tx, made.question, [*made.fields, *_BESIDES])
    ended = run_ends.read(tx, [one.id for one in found], metrics)
    if not len(ended):
        return found, ended, np.empty(0, np.int64)
    setups = {one.setup: n for n, one in enumerate(reversed(found))}
    own = np.array([setups[one.setup] for one in found], np.int64)[ended.owners]
    _, first = np.unique(np.stack([own, ended.seeds]), axis=1, return_index=True)
    return found, ended, np.sort(first)


def _order(series: Any, facet: Any) -> tuple[str, str]:
    """Words by the alphabet, so that no order changes as results land; numbers are put in order later."""
    return key(facet), key(series)


def _cell(recipe: Recipe, place: Sequence[Any], state: str, values: tuple[float, ...]) -> Cell:
    x, *others = place
    series, facet = _others(recipe, others)
    return Cell(x, series, state, values, facet)


def _others(recipe: Recipe, place: Sequence[Any]) -> tuple[Any, Any]:
    """The coordinates of series and facets; None where there is no such axis."""
    found = iter(place)
    series = next(found) if recipe.series else None
    return series, next(found) if recipe.facets else None


def _along(tx: Connection, made: Plan, source: str) -> Info:
    """Whole curves of runs."""
    recipe = made.recipe
    found, ended, counted = _ended(tx, made, [])
    if len(counted) > MOST_CURVES:
        message = f"the query finds {len(counted):,} runs, and curves of at most {MOST_CURVES:,} are read at once"
        raise NotDrawable(f"{message}: narrow it")
    runs = {(found[ended.owners[n]].id, int(ended.seeds[n])): n for n in counted}
    order = {one.id: (*_order(*_others(recipe, one.key)), one.id) for one in found}
    ids = sorted({name for name, _ in runs}, key=lambda name: order[name])
    if recipe.x == "step":
        read = curves.of_series(tx, ids, recipe.shown)
    else:
        read = curves.of_arrays(tx, ids, "response" if recipe.x == "lag" else recipe.shown)
    of_teacher = recipe.x == "lag" or recipe.shown == "hankel_singular_values"
    teachers = curves.teachers(tx, ids) if of_teacher else {}
    own: dict[str, list[Curve]] = {name: [] for name in ids}
    diverged = ended.diverged
    for name, seed, where, what in read:
        if (n := runs.get((name, seed))) is not None:
            one = found[ended.owners[n]]
            *place, length, _, _ = one.key
            x, y, reference = whole.shown(recipe.shown, where, what, teachers.get(name))
            if diverged[n] and recipe.x != "step":
                y = np.full(len(x), np.inf)
            own[name].append(Curve(*_others(recipe, place), length, x, y, reference))
    lines = [line for of_one in own.values() for line in of_one]
    if len(counted) and not lines:
        raise NotDrawable(
            f"all that the query finds was imported, and has nothing along {recipe.x}"
        )
    _refuse(recipe, lines, runs=len(lines))
    heading = _heading(recipe, source, {one for one in found if own.get(one.id)}, len(lines))
    return panels.of_runs(heading, whole.panels(lines, recipe))


def _heading(recipe: Recipe, source: str, drawn: Set[Ended], runs: int) -> dict[str, Any]:
    hashes = sorted({one.key[-1] for one in drawn})
    imported = len({one.key[-1] for one in drawn if one.key[-2] == Source.IMPORT})
    told = f"Extrapolab, {source}{len(hashes)} experiments{f' ({imported} imported)' if imported else ''}, {runs} runs"
    called = wording.title(recipe)
    return wording.heading(
        recipe, called=called, source=told, hashes=hashes, runs=runs, imported=imported
    )


def _refuse(recipe: Recipe, shown: Sequence[Cell | Curve], *, runs: int) -> None:
    """Refuses what no figure can show; raises NotDrawable."""
    if not runs:
        raise NotDrawable("no experiment that the query finds is completed yet")
    counts = {"facets": (len({key(one.facet) for one in shown}), MOST_PANELS)}
    counts["series"] = (
        len({key(one.series) for one in shown}),
        MOST_LINES if recipe.kind == "lines" else MOST_CELLS,
    )
    xs = [one.x for one in shown if isinstance(one, Cell)]
    if recipe.kind == "heatmap":
        counts["x"] = len({key(x) for x in xs}), MOST_CELLS
    elif not all(is_number(x) for x in xs):
        odd = next(x for x in xs if not is_number(x))
        message = (
            f"{recipe.x} is {odd!r} in some experiments, which has no place on an axis of numbers"
        )
        raise NotDrawable(f"{message}: narrow the query, or make it the series")
    for name, (count, most) in counts.items():
        if count > most:
            message = f"{name} {getattr(recipe, name)} has {count} values, and at most {most} can be shown"
            raise NotDrawable(f"{message}: narrow the query, or take another field")
