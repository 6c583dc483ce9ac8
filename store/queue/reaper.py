"""The reaper takes experiments from workers whose lease has expired."""

from sqlalchemy import Connection, select

from store.db.database import now
from store.db.tables import experiments
from store.queue.release import DECISIVE_COLUMNS, END_EVENTS, state_after_failure
from store.records import EventKind, Failure, FailureKind
from store.states import State
from store.transition import transition

LOST = Failure(
    FailureKind.WORKER_LOST,
    "Its worker or trainer was lost before it could save a checkpoint; "
    "the experiment may need more memory than the machine has.",
)


def reap(tx: Connection, *, max_attempts: int) -> int:
    """Releases every experiment whose lease has expired; returns how many there were.

    They are queued again, failed after ``max_attempts`` attempts in a row without a new checkpoint,
    or cancelled or paused if that was requested. Safe to run in several processes at once.
    """
    at = now(tx)
    expired = tx.execute(
        select(experiments.c.id, experiments.c.attempt, experiments.c.worker_id, *DECISIVE_COLUMNS)
        .where(experiments.c.state == State.RUNNING, experiments.c.lease_until < at)
        .with_for_update(skip_locked=True)
    ).all()
    for row in expired:
        state, values = state_after_failure(row, LOST, max_attempts)
        transition(
            tx,
            row.id,
            State.RUNNING,
            state,
            at=at,
            kind=END_EVENTS.get(state, EventKind.LEASE_EXPIRED),
            detail={"worker": row.worker_id},
            fence=row.attempt,
            values=values,
        )
    return len(expired)
