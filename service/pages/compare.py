"""``/compare``: a few experiments side by side."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from core.labels import value_text
from core.symbols import quantity
from service.context import Context
from service.exports import comparison
from service.http.ids import complete_id
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from store.experiments import repository as experiments
from store.query.names import split_names
from store.records import Experiment

router = APIRouter(include_in_schema=False)

METRICS = (
    "train_loss",
    "fit_error",
    "extrapolation_error",
    "relative_extrapolation_error",
    "extrapolation_horizon",
    "effective_rank",
    "imbalance",
    "spectral_radius",
)


@router.get("/compare")
def compare(
    request: Request,
    context: Context,
    ids: Annotated[str, Query(max_length=1000)] = "",
    add: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """Show experiments side by side; fewer than two can be chosen yet."""
    named = ",".join(part for part in (ids, *add.split()) if part.strip(" ,"))
    compared = _experiments(context, named)
    is_complete = len(compared) > 1
    with context.database.read() as tx:
        now = readout(tx, context)
    differences = comparison.spec_differences(compared) if is_complete else []
    statistics = comparison.statistics_by_metric(compared) if is_complete else {}
    return page(
        request,
        "compare.html",
        readout=now,
        compared=[
            comparison.compared_experiment(label, experiment)
            for label, experiment in zip(_labels(compared), compared, strict=True)
        ],
        ids=",".join(experiment.id for experiment in compared),
        differences=[
            (difference.path, quantity(difference.path), [*map(value_text, difference.values)])
            for difference in differences
        ],
        metrics=[(quantity(name), statistics[name]) for name in METRICS if name in statistics],
        maximum=comparison.MAX_EXPERIMENTS,
    )


def _experiments(context: Context, named: str) -> list[Experiment]:
    if not named:
        return []
    ids = [
        complete_id(context, prefix, "/query/ids") for prefix in split_names(named, "/query/ids")
    ]
    if len(ids) > 1:
        return comparison.experiments_of(context, ",".join(dict.fromkeys(ids)))
    with context.database.read() as tx:
        return [experiments.get(tx, name) for name in ids]


def _labels(compared: list[Experiment]) -> list[str]:
    if len(compared) > 1:
        return comparison.labels_of(compared)
    return [experiment.content["name"] or experiment.id for experiment in compared]
