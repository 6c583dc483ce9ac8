"""Reads the content of a paper: of a study, a sweep, a query, or saved figures."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from core.errors import Problem
from core.figures import FIGURES, RECIPE_FIGURES, STUDY_FIGURES, SWEEP_FIGURES, Info
from core.look import Look
from core.recipe import Recipe
from core.studies import Size
from service.figures import sweep_axes
from service.figures.figure_data import figure_data
from service.figures.plan import Plan, plan_of
from service.figures.sweep_data import sweep_data
from service.http.errors import Invalid, Missing, NoResultYet
from service.paper.content import MAX_EXPERIMENTS, FigureSet, Paper, completed
from service.paper.recipes import recipes_of
from service.stored_study import read_study
from store import saved_figures
from store.errors import NotFound
from store.experiments import results
from store.query import pages
from store.query.query import ExperimentQuery
from store.records import Experiment, Source
from store.states import State
from store.sweeps import repository as sweeps

FEW = 6
"""Up to this number of experiments, a paper on a query shows each of them."""

EXPERIMENT_FIGURES = ("response", "training")


def of_study(tx: Connection, name: str, size: Size, look: Look) -> Paper:
    """A study: its figures, its claims and their verdicts.

    Raises:
        Missing: There is no such study.
        NoResultYet: No experiment of it is completed.
    """
    stored = read_study(tx, name, size, "/query/study")
    study, figures = stored.study, FigureSet(look)
    experiments = _require(completed(stored.experiments), "this study")
    for figure_name, figure in STUDY_FIGURES.items():
        figures.add(f"{name}-{figure_name}", figure, stored.figure_data, figure_name)
    return Paper(
        name=f"{name}-{size}",
        title=study.title,
        introduction=f"{study.question} {_counted(len(experiments), stored.expected)}",
        source={"study": name, "size": size},
        experiments=experiments,
        figures=figures.figures,
        left_out=figures.left_out,
        claims=stored.claims,
        background=study.works,
    )


def of_sweep(tx: Connection, sweep_id: str, look: Look) -> Paper:
    """A sweep: its lines and its heat map, as far as its axes allow them.

    Raises:
        Missing: There is no such sweep.
        NoResultYet: No experiment of it is completed.
    """
    with _at("/query/sweep"):
        sweep = sweeps.get(tx, sweep_id)
    figures = FigureSet(look)
    query = sweep_axes.query(sweep_id)
    experiments = _require(_completed_matches(tx, query, "/query/sweep"), "this sweep")
    for name, figure in SWEEP_FIGURES.items():
        figures.add(name, figure, sweep_data, tx, sweep_id, name)
    return Paper(
        name=sweep_id,
        title=sweep.name or sweep_id,
        introduction=f"A sweep. {_counted(len(experiments), sum(sweep.counts.values()))}",
        source={"sweep": sweep_id},
        experiments=experiments,
        figures=figures.figures,
        left_out=figures.left_out,
    )


def of_query(tx: Connection, q: str, look: Look) -> Paper:
    """What a filter finds: figures over the fields that vary, and each of a few experiments.

    Raises:
        BadQuery: The filter is not valid.
        NoResultYet: No matching experiment is completed.
    """
    query, figures = ExperimentQuery.parse(q or None), FigureSet(look)
    experiments = _require(_completed_matches(tx, query, "/query/q"), "this query")
    for name, recipe in recipes_of(experiments, q).items():
        figures.add(name, RECIPE_FIGURES[recipe.kind], _recipe_data, tx, recipe)
    if len(experiments) <= FEW:
        for number, experiment in enumerate(experiments, 1):
            for name in EXPERIMENT_FIGURES:
                file = f"{name}-{number}"
                figures.add(file, FIGURES[name], _experiment_data, tx, experiment, name)
    return Paper(
        name="query",
        title=q or "All experiments",
        introduction=_counted(len(experiments), len(experiments)),
        source={"q": q},
        experiments=experiments,
        figures=figures.figures,
        left_out=figures.left_out,
    )


def of_saved_figures(tx: Connection, ids: Sequence[str], look: Look) -> Paper:
    """Saved figures, and the experiments that they show; ``look`` comes before a recipe's own.

    Raises:
        Missing: There is no such figure.
        NoResultYet: No experiment that they show is completed.
    """
    with _at("/query/figures"):
        recipes = {figure_id: saved_figures.get(tx, figure_id).recipe for figure_id in ids}
    figures = FigureSet(look)
    experiments: dict[str, Experiment] = {}
    for figure_id, recipe in recipes.items():
        query = ExperimentQuery.parse(recipe.query or None)
        matches = _completed_matches(tx, query, "/query/figures")
        experiments.update((match.id, match) for match in matches)
        figures.add(
            figure_id,
            RECIPE_FIGURES[recipe.kind],
            _recipe_data,
            tx,
            recipe,
            f"{figure_id}, ",
            look=recipe.merged(look),
        )
    shown = _require(list(experiments.values()), "these figures")
    names = [recipe.name for recipe in recipes.values() if recipe.name]
    return Paper(
        name="figures",
        title=names[0] if len(names) == len(ids) == 1 else "Figures",
        introduction=_counted(len(shown), len(shown)),
        source={"figures": ",".join(ids)},
        experiments=shown,
        figures=figures.figures,
        left_out=figures.left_out,
    )


@contextmanager
def _at(pointer: str) -> Iterator[None]:
    """Turns NotFound into Missing, which points at the parameter."""
    try:
        yield
    except NotFound as error:
        raise Missing(Problem(pointer, "not_found", str(error))) from None


def _counted(completed_count: int, expected: int) -> str:
    if completed_count == expected == 1:
        return "One experiment is completed."
    of_all = "" if completed_count == expected else f"{completed_count} of "
    return f"{of_all}{expected} experiments are completed."


def _require(experiments: list[Experiment], whose: str) -> list[Experiment]:
    """The experiments; raises NoResultYet if there are none."""
    if not experiments:
        message = f"no experiment of {whose} is completed: there is nothing to write of yet"
        raise NoResultYet(Problem("", "no_result_yet", message))
    return experiments


def _completed_matches(tx: Connection, query: ExperimentQuery, pointer: str) -> list[Experiment]:
    """The completed experiments that match; raises Invalid if there are too many."""
    matches = pages.walk(tx, query.where_in("state", [State.COMPLETED]), batch_size=100)
    found = [match.experiment for match in itertools.islice(matches, MAX_EXPERIMENTS + 1)]
    if len(found) > MAX_EXPERIMENTS:
        message = f"finds more than {MAX_EXPERIMENTS:,} completed experiments: narrow it"
        raise Invalid(Problem(pointer, "too_many", message))
    return found


def _recipe_data(tx: Connection, recipe: Recipe, source: str = "") -> Info:
    plan = plan_of(recipe, "/query")
    if not isinstance(plan, Plan):
        raise Invalid(*plan)
    return figure_data(tx, plan, source)


def _experiment_data(tx: Connection, experiment: Experiment, name: str) -> Info:
    if experiment.source is Source.IMPORT:
        message = f"{experiment.id} was imported and has no arrays"
        raise NoResultYet(Problem("", "no_arrays", message))
    result = results.result(tx, experiment.id)
    return FIGURES[name].data(experiment.spec, result, results.series(tx, experiment.id))
