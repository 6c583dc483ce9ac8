"""Turns a recipe into the data of a figure: finds the experiments and reads their numbers."""

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from core.figures import RECIPE_FIGURES, Info, NotDrawable, View
from core.figures.coordinates import is_number, key
from core.figures.recipes import baseline, wording
from core.figures.recipes import cells as figure_cells
from core.figures.recipes import curves as figure_curves
from core.figures.recipes import points as figure_points
from core.figures.recipes.cells import Cell
from core.figures.recipes.curves import Curve
from core.figures.recipes.points import Point
from core.figures.teacher import shared_channel
from core.figures.training_axis import refuse_mixed_steps
from core.labels import how_many
from core.recipe import Recipe
from core.result import Outcome
from service.figures.limits import (
    MAX_CELLS_PER_AXIS,
    MAX_CURVES,
    MAX_LINES,
    MAX_PANELS,
    MAX_POINTS,
)
from service.figures.plan import Plan
from service.figures.recipe_runs import (
    Facts,
    are_imported,
    latest_runs,
    series_and_facet,
    setups_of,
)
from store.query import curves, run_ends
from store.query.run_ends import CompletedExperiment, FinalMetrics
from store.records import Source


def figure_data(tx: Connection, plan: Plan, source: str) -> Info:
    """The data of the figure.

    Raises:
        NotDrawable: Nothing is completed, an axis has too many values, or a numeric axis has other
            values than numbers.
    """
    if plan.recipe.shows_curves:
        return _curves_of_runs(tx, plan, source)
    if plan.recipe.shows_points:
        return _points_of_runs(tx, plan, source)
    return _metric_by_field(tx, plan, source)


def _metric_by_field(tx: Connection, plan: Plan, source: str) -> Info:
    """A final metric of runs against a field of their experiments."""
    metrics = baseline.metrics(plan.recipe)
    experiments, runs, counted = latest_runs(tx, plan, metrics)
    recipe, has_value, note = baseline.choose(plan.recipe, runs.values[counted, -1])
    shown, undefined = counted[has_value], counted[~has_value]
    values = run_ends.values_as_counted(runs, metrics)[:, metrics.index(recipe.quantity)]
    is_missing = np.isnan(values[shown]) & are_imported(experiments, runs)[shown]
    shown, missing_count = shown[~is_missing], int(is_missing.sum())
    if missing_count and not len(shown):
        raise NotDrawable(f"all matching runs were imported, without {recipe.quantity}")
    coordinates = [experiment.key[: len(plan.fields)] for experiment in experiments]
    groups = run_ends.group_runs(coordinates, runs, shown)
    cells = [
        replace(
            _cell(recipe, place, "completed", values[indices], runs.outcomes[indices]),
            setups=setups_of(experiments, runs, indices),
        )
        for place, indices in groups.items()
    ]
    if recipe.kind == "heatmap":
        cells += [
            _cell(recipe, place, "completed", np.full(len(indices), np.nan), runs.outcomes[indices])
            for place, indices in run_ends.group_runs(coordinates, runs, undefined).items()
            if place not in groups
        ]
        cells += [
            _cell(recipe, place, state, np.empty(0), np.empty(0))
            for state, place in run_ends.unfinished_experiments(tx, plan.query, plan.fields)
        ]
    # Strings are sorted, so that no order changes as results land; numbers are sorted later.
    cells.sort(key=lambda cell: (key(cell.facet), key(cell.series)))
    _refuse_if_not_drawable(recipe, cells, run_count=len(counted))
    drawn = {experiments[index] for index in np.unique(runs.experiment_index[shown])}
    left_out = wording.left_out(without_baseline=len(undefined), imported=missing_count)
    outcomes, pooled = runs.outcomes[shown].tolist(), figure_cells.pooled(cells)
    heading = _heading(recipe, source, drawn, outcomes, pooled=pooled, left_out=left_out, note=note)
    if recipe.kind == "heatmap":
        return RECIPE_FIGURES["heatmap"].data(heading, cells, recipe)
    return RECIPE_FIGURES["lines"].data(heading, figure_cells.panels(cells, recipe))


