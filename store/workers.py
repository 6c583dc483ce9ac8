"""The worker slots of the lab: each keeps a row here while it lives, and beats in it."""

from sqlalchemy import Connection, delete, func, insert, select, update

from store.database import now
from store.errors import NotFound
from store.records import WorkerRecord
from store.tables import workers


def register(tx: Connection, worker: WorkerRecord) -> None:
    """Adds a worker slot, in place of one with the same id. Its heartbeat is now, by the database's clock."""
    remove(tx, worker.id)
    tx.execute(insert(workers).values({**vars(worker), "heartbeat_at": now(tx)}))


def beat(tx: Connection, worker_id: str, experiment_id: str | None, trainer_pid: int | None) -> None:
    """Says that a worker lives, and what it works on, None if on nothing.

    Raises:
        NotFound: It isn't registered, or was silent for so long that it was forgotten: register it again.
    """
    change = update(workers).where(workers.c.id == worker_id)
    sign = change.values(heartbeat_at=now(tx), experiment_id=experiment_id, trainer_pid=trainer_pid)
    if tx.scalars(sign.returning(workers.c.id)).first() is None:
        raise NotFound("worker", worker_id)


def remove(tx: Connection, worker_id: str) -> None:
    """Forgets a worker slot that ends."""
    tx.execute(delete(workers).where(workers.c.id == worker_id))


def listing(tx: Connection) -> list[WorkerRecord]:
    """All worker slots, by host and pid."""
    query = select(workers).order_by(workers.c.host, workers.c.pid, workers.c.id)
    return [WorkerRecord(**row) for row in tx.execute(query).mappings()]


def idle(tx: Connection, device: str, fresh_seconds: float) -> int:
    """How many slots of a device work on nothing and were heard of within the last so many seconds."""
    lately = workers.c.heartbeat_at >= now(tx) - fresh_seconds
    free = (workers.c.device == device, workers.c.experiment_id.is_(None), lately)
    return tx.scalars(select(func.count()).select_from(workers).where(*free)).one()


def forget_silent(tx: Connection, silent_seconds: float) -> None:
    """Removes the slots that nobody has heard of for so long, as after a power cut."""
    tx.execute(delete(workers).where(workers.c.heartbeat_at < now(tx) - silent_seconds))
