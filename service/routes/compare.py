"""Comparisons: what differs between experiments, how their runs ended, and figures of all."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from core.errors import Problem
from core.figures import COMPARISON_FIGURES as FIGURES
from core.figures.comparisons.comparison import Compared
from core.result import METRICS, Outcome
from core.spec.difference import Difference, differences
from core.spec.experiment import METADATA
from core.spec.experiment_labels import experiment_labels
from core.statistics import STATISTICS, values_of_runs
from service import schemas
from service.context import AppContext, Context
from service.exports.grouping import Statistics, statistics_of
from service.figures import rendering
from service.figures.options import FigureOptions, ViewOptions
from service.http import examples, openapi
from service.http.errors import Invalid
from service.http.ids import complete_id
from store.experiments import repository as experiments
from store.experiments import results
from store.query.names import split_names
from store.records import Experiment
from store.states import State

router = APIRouter(prefix="/v1/compare", tags=["queries"])

MAX_EXPERIMENTS = 12

Ids = Annotated[
    str,
    Query(
        description=f"Ids of two to {MAX_EXPERIMENTS} experiments, separated by commas; "
        "unique prefixes are enough.",
        examples=[f"{examples.ID},{examples.OTHER_ID}"],
        min_length=1,
        max_length=1000,
    ),
]


@router.get(
    "",
    response_model=schemas.Comparison,
    responses={
        200: openapi.answer("The comparison.", examples.COMPARISON),
        **openapi.problems(404, 503),
    },
)
def compare(context: Context, ids: Ids) -> Response:
    """Compare experiments side by side.

    The answer has the fields of the specs that differ, and statistics of the final metrics of the
    runs.
    """
    compared = _experiments(context, ids)
    joined_ids = ",".join(experiment.id for experiment in compared)
    content = schemas.Comparison(
        experiments=[*map(_compared, _labels(compared), compared)],
        differences=[
            schemas.FieldDifference.model_validate(difference)
            for difference in [*_spec_differences(compared), *_metadata_differences(compared)]
        ],
        metrics=_statistics(compared),
        figures={name: f"/v1/compare/figures/{name}.svg?ids={joined_ids}" for name in FIGURES},
    )
    return Response(schemas.to_json(content), media_type="application/json")


@rendering.route(router, "/figures/{name}.{format}", 404, 409, 503)
def figure(
    context: Context,
    name: Annotated[str, rendering.name_parameter(FIGURES)],
    requested: FigureOptions,
    view: ViewOptions,
    ids: Ids,
) -> Response:
    """Draw experiments over each other: medians over seeds, with quartiles.

    Figures of the training show running experiments up to the last recorded step. `response_ratio`
    and `training_ratio` show each experiment's errors as multiples of the first one's. `training`
    and `training_ratio` take `x`; `step` is refused if only some of the experiments are trained by
    gradient flow, whose steps are stations in time.
    """
    chosen = rendering.choose(FIGURES, name, requested, view)
    compared = _experiments(context, ids)
    labels = _labels(compared)
    with context.database.read() as tx:
        sides = []
        for label, experiment in zip(labels, compared, strict=True):
            needs_result = experiment.state is State.COMPLETED and not chosen.early
            result = results.result(tx, experiment.id) if needs_result else None
            series = results.series(tx, experiment.id) if chosen.early else {}
            outcomes = [run.outcome for run in experiment.runs]
            sides.append(Compared(label, experiment.spec, result, series, outcomes))
    return rendering.respond(chosen, chosen.data(sides, view=view), requested)


def _experiments(context: AppContext, ids: str) -> list[Experiment]:
    """The experiments with these ids or prefixes of ids."""
    prefixes = split_names(ids, "/query/ids", Invalid)
    names = [complete_id(context, prefix, "/query/ids") for prefix in prefixes]
    if not 2 <= len(names) <= MAX_EXPERIMENTS or len(set(names)) < len(names):
        message = f"should name two to {MAX_EXPERIMENTS} different experiments"
        raise Invalid(Problem("/query/ids", "wrong_count", message, str(len(set(names)))))
    with context.database.read() as tx:
        return [experiments.get(tx, name) for name in names]


def _spec_differences(compared: Sequence[Experiment]) -> list[Difference]:
    """The differences of the specs without their metadata."""
    return differences([_part(experiment, metadata=False) for experiment in compared])


def _metadata_differences(compared: Sequence[Experiment]) -> list[Difference]:
    return differences([_part(experiment, metadata=True) for experiment in compared])


def _part(experiment: Experiment, *, metadata: bool) -> dict[str, Any]:
    return {
        name: value for name, value in experiment.content.items() if (name in METADATA) == metadata
    }


def _labels(compared: Sequence[Experiment]) -> list[str]:
    contents = [experiment.content for experiment in compared]
    ids, names = [experiment.id for experiment in compared], [spec["name"] for spec in contents]
    return experiment_labels(ids, names, contents)


def _compared(label: str, experiment: Experiment) -> schemas.ComparedExperiment:
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


def _statistics(compared: Sequence[Experiment]) -> dict[str, list[dict[str, float] | None]]:
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
