"""What needs somebody: failures of late, silent workers, waiting without a worker, a full disk."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, case, func, select

from core.result import Outcome
from store.db.database import Database, now
from store.db.tables import experiments, runs
from store.db.user_tables import notifications
from store.db.visible import visible_experiments
from store.queue import workers
from store.queue.overview import overview
from store.queue.workers import WorkerState
from store.records import FailureKind
from store.states import State

LATE_SECONDS = 86_400.0
"""Failures and divergence are mentioned for this long."""

MAX_RECENT = 500
"""Newest completed experiments whose seeds are counted."""

MANY_DIVERGED = 0.5
"""Share of seeds whose divergence is mentioned."""

MAX_TARGETS = 3
"""Most targets that are named."""

MIN_FREE_BYTES = 2**30


class NoticeKind(StrEnum):
    """The kinds of notices, most urgent first."""

    DISK = "disk"
    NO_WORKER = "no_worker"
    STALE_WORKER = "stale_worker"
    LOST = "lost"
    FAILED = "failed"
    DIVERGED = "diverged"
    NOT_NOTIFIED = "not_notified"


@dataclass(frozen=True)
class Notice:
    """Something that needs somebody.

    Attributes:
        kind: Its kind.
        sentence: What is the matter.
        action: What to do, in a sentence.
        q: The filter that finds the experiments in question; None if it is about none.
        count: Number of these experiments.
        verb: ``retry`` if that may help them, else None.
    """

    kind: NoticeKind
    sentence: str
    action: str
    q: str | None = None
    count: int = 0
    verb: str | None = None


def notices(tx: Connection, database: Database, *, fresh_seconds: float) -> list[Notice]:
    """All notices, most urgent first.

    Args:
        tx: An open transaction.
        database: The database, for the disk of its file.
        fresh_seconds: A worker is stale if its last heartbeat is older.
    """
    at = now(tx)
    return [
        *_disk(database),
        *_waiting(tx, fresh_seconds),
        *_stale_workers(tx, at, fresh_seconds),
        *_failures(tx, at),
        *_divergence(tx, at),
        *_not_notified(tx, at),
    ]


def _disk(database: Database) -> Iterator[Notice]:
    if database.dialect != "sqlite" or database.url.database is None:
        return
    folder = Path(database.url.database).resolve().parent
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        sentence = f"The disk of the lab's data has {free / 2**20:,.0f} MiB left."
        yield Notice(NoticeKind.DISK, sentence, "Free some space, or results can't be stored.")


def _waiting(tx: Connection, fresh_seconds: float) -> Iterator[Notice]:
    for device in overview(tx, fresh_seconds=fresh_seconds, limit=0).devices:
        if device.waiting and not device.slots:
            subject = _count(device.waiting, "experiment waits", "experiments wait")
            option = " --device cuda" if device.device == "cuda" else ""
            yield Notice(
                NoticeKind.NO_WORKER,
                f"{subject} for a worker on {device.device}, and none is up.",
                f"Start one with 'extrapolab worker{option}'.",
                f"state = queued and device in (auto, {device.device})",
                device.waiting,
            )


def _stale_workers(tx: Connection, at: float, fresh_seconds: float) -> Iterator[Notice]:
    for slot in workers.activities(tx):
        if WorkerState.of_slot(slot.worker, at, fresh_seconds) is WorkerState.STALE:
            silent = at - slot.worker.heartbeat_at
            yield Notice(
                NoticeKind.STALE_WORKER,
                f"Worker {slot.name} has been silent for {silent:,.0f} s.",
                "Look at its host; what it ran goes to another worker.",
            )


def _failures(tx: Connection, at: float) -> Iterator[Notice]:
    lost = FailureKind.WORKER_LOST
    query = (
        visible_experiments(experiments.c.failure_kind, func.count().label("count"))
        .where(experiments.c.state == State.FAILED, experiments.c.finished_at >= at - LATE_SECONDS)
        .group_by(experiments.c.failure_kind)
    )
    failures = {FailureKind(kind): count for kind, count in tx.execute(query)}
    for failure, count in sorted(failures.items(), key=lambda pair: pair[0] is not lost):
        cause = failure.replace("_", " ")
        can_help = failure.is_transient
        yield Notice(
            NoticeKind.LOST if failure is lost else NoticeKind.FAILED,
            f"{_count(count, 'experiment', 'experiments')} of the last day failed: {cause}.",
            "Read a log, then retry them." if can_help else "Read an error, then mend the spec.",
            f"state = failed and failure = {failure} and finished > -1d",
            count,
            "retry" if can_help else None,
        )


def _divergence(tx: Connection, at: float) -> Iterator[Notice]:
    recent = (
        visible_experiments(experiments.c.id, experiments.c.finished_at)
        .where(experiments.c.state == State.COMPLETED)
        .order_by(experiments.c.created_at.desc(), experiments.c.id.desc())
        .limit(MAX_RECENT)
        .subquery()
    )
    is_diverged = case((runs.c.outcome == Outcome.DIVERGED, 1))
    counts = (
        select(func.count().label("seeds"), func.count(is_diverged).label("diverged"))
        .select_from(recent.join(runs, runs.c.experiment_id == recent.c.id))
        .where(recent.c.finished_at >= at - LATE_SECONDS)
    )
    row = tx.execute(counts).one()
    if row.diverged and row.diverged >= MANY_DIVERGED * row.seeds:
        yield Notice(
            NoticeKind.DIVERGED,
            f"{row.diverged:,} of {row.seeds:,} seeds of the last day diverged.",
            "Look at them: the learning rate may be too high.",
            "outcome = diverged and finished > -1d",
        )


def _not_notified(tx: Connection, at: float) -> Iterator[Notice]:
    table = notifications.c
    failed = (
        select(table.shown, func.count().label("failures"))
        .where(table.state == "failed", table.ended_at >= at - LATE_SECONDS)
        .group_by(table.shown)
        .order_by(table.shown)
    )
    rows = tx.execute(failed).all()
    if rows:
        count = sum(row.failures for row in rows)
        targets = ", ".join(row.shown for row in rows[:MAX_TARGETS])
        yield Notice(
            NoticeKind.NOT_NOTIFIED,
            f"{_count(count, 'notification', 'notifications')} of the last day could not be sent: "
            f"{targets}{', ...' if len(rows) > MAX_TARGETS else ''}.",
            "'extrapolab notifications' says why.",
        )


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
