"""Comparisons: what differs between experiments, how their runs ended, and figures of all."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from core.figures import COMPARISON_FIGURES as FIGURES
from core.figures.comparisons.comparison import Compared
from service import schemas
from service.address import at
from service.context import Context
from service.exports import comparison
from service.figures import rendering
from service.figures.options import FigureOptions, ViewOptions
from service.http import examples, openapi
from store.experiments import results
from store.states import State

router = APIRouter(prefix="/v1/compare", tags=["queries"])

Ids = Annotated[
    str,
    Query(
        description=f"Ids of two to {comparison.MAX_EXPERIMENTS} experiments, unique prefixes, "
        "names or `@latest`, separated by commas.",
        examples=[f"{examples.ID},{examples.OTHER_ID}"],
        min_length=1,
        max_length=3000,
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
    compared = comparison.experiments_of(context, ids)
    joined_ids = ",".join(experiment.id for experiment in compared)
    labels = comparison.labels_of(compared)
    differing = comparison.spec_differences(compared) + comparison.metadata_differences(compared)
    content = schemas.Comparison(
        experiments=[*map(comparison.compared_experiment, labels, compared)],
        differences=[
            schemas.FieldDifference.model_validate(difference) for difference in differing
        ],
        metrics=comparison.statistics_by_metric(compared),
        figures={name: at(f"/v1/compare/figures/{name}.svg?ids={joined_ids}") for name in FIGURES},
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
    gradient flow, whose steps are the times at which it was recorded.
    """
    chosen = rendering.choose(FIGURES, name, requested, view)
    compared = comparison.experiments_of(context, ids)
    labels = comparison.labels_of(compared)
    with context.database.read() as tx:
        sides = []
        for label, experiment in zip(labels, compared, strict=True):
            needs_result = experiment.state is State.COMPLETED and not chosen.early
            result = results.result(tx, experiment.id) if needs_result else None
            series = results.series(tx, experiment.id) if chosen.early else {}
            outcomes = [run.outcome for run in experiment.runs]
            sides.append(Compared(label, experiment.spec, result, series, outcomes))
    return rendering.respond(chosen, chosen.data(sides, view=view), requested)