def _points_of_runs(tx: Connection, plan: Plan, source: str) -> Info:
    """One final metric of runs against another."""
    metrics = [plan.recipe.x, *baseline.metrics(plan.recipe)]
    experiments, runs, counted = latest_runs(tx, plan, metrics)
    recipe, _, note = baseline.choose(plan.recipe, runs.values[counted, -1])
    values = runs.values[:, [0, metrics.index(recipe.quantity, 1)]]
    diverged = runs.diverged[counted]
    is_shown = ~diverged & np.isfinite(values[counted]).all(axis=1)
    shown = counted[is_shown]
    if len(shown) > MAX_POINTS:
        raise NotDrawable(
            f"the query matches {len(shown):,} runs, and a figure shows at most {MAX_POINTS:,} "
            "points: narrow the query"
        )
    left_out = wording.left_out(
        diverged=int(diverged.sum()), undefined=int((~is_shown & ~diverged).sum())
    )
    if len(counted) and not len(shown):
        raise NotDrawable(
            f"no matching run has both {recipe.x} and {recipe.quantity}: there are {left_out}"
        )
    by_age = sorted(shown, key=lambda run: (-runs.experiment_index[run], runs.seeds[run]))
    points = []
    for run in by_age:
        series, facet = series_and_facet(recipe, experiments[runs.experiment_index[run]].key)
        x, y = values[run].tolist()
        points.append(Point(series, facet, x, y, fitted=runs.outcomes[run] == Outcome.FITTED))
    points.sort(key=lambda point: (key(point.facet), key(point.series)))
    _refuse_if_not_drawable(recipe, points, run_count=len(points))
    drawn = {experiments[index] for index in np.unique(runs.experiment_index[shown])}
    heading = _heading(
        recipe, source, drawn, runs.outcomes[shown].tolist(), left_out=left_out, note=note
    )
    return RECIPE_FIGURES["lines"].data(heading, figure_points.panels(points, recipe))


def _curves_of_runs(tx: Connection, plan: Plan, source: str) -> Info:
    """Whole curves of runs, along steps, training time, lags or ranks."""
    metrics = [baseline.BASELINE] if plan.recipe.quantity == baseline.RELATIVE else []
    experiments, runs, counted = latest_runs(tx, plan, metrics)
    recipe, note, without_baseline = plan.recipe, "", 0
    if metrics:
        recipe, has_value, note = baseline.choose(recipe, runs.values[counted, -1])
        without_baseline = int((~has_value).sum())
        counted = counted[has_value]
    if len(counted) > MAX_CURVES:
        raise NotDrawable(
            f"the query matches {len(counted):,} runs, and a figure shows the curves of at most "
            f"{MAX_CURVES:,}: narrow the query"
        )
    curves_of: dict[str, list[Curve]] = {}
    for experiment, curve in _read_curves(tx, recipe, experiments, runs, counted):
        if Facts.of(experiment).source == Source.IMPORT and np.isnan(curve.y).all():
            continue
        curves_of.setdefault(experiment.id, []).append(curve)
    shown = [curve for of_experiment in curves_of.values() for curve in of_experiment]
    timeless = len(counted) - len(shown) if recipe.x == "time" else 0
    from_lab = any(Facts.of(experiment).source == Source.LAB for experiment in experiments)
    if timeless and not shown and (from_lab or _has_points(tx, recipe, experiments)):
        raise NotDrawable(
            "no matching run recorded a training time, which only gd and gradient_flow have: "
            "use x=step"
        )
    if len(counted) and not shown:
        what = (
            f"points with {recipe.quantity}"
            if recipe.x in ("step", "time")
            else "responses or parameters"
        )
        raise NotDrawable(f"all matching runs were imported, without {what}")
    _refuse_if_not_drawable(recipe, shown, run_count=len(shown))
    drawn = {experiment for experiment in experiments if experiment.id in curves_of}
    if recipe.x == "step":
        refuse_mixed_steps([Facts.of(experiment).optimizer for experiment in drawn])
    outcomes = [curve.outcome for curve in shown]
    missing_count = len(counted) - len(shown) - timeless
    left_out = wording.left_out(
        timeless=timeless, without_baseline=without_baseline, imported=missing_count
    )
    heading = _heading(
        recipe,
        source,
        drawn,
        outcomes,
        pooled=figure_curves.pooled(shown),
        channel=shared_channel(curve.channel for curve in shown),
        left_out=left_out,
        note=note,
    )
    return RECIPE_FIGURES["lines"].data(heading, figure_curves.panels(shown, recipe))


def _has_points(tx: Connection, recipe: Recipe, experiments: Sequence[CompletedExperiment]) -> bool:
    """Whether any of them recorded the quantity by step."""
    ids = [experiment.id for experiment in experiments]
    return any(
        np.isfinite(values).any()
        for _, _, _, values in curves.read_series(tx, ids, recipe.quantity, "step")
    )


