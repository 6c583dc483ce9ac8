"""An experiment's history: its events, and the logs of its trainers."""

from fastapi import APIRouter

from service import schemas
from service.context import Context
from service.http import openapi
from service.http.ids import ExperimentId
from service.http.pagination import page
from service.http.parameters import Cursor, Limit
from store.experiments import repository as experiments

router = APIRouter(prefix="/v1/experiments/{id:experiment}", tags=["experiments"])
PROBLEMS = openapi.problems(400, 404, 503)


@router.get(
    "/events",
    response_model=schemas.Page[schemas.Event],
    responses=PROBLEMS,
    response_description="One page of events, oldest first.",
)
def events(
    experiment_id: ExperimentId, context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Event]:
    """Read an experiment's events, from its submission on, with every attempt."""
    with context.database.read() as tx:
        history = experiments.events(tx, experiment_id)
    items, next_cursor = page(history, lambda event: str(event.number), limit=limit, cursor=cursor)
    return schemas.Page(
        items=[schemas.Event.from_record(event) for event in items], next=next_cursor
    )


@router.get(
    "/log",
    response_model=schemas.Page[schemas.Log],
    responses=PROBLEMS,
    response_description="One page of logs.",
)
def log(
    experiment_id: ExperimentId, context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Log]:
    """Read the trainers' logs of an experiment, one per attempt.

    The log of a failed attempt ends with the traceback.
    """
    with context.database.read() as tx:
        logs = experiments.logs(tx, experiment_id)
    items, next_cursor = page(logs, lambda log: str(log.attempt), limit=limit, cursor=cursor)
    return schemas.Page(items=[schemas.Log.from_record(log) for log in items], next=next_cursor)
