"""``/``: what the machines do now, what waits, and what needs somebody."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from service import schemas
from service.context import AppContext, Context
from service.pages import sparkline
from service.pages.readout import readout
from service.pages.rendering import page
from store import attention
from store.db.database import now
from store.experiments import results
from store.queue import workers
from store.queue.finished import HOUR, Hour, finished_by_hour

router = APIRouter(include_in_schema=False)

NEXT = 12
"""Most waiting experiments that are listed."""

SPARKS = 24
"""Most slots whose experiments have a curve: each is read from the points recorded so far."""


@dataclass(frozen=True)
class Slot:
    """A worker slot, and the loss of what it runs as an SVG path."""

    worker: schemas.Worker
    spark: str


@router.get("/")
def lab(request: Request, context: Context) -> HTMLResponse:
    """Show the lab."""
    with context.database.read() as tx:
        at = now(tx)
        shown = readout(tx, context, limit=NEXT)
        needs = attention.notices(
            tx, context.database, fresh_seconds=context.settings.lease_seconds
        )
        slots = worker_slots(tx, context)
        midnight = at - at % (24 * HOUR)
        hours = finished_by_hour(tx, midnight)
    return page(
        request,
        "lab.html",
        readout=shown,
        slots=slots,
        attention=needs,
        hours=_bars(hours),
        finished=sum(hour.completed for hour in hours),
        failed=sum(hour.failed for hour in hours),
        is_empty=not shown.last_event,
    )


def worker_slots(tx: Connection, context: AppContext) -> list[Slot]:
    """All worker slots, the first ones with sparklines."""
    at = now(tx)
    slots = []
    for number, activity in enumerate(workers.activities(tx)):
        worker = schemas.Worker.from_record(activity, at, context.settings.lease_seconds)
        spark = _spark(tx, worker) if number < SPARKS else ""
        slots.append(Slot(worker, spark))
    return slots


def _spark(tx: Connection, worker: schemas.Worker) -> str:
    if worker.experiment_id is None or worker.progress is None:
        return ""
    points = results.series(tx, worker.experiment_id, names=["train_loss"])
    first = points["seed"] == points["seed"][:1]
    return sparkline.path(points["step"][first], points["train_loss"][first], worker.progress.of)


@dataclass(frozen=True)
class Bar:
    """An hour of the chart of finished experiments: heights from 0 to 1."""

    hour: int
    completed: float
    failed: float


def _bars(hours: list[Hour]) -> list[Bar]:
    most = max((hour.completed + hour.failed for hour in hours), default=1)
    return [Bar(hour.hour, hour.completed / most, hour.failed / most) for hour in hours]
