"""Checkpoints, in two slots per experiment: if the newer is corrupt, the older one remains."""

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, insert, select

from store.db.tables import checkpoints
from store.records import EventKind
from store.transition import record_event

SLOTS = (0, 1)

MAX_MB = 512
"""The largest checkpoint in MiB; both databases refuse a value of 1 GB."""

_of_experiment = checkpoints.c.experiment_id == bindparam("experiment")
_NEWEST_FIRST = (
    select(checkpoints)
    .where(_of_experiment)
    .order_by(checkpoints.c.attempt.desc(), checkpoints.c.step.desc())
)
_DROP = delete(checkpoints).where(_of_experiment)


@dataclass(frozen=True)
class Checkpoint:
    """A state to resume training from.

    Attributes:
        step: The training step it is at.
        chunks: The number of series chunks recorded before it.
        payload: The packed state.
    """

    step: int
    chunks: int
    payload: bytes


def save(tx: Connection, experiment_id: str, attempt: int, checkpoint: Checkpoint) -> bool:
    """Stores a checkpoint over the older one; returns whether its step is the highest so far."""
    is_of_experiment = checkpoints.c.experiment_id == experiment_id
    stored = tx.execute(
        select(checkpoints.c.slot, checkpoints.c.attempt, checkpoints.c.step)
        .where(is_of_experiment)
        .order_by(checkpoints.c.attempt, checkpoints.c.step)
    ).all()
    resent = [row.slot for row in stored if (row.attempt, row.step) == (attempt, checkpoint.step)]
    free = [slot for slot in SLOTS if slot not in {row.slot for row in stored}]
    slot = (resent or free or [stored[0].slot])[0]
    tx.execute(delete(checkpoints).where(is_of_experiment, checkpoints.c.slot == slot))
    tx.execute(
        insert(checkpoints).values(
            experiment_id=experiment_id,
            slot=slot,
            attempt=attempt,
            step=checkpoint.step,
            chunks=checkpoint.chunks,
            sha256=sha256(checkpoint.payload).hexdigest(),
            payload=checkpoint.payload,
        )
    )
    return checkpoint.step > max((row.step for row in stored), default=-1)


def newest(tx: Connection, experiment_id: str, *, at: float, attempt: int) -> Checkpoint | None:
    """The newest intact checkpoint; drops newer corrupt ones and notes each in the history."""
    is_of_experiment = checkpoints.c.experiment_id == experiment_id
    rows = tx.execute(_NEWEST_FIRST, {"experiment": experiment_id}).all()
    for row in rows:
        if sha256(row.payload).hexdigest() == row.sha256:
            return Checkpoint(row.step, row.chunks, row.payload)
        tx.execute(delete(checkpoints).where(is_of_experiment, checkpoints.c.slot == row.slot))
        record_event(
            tx,
            experiment_id,
            EventKind.CHECKPOINT_CORRUPT,
            at=at,
            attempt=attempt,
            detail={"step": row.step},
        )
    return None


def drop(tx: Connection, experiment_id: str) -> None:
    """Removes all checkpoints of an experiment."""
    tx.execute(_DROP, {"experiment": experiment_id})
