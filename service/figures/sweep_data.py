"""The data of a sweep's figures, read from its completed experiments."""

import itertools

import numpy as np
from sqlalchemy import Connection

from core.figures import SWEEP_FIGURES, Info
from core.figures.recipes import baseline, wording
from core.figures.recipes import cells as figure_cells
from core.labels import how_many
from core.recipe import DEFAULT_METRIC, Recipe
from service.figures import sweep_axes
from store.query import run_ends
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps.repository import Sweep


def sweep_data(
    tx: Connection,
    sweep_id: str,
    name: str,
    *,
    x: str | None = None,
    y: str = DEFAULT_METRIC,
    series: str | None = None,
) -> Info:
    """The data of one of :data:`core.figures.SWEEP_FIGURES`; axes that are None are chosen.

    Raises:
        NotFound: There is no such sweep.
        Invalid: The sweep has no such axes, or none that the figure can show.
    """
    sweep = sweeps.get(tx, sweep_id)
    members, _ = sweeps.members(tx, sweep_id)
    x, series = sweep_axes.choose(sweep, members, name, x=x, series=series, y=y)
    recipe = Recipe(
        kind="lines" if name == "lines" else "heatmap",
        query=sweep_axes.filter_of(sweep_id),
        x=x,
        y=y,
        series=series,
    )
    metrics = baseline.metrics(recipe)
    with sweep_axes.reading_runs():
        runs = run_ends.completed_runs(tx, sweep_axes.query(sweep_id), metrics)
    # all runs of an experiment have one teacher
    first_values = [of_one.values[0, -1] for of_one in runs.values()]
    choice = baseline.choose(recipe, np.array(first_values))
    recipe, shown = choice.recipe, dict(itertools.compress(runs.items(), choice.has_value))
    outcomes = [outcome for of_one in shown.values() for outcome in of_one.outcomes]
    drawn = shown if name == "lines" else runs  # a heat map shows where it is undefined
    column = metrics.index(recipe.quantity)
    cells = sweep_axes.cells(members, drawn, x, series, column=column)
    heading = wording.heading(
        recipe,
        title=sweep.name or sweep.id,
        source=_source(sweep),
        hashes=[member.spec_hash for member in members if member.experiment_id in shown],
        outcomes=outcomes,
        pooled=figure_cells.pooled(cells),
        left_out=wording.left_out(
            without_baseline=sum(len(of_one.outcomes) for of_one in runs.values()) - len(outcomes)
        ),
        note=choice.note,
    )
    return SWEEP_FIGURES[name].data(heading, cells, recipe)


def _source(sweep: Sweep) -> str:
    count, completed = sum(sweep.counts.values()), sweep.counts[State.COMPLETED]
    return f"Extrapolab, {sweep.id}, {completed} of {how_many(count, 'experiment')} completed"
