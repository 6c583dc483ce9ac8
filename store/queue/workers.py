"""The worker slots of the lab: each has a row here while it lives, and its heartbeat in it."""

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from store.db.database import now
from store.db.tables import workers
from store.errors import NotFound
from store.records import WorkerRecord

_UPDATE = update(workers).where(workers.c.id == bindparam("slot_id")).returning(workers.c.draining)


def register(tx: Connection, worker: WorkerRecord) -> None:
    """Adds a worker slot with a heartbeat of now, replacing one with the same id."""
    remove(tx, worker.id)
    tx.execute(insert(workers).values({**vars(worker), "heartbeat_at": now(tx)}))


def heartbeat(
    tx: Connection, worker_id: str, experiment_id: str | None, trainer_pid: int | None
) -> bool:
    """Records that a slot is alive and the experiment that it works on, if any.

    Returns:
        True if the slot is being drained: it should hand back its experiment and claim no more.

    Raises:
        NotFound: The slot isn't registered, or was removed after a long silence; register it again.
    """
    values = {"heartbeat_at": now(tx), "experiment_id": experiment_id, "trainer_pid": trainer_pid}
    draining = tx.scalars(_UPDATE, {"slot_id": worker_id, **values}).first()
    if draining is None:
        raise NotFound("worker", worker_id)
    return draining


def drain(tx: Connection, worker_id: str) -> WorkerRecord:
    """Asks a slot to claim no more, which it sees at its next heartbeat. Idempotent.

    Raises:
        NotFound: There is no such slot.
    """
    row = None
    if worker_id.isascii() and worker_id.isprintable():  # PostgreSQL refuses some other characters
        change = update(workers).where(workers.c.id == worker_id).values(draining=True)
        row = tx.execute(change.returning(*workers.c)).mappings().first()
    if row is None:
        raise NotFound("worker", worker_id)
    return WorkerRecord(**row)


def remove(tx: Connection, worker_id: str) -> None:
    """Removes a slot that is shutting down."""
    tx.execute(delete(workers).where(workers.c.id == worker_id))


def listing(tx: Connection) -> list[WorkerRecord]:
    """All worker slots, by host and pid."""
    query = select(workers).order_by(workers.c.host, workers.c.pid, workers.c.id)
    return [WorkerRecord(**row) for row in tx.execute(query).mappings()]


def count_idle(tx: Connection, device: str, fresh_seconds: float) -> int:
    """The number of idle, undrained slots of a device whose last heartbeat is recent enough."""
    is_idle = (
        workers.c.device == device,
        workers.c.experiment_id.is_(None),
        ~workers.c.draining,
        workers.c.heartbeat_at >= now(tx) - fresh_seconds,
    )
    return tx.scalars(select(func.count()).select_from(workers).where(*is_idle)).one()


def remove_silent(tx: Connection, silent_seconds: float) -> None:
    """Removes slots without a recent heartbeat, such as after a power cut."""
    tx.execute(delete(workers).where(workers.c.heartbeat_at < now(tx) - silent_seconds))
