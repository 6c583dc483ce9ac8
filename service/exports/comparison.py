"""Comparisons: a few experiments side by side, by what differs between them and how they ended."""

from collections.abc import Sequence
from typing import Any

from core.errors import Problem
from core.result import METRICS, Outcome
from core.spec.difference import Difference, differences
from core.spec.experiment import METADATA
from core.spec.experiment_labels import experiment_labels
from core.statistics import STATISTICS, values_of_runs
from service import schemas
from service.context import AppContext
from service.exports.group_rows import Statistics, statistics_of
from service.http.errors import Invalid
from service.http.ids import complete_id
from store.experiments import repository as experiments
from store.query.names import split_names
from store.records import Experiment

MAX_EXPERIMENTS = 12


def experiments_of(context: AppContext, ids: str) -> list[Experiment]:
    """The experiments with these ids or prefixes of ids."""
    prefixes = split_names(ids, "/query/ids", Invalid)
    names = [complete_id(context, prefix, "/query/ids") for prefix in prefixes]
    if not 2 <= len(names) <= MAX_EXPERIMENTS or len(set(names)) < len(names):
        message = f"should name two to {MAX_EXPERIMENTS} different experiments"
        raise Invalid(Problem("/query/ids", "wrong_count", message, str(len(set(names)))))
    with context.database.read() as tx:
        return [experiments.get(tx, name) for name in names]


def spec_differences(compared: Sequence[Experiment]) -> list[Difference]:
    """The differences of the specs without their metadata."""
    return differences([_part(experiment, metadata=False) for experiment in compared])


def metadata_differences(compared: Sequence[Experiment]) -> list[Difference]:
    """The differences of names, tags and notes."""
    return differences([_part(experiment, metadata=True) for experiment in compared])


def _part(experiment: Experiment, *, metadata: bool) -> dict[str, Any]:
    return {
        name: value for name, value in experiment.content.items() if (name in METADATA) == metadata
    }


def labels_of(compared: Sequence[Experiment]) -> list[str]:
    """A label for each experiment, by what tells them apart."""
    contents = [experiment.content for experiment in compared]
    ids, names = [experiment.id for experiment in compared], [spec["name"] for spec in contents]
    return experiment_labels(ids, names, contents)


def compared_experiment(label: str, experiment: Experiment) -> schemas.ComparedExperiment:
    """The answer for one experiment of a comparison."""
    outcomes = [run.outcome for run in experiment.runs if run.outcome is not None]
    return schemas.ComparedExperiment(
        id=experiment.id,
        name=experiment.content["name"],
        label=label,
        state=experiment.state,
        setup_hash=experiment.setup_hash,
        seeds=len(experiment.runs),
        outcomes={outcome: outcomes.count(outcome) for outcome in Outcome if outcome in outcomes},
    )


def statistics_by_metric(
    compared: Sequence[Experiment],
) -> dict[str, list[dict[str, float] | None]]:
    """By metric, statistics over the ended runs of each experiment; None if none has ended."""
    values = {}
    for experiment in compared:
        ended = [run for run in experiment.runs if run.outcome is not None]
        if ended:
            values[experiment.id] = values_of_runs(ended, list(METRICS))
    statistics: dict[str, Statistics] = statistics_of(values, list(METRICS), STATISTICS)
    return {
        metric: [
            statistics[experiment.id][metric] if experiment.id in statistics else None
            for experiment in compared
        ]
        for metric in METRICS
    }
