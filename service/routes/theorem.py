"""``GET /v1/experiments/{id}/theorem``: the main theorem's assumptions, checked on a spec."""

from fastapi import APIRouter

from service import schemas
from service.context import Context
from service.http import examples, openapi
from service.http.ids import ExperimentId
from service.intake.theorem import check_theorem
from store.experiments import repository as experiments

router = APIRouter(prefix="/v1/experiments/{id:experiment}", tags=["results"])


@router.get(
    "/theorem",
    response_model=schemas.Theorem,
    responses={
        200: openapi.answer("The checked assumptions.", examples.THEOREM),
        **openapi.problems(404, 503),
    },
)
def read(experiment_id: ExperimentId, context: Context) -> schemas.Theorem:
    """Check the assumptions of the main theorem on an experiment's spec.

    If all of them hold, a student that fits must extrapolate. `condition` says how small the loss
    of its runs became.
    """
    with context.database.read() as tx:
        experiment = experiments.get(tx, experiment_id)
    return check_theorem(experiment.spec, experiment.runs)
