"""The worker slots of the lab: each keeps a row here while it lives, and beats in it."""

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from store.db.database import now
from store.db.tables import workers
from store.errors import NotFound
from store.records import WorkerRecord

_BEAT = update(workers).where(workers.c.id == bindparam("which")).returning(workers.c.draining)


def register(tx: Connection, worker: WorkerRecord) -> None:
    """Adds a worker slot, in place of one with the same id.

    Its heartbeat is now, by the database's clock.
    """
    remove(tx, worker.id)
    tx.execute(insert(workers).values({**vars(worker), "heartbeat_at": now(tx)}))


def beat(
    tx: Connection, worker_id: str, experiment_id: str | None, trainer_pid: int | None
) -> bool:
    """Says that a worker lives, and what it works on, None if on nothing.

    Returns:
        Whether it is drained: to hand back what it works on, and to claim no more.

    Raises:
        NotFound: It isn't registered, or was silent for so long that it was forgotten: register it
            again.
    """
    signs = {"heartbeat_at": now(tx), "experiment_id": experiment_id, "trainer_pid": trainer_pid}
    draining = tx.scalars(_BEAT, {"which": worker_id, **signs}).first()
    if draining is None:
        raise NotFound("worker", worker_id)
    return draining


def drain(tx: Connection, worker_id: str) -> WorkerRecord:
    """Asks a worker slot to claim no more, with its next heartbeat; the slot then.

    Asking twice asks once.

    Raises:
        NotFound: There is none of that id.
    """
    found = None
    if (
        worker_id.isascii() and worker_id.isprintable()
    ):  # others can't be, and PostgreSQL would refuse to look
        change = update(workers).where(workers.c.id == worker_id).values(draining=True)
        found = tx.execute(change.returning(*workers.c)).mappings().first()
    if found is None:
        raise NotFound("worker", worker_id)
    return WorkerRecord(**found)


def remove(tx: Connection, worker_id: str) -> None:
    """Forgets a worker slot that ends."""
    tx.execute(delete(workers).where(workers.c.id == worker_id))


def listing(tx: Connection) -> list[WorkerRecord]:
    """All worker slots, by host and pid."""
    query = select(workers).order_by(workers.c.host, workers.c.pid, workers.c.id)
    return [WorkerRecord(**row) for row in tx.execute(query).mappings()]


def idle(tx: Connection, device: str, fresh_seconds: float) -> int:
    """How many slots of a device could claim now: idle, not drained, heard of within the last so many seconds."""
    lately = workers.c.heartbeat_at >= now(tx) - fresh_seconds
    free = (
        workers.c.device == device,
        workers.c.experiment_id.is_(None),
        ~workers.c.draining,
        lately,
    )
    return tx.scalars(select(func.count()).select_from(workers).where(*free)).one()


def forget_silent(tx: Connection, silent_seconds: float) -> None:
    """Removes the slots that nobody has heard of for so long, as after a power cut."""
    tx.execute(delete(workers).where(workers.c.heartbeat_at < now(tx) - silent_seconds))
