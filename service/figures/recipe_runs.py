"""The runs that a figure of a recipe shows, and what is read of their experiments."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection

from core.recipe import Recipe
from service.figures.plan import Plan
from store.query import run_ends
from store.query.fields import FIELDS
from store.query.run_ends import CompletedExperiment, FinalMetrics
from store.records import Source


class Facts(NamedTuple):
    """The fields read of each experiment after those of the recipe's axes."""

    length: int
    optimizer: str
    source: str
    spec_hash: str

    @classmethod
    def of(cls, experiment: CompletedExperiment) -> "Facts":
        """Those of an experiment that :func:`latest_runs` read."""
        return cls(*experiment.key[-len(cls._fields) :])


_FIELDS = tuple(
    FIELDS[name] for name in ("training.length", "optimizer.kind", "source", "spec_hash")
)


def latest_runs(
    tx: Connection, plan: Plan, metrics: Sequence[str]
) -> tuple[Sequence[CompletedExperiment], FinalMetrics, np.ndarray]:
    """The experiments, their runs, and the indices of the runs that count.

    The keys of the experiments end with their :class:`Facts`.
    """
    experiments = run_ends.completed_experiments(tx, plan.query, [*plan.fields, *_FIELDS])
    runs = run_ends.final_metrics(tx, [experiment.id for experiment in experiments], metrics)
    return experiments, runs, run_ends.latest_runs(experiments, runs)


def are_imported(experiments: Sequence[CompletedExperiment], runs: FinalMetrics) -> np.ndarray:
    """A mask of the runs that were imported."""
    sources = [Facts.of(experiment).source == Source.IMPORT for experiment in experiments]
    return np.array(sources, bool)[runs.experiment_index]


def setups_of(
    experiments: Sequence[CompletedExperiment], runs: FinalMetrics, indices: np.ndarray
) -> frozenset[str]:
    """The setups of these runs."""
    return frozenset(
        experiments[index].setup_hash for index in np.unique(runs.experiment_index[indices])
    )


def series_and_facet(recipe: Recipe, coordinates: Sequence[Any]) -> tuple[Any, Any]:
    """The first coordinates, after x; None for an axis that the recipe doesn't have."""
    remaining = iter(coordinates)
    series = next(remaining) if recipe.series else None
    return series, next(remaining) if recipe.facets else None
