"""What happened to an experiment, and what its trainers wrote."""

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


@router.get("/events", response_model=schemas.Page[schemas.Event], responses=PROBLEMS)
def events(
    experiment_id: ExperimentId, context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Event]:
    """Read the history of an experiment, with every attempt, from its submission on."""
    with context.database.read() as tx:
        found = experiments.events(tx, experiment_id)
    items, following = page(found, lambda event: str(event.number), limit=limit, cursor=cursor)
    return schemas.Page(items=[schemas.Event.from_record(event) for event in items], next=following)


@router.get("/log", response_model=schemas.Page[schemas.Log], responses=PROBLEMS)
def log(
    experiment_id: ExperimentId, context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Log]:
    """Read what the trainers wrote, one text per attempt; a failure's traceback is in it."""
    with context.database.read() as tx:
        found = experiments.logs(tx, experiment_id)
    items, following = page(found, lambda text: str(text.attempt), limit=limit, cursor=cursor)
    return schemas.Page(items=[schemas.Log.from_record(text) for text in items], next=following)
