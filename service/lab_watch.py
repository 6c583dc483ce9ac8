"""Changes of the lab between two polls: of its worker slots, and of its queue."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection

from store.db.database import now
from store.queue import workers
from store.queue.overview import Overview, overview
from store.queue.workers import WorkerActivity, WorkerState

QUEUE_POLLS = 20
"""Polls after which the queue is read again although no experiment changed its state."""


class WorkerChange(StrEnum):
    """How a worker slot has changed; ``present`` slots were there when the stream began."""

    PRESENT = "present"
    CAME = "came"
    WENT = "went"
    STALE = "stale"
    RETURNED = "returned"
    STARTED = "started"
    FINISHED = "finished"
    DRAINING = "draining"


WorkerChanges = Sequence[tuple[WorkerChange, WorkerActivity]]


class LabWatch:
    """Remembers the slots and the queue as they were at the last poll."""

    def __init__(self, fresh_seconds: float) -> None:
        self._fresh_seconds = fresh_seconds
        self._slots: dict[str, tuple[WorkerState, WorkerActivity]] | None = None
        self._counts: object = None
        self._polls_until_queue = 0

    def worker_changes(self, tx: Connection) -> WorkerChanges:
        """The changes of slots since the last call; none at the first."""
        at = now(tx)
        slots = {
            slot.worker.id: (WorkerState.of_slot(slot.worker, at, self._fresh_seconds), slot)
            for slot in workers.activities(tx)
        }
        before, self._slots = self._slots, slots
        if before is None:
            return []
        changes = [
            (change, slot)
            for name, (state, slot) in slots.items()
            if (change := _change(before.get(name), state, slot)) is not None
        ]
        went = [
            (WorkerChange.WENT, slot) for name, (_, slot) in before.items() if name not in slots
        ]
        return [*changes, *went]

    def queue_change(self, tx: Connection, *, has_events: bool) -> Overview | None:
        """The queue, if its counts have changed since the last call."""
        self._polls_until_queue -= 1
        if not has_events and self._polls_until_queue > 0:
            return None
        self._polls_until_queue = QUEUE_POLLS
        seen = self.queue(tx)
        counts = (
            seen.delayed,
            seen.paused,
            [
                (device.device, device.slots, device.running, device.waiting)
                for device in seen.devices
            ],
        )
        before, self._counts = self._counts, counts
        return None if before is None or before == counts else seen

    def queue(self, tx: Connection) -> Overview:
        """The queue now, without the next experiments."""
        return overview(tx, fresh_seconds=self._fresh_seconds, limit=0)


def present(tx: Connection) -> WorkerChanges:
    """All slots, for a stream that begins."""
    return [(WorkerChange.PRESENT, slot) for slot in workers.activities(tx)]


def _change(
    before: tuple[WorkerState, WorkerActivity] | None, state: WorkerState, slot: WorkerActivity
) -> WorkerChange | None:
    if before is None:
        return WorkerChange.CAME
    state_before, slot_before = before
    stale = WorkerState.STALE
    if (state is stale) != (state_before is stale):
        return WorkerChange.STALE if state is stale else WorkerChange.RETURNED
    if slot.worker.experiment_id != slot_before.worker.experiment_id:
        is_busy = slot.worker.experiment_id is not None
        return WorkerChange.STARTED if is_busy else WorkerChange.FINISHED
    if slot.worker.draining and not slot_before.worker.draining:
        return WorkerChange.DRAINING
    return None
