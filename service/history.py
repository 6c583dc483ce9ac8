"""What happened to an experiment, and what its trainers wrote."""

from fastapi import APIRouter

from service import documentation, wire
from service.edge import Here
from service.ids import ExperimentId
from service.pages import page
from service.parameters import Cursor, Limit
from store import experiments

router = APIRouter(prefix="/v1/experiments/{id:experiment}", tags=["experiments"])
PROBLEMS = documentation.problems(400, 404, 503)


@router.get("/events", response_model=wire.Page[wire.Event], responses=PROBLEMS)
def events(experiment_id: ExperimentId, here: Here, limit: Limit = 50, cursor: Cursor = None) -> wire.Page[wire.Event]:
    """Read the history of an experiment, with every attempt, from its submission on."""
    with here.database.read() as tx:
        found = experiments.events(tx, experiment_id)
    items, following = page(found, lambda event: str(event.number), limit=limit, cursor=cursor)
    return wire.Page(items=[wire.Event.of(event) for event in items], next=following)


@router.get("/log", response_model=wire.Page[wire.Log], responses=PROBLEMS)
def log(experiment_id: ExperimentId, here: Here, limit: Limit = 50, cursor: Cursor = None) -> wire.Page[wire.Log]:
    """Read what the trainers wrote, one text per attempt; a failure's traceback is in it."""
    with here.database.read() as tx:
        found = experiments.logs(tx, experiment_id)
    items, following = page(found, lambda text: str(text.attempt), limit=limit, cursor=cursor)
    return wire.Page(items=[wire.Log.of(text) for text in items], next=following)
