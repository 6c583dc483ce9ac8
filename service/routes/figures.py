"""Figures of one experiment, drawn on request from what is stored, also while it trains."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Response

from core.errors import Problem
from core.figures import FIGURES, NotDrawable
from service.context import Context
from service.figures import rendering
from service.figures.options import FigureOptions, ViewOptions
from service.http.errors import NoResultYet
from service.http.ids import ExperimentId
from store.experiments import repository as experiments
from store.experiments import results
from store.records import Source
from store.states import State

router = APIRouter(prefix="/v1/experiments/{id:experiment}/figures", tags=["figures"])


@rendering.route(router, "/{name}.{format}", 404, 409, 503)
def figure(
    experiment_id: ExperimentId,
    name: Annotated[str, rendering.name_parameter(FIGURES)],
    requested: FigureOptions,
    view: ViewOptions,
    context: Context,
) -> Response:
    """Draw a figure of an experiment.

    Figures of the training itself (`training`, `imbalance`, `eigenvalues`, `trajectory`) are also
    drawn while it runs, up to the last recorded step; the others need a completed experiment.
    `eigenvalues` and `trajectory` need what `evaluation.record` asks for. `training`, `imbalance`
    and `eigenvalues` take `x`.
    """
    chosen = rendering.choose(FIGURES, name, requested, view)
    with context.database.read() as tx:
        experiment = experiments.get(tx, experiment_id)
        has_arrays = experiment.state is State.COMPLETED and experiment.source is Source.LAB
        early = chosen.early and not has_arrays
        result = None if early else results.result(tx, experiment_id)
        series = results.series(tx, experiment_id, [chosen.trajectory] if chosen.trajectory else [])
    if early and not len(series["step"]):
        message = (
            f"the experiment is {experiment.state} and has recorded nothing yet; "
            "wait for its first steps"
        )
        if experiment.source is Source.IMPORT:
            message = "the experiment was imported without a series"
        raise NoResultYet(Problem("", "no_result_yet", message))
    if early and experiment.source is Source.IMPORT:
        result = results.of_import(experiment)
        if chosen.metrics and all(np.isnan(series[name]).all() for name in chosen.metrics):
            raise NotDrawable(
                f"the experiment was imported without {' and '.join(chosen.metrics)} of its points"
            )
    info = chosen.data(experiment.spec, result, series, view=view)
    return rendering.respond(chosen, info, requested)
