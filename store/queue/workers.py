"""The worker slots of the lab: each has a row here while it lives, and its heartbeat in it."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from store.db.database import now
from store.db.tables import AnyRow, experiments, workers
from store.db.visible import visible_experiments
from store.errors import NotFound
from store.queue.scheduling import SEED_STEPS_PER_SECOND
from store.records import Progress, WorkerRecord
from store.states import State

_RUNNING = visible_experiments(
    experiments.c.id,
    experiments.c.name,
    experiments.c.step,
    experiments.c.of,
    experiments.c.steps_per_second,
    experiments.c.eta_seconds,
    experiments.c.max_memory_mb,
    SEED_STEPS_PER_SECOND.label("speed"),
).where(experiments.c.state == State.RUNNING)
_UPDATE = update(workers).where(workers.c.id == bindparam("slot_id")).returning(workers.c.draining)


class WorkerState(StrEnum):
    """State of a worker slot."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    DRAINED = "drained"
    STALE = "stale"

    @classmethod
    def of_slot(cls, worker: WorkerRecord, at: float, fresh_seconds: float) -> Self:
        """The state of a slot at the database's time: stale before draining before busy."""
        busy = worker.experiment_id is not None
        if at - worker.heartbeat_at > fresh_seconds:
            return cls.STALE
        if worker.draining:
            return cls.DRAINING if busy else cls.DRAINED
        return cls.BUSY if busy else cls.IDLE


@dataclass(frozen=True)
class WorkerActivity:
    """A worker slot and what it runs; all but the first two is None if it runs nothing.

    Attributes:
        worker: The slot.
        name: Its host, device and number there, such as ``node1 cpu·0``.
        experiment_name: The name of the experiment that it runs.
        progress: None before the first step, too.
        seed_steps_per_second: Training speed, summed over seeds.
        memory_limit_mb: The submitter's limit; None without one, too.
    """

    worker: WorkerRecord
    name: str
    experiment_name: str | None = None
    progress: Progress | None = None
    seed_steps_per_second: float | None = None
    memory_limit_mb: int | None = None


def register(tx: Connection, worker: WorkerRecord) -> None:
    """Adds a worker slot with a heartbeat of now, replacing one with the same id."""
    remove(tx, worker.id)
    tx.execute(insert(workers).values({**vars(worker), "heartbeat_at": now(tx)}))


def heartbeat(
    tx: Connection,
    worker_id: str,
    experiment_id: str | None,
    trainer_pid: int | None,
    *,
    memory_mb: float | None = None,
    peak_memory_mb: float | None = None,
) -> bool:
    """Records that a slot is alive, the experiment that it works on, and its trainer's memory.

    Returns:
        True if the slot is being drained: it should hand back its experiment and claim no more.

    Raises:
        NotFound: The slot isn't registered, or was removed after a long silence; register it again.
    """
    values = {
        "heartbeat_at": now(tx),
        "experiment_id": experiment_id,
        "trainer_pid": trainer_pid,
        "memory_mb": memory_mb,
        "peak_memory_mb": peak_memory_mb,
    }
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


def activities(tx: Connection) -> list[WorkerActivity]:
    """All worker slots by host and pid, each with its name and what it runs."""
    slots = listing(tx)
    running = {row.id: row for row in tx.execute(_RUNNING)}
    numbers: Counter[tuple[str, str]] = Counter()
    found = []
    for slot in slots:
        place = slot.host, slot.device
        row = running.get(slot.experiment_id or "")
        activity = WorkerActivity(
            worker=slot,
            name=f"{slot.host} {slot.device}·{numbers[place]}",
            experiment_name=row.name if row else None,
            progress=_progress(row) if row else None,
            seed_steps_per_second=row.speed if row else None,
            memory_limit_mb=row.max_memory_mb if row else None,
        )
        numbers[place] += 1
        found.append(activity)
    return found


def activity(tx: Connection, worker_id: str) -> WorkerActivity:
    """A worker slot with its name and what it runs.

    Raises:
        NotFound: There is no such slot.
    """
    for found in activities(tx):
        if found.worker.id == worker_id:
            return found
    raise NotFound("worker", worker_id)


def _progress(row: AnyRow) -> Progress | None:
    if row.of is None:
        return None
    return Progress(row.step, row.of, row.steps_per_second, row.eta_seconds)


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
