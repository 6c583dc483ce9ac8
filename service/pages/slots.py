"""The worker slots as pages show them, each with the loss of what it trains."""

from dataclasses import dataclass

from sqlalchemy import Connection

from service import schemas
from service.context import AppContext
from service.pages.marks import sparkline
from store.db.database import now
from store.experiments import results
from store.queue import workers

SPARKS = 24
"""Most slots whose experiments have a curve: each is read from the points recorded so far."""


@dataclass(frozen=True)
class Slot:
    """A worker slot, and the loss of what it runs as an SVG path."""

    worker: schemas.Worker
    spark: str


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