def _read_curves(
    tx: Connection,
    recipe: Recipe,
    experiments: Sequence[CompletedExperiment],
    runs: FinalMetrics,
    counted: np.ndarray,
) -> list[tuple[CompletedExperiment, Curve]]:
    """The curve of each counted run that has one, in the order of facets and series."""
    place_of_run = {
        (experiments[runs.experiment_index[place]].id, int(runs.seeds[place])): place
        for place in counted
    }
    sort_keys = {}
    for age, experiment in enumerate(reversed(experiments)):  # they are newest first
        series, facet = series_and_facet(recipe, experiment.key)
        sort_keys[experiment.id] = (key(facet), key(series), age)
    ids = sorted({experiment_id for experiment_id, _ in place_of_run}, key=sort_keys.__getitem__)
    if recipe.x in ("step", "time"):
        stored = curves.read_series(tx, ids, recipe.quantity, recipe.x)
    else:
        stored = curves.read_arrays(tx, ids, "response" if recipe.x == "lag" else recipe.quantity)
    needs_teacher = recipe.x == "lag" or recipe.quantity == "hankel_singular_values"
    teachers = curves.read_teachers(tx, ids) if needs_teacher else {}
    view = View(output=recipe.output, input=recipe.input)
    channels = {
        name: figure_curves.channel(teacher, view) if recipe.x == "lag" else ""
        for name, teacher in teachers.items()
    }
    by_experiment: dict[str, list[tuple[CompletedExperiment, Curve]]] = {
        experiment_id: [] for experiment_id in ids
    }
    for experiment_id, seed, positions, values in stored:
        place = place_of_run.get((experiment_id, seed))
        if place is None:
            continue
        experiment = experiments[runs.experiment_index[place]]
        outcome = str(runs.outcomes[place])
        x, y, reference = figure_curves.plotted(
            recipe.quantity,
            positions,
            values,
            teachers.get(experiment_id),
            view,
        )
        series, facet = series_and_facet(recipe, experiment.key)
        length, setup = Facts.of(experiment).length, experiment.setup_hash
        channel = channels.get(experiment_id, "")
        by_experiment[experiment_id].append(
            (experiment, Curve(series, facet, length, x, y, reference, outcome, setup, channel))
        )
    return [pair for pairs in by_experiment.values() for pair in pairs]


def _cell(
    recipe: Recipe,
    coordinates: Sequence[Any],
    state: str,
    values: np.ndarray,
    outcomes: np.ndarray,
) -> Cell:
    x, *others = coordinates
    series, facet = series_and_facet(recipe, others)
    return Cell(x, series, state, tuple(values.tolist()), facet, tuple(outcomes.tolist()))


def _heading(
    recipe: Recipe,
    source: str,
    drawn: Set[CompletedExperiment],
    outcomes: Sequence[str],
    **words: str,
) -> dict[str, Any]:
    facts = [Facts.of(experiment) for experiment in drawn]
    hashes = sorted({fact.spec_hash for fact in facts})
    imported = len({fact.spec_hash for fact in facts if fact.source == Source.IMPORT})
    of_these = f" ({imported} imported)" if imported else ""
    counts = f"{how_many(len(hashes), 'experiment')}{of_these}, {how_many(len(outcomes), 'run')}"
    return wording.heading(
        recipe,
        source=f"Extrapolab, {source}{counts}",
        hashes=hashes,
        outcomes=outcomes,
        imported=imported,
        **words,
    )


def _refuse_if_not_drawable(
    recipe: Recipe, shown: Sequence[Cell | Curve | Point], *, run_count: int
) -> None:
    """Raises NotDrawable if there is nothing to show, or more than a figure can show."""
    if not run_count:
        raise NotDrawable("no matching experiment is completed yet")
    value_counts = {
        "facets": (len({key(item.facet) for item in shown}), MAX_PANELS),
        "series": (
            len({key(item.series) for item in shown}),
            MAX_LINES if recipe.kind == "lines" else MAX_CELLS_PER_AXIS,
        ),
    }
    xs = [item.x for item in shown if isinstance(item, Cell)]
    if recipe.kind == "heatmap":
        value_counts["x"] = len({key(x) for x in xs}), MAX_CELLS_PER_AXIS
    elif not all(is_number(x) for x in xs):
        other = next(x for x in xs if not is_number(x))
        raise NotDrawable(
            f"{recipe.x} is {other!r} in some experiments, which a numeric axis can't show: "
            "narrow the query, or use this field as the series"
        )
    for axis, (count, maximum) in value_counts.items():
        if count > maximum:
            raise NotDrawable(
                f"{axis} {getattr(recipe, axis)} has {count} values, and a figure shows at most "
                f"{maximum}: narrow the query, or use another field"
            )
