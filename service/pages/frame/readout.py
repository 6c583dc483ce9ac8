"""What every page says: the lab in a few numbers, and from which event on it is out of date."""

from dataclasses import dataclass

from sqlalchemy import Connection

from service.context import AppContext
from store.db.database import now
from store.experiments import events
from store.queue.overview import Overview, overview


@dataclass(frozen=True)
class Readout:
    """The queue at a glance, the newest event that the page knows of, and the database's time."""

    queue: Overview
    last_event: int
    at: float


UNKNOWN = Readout(
    Overview(
        slots=0,
        running=0,
        waiting=0,
        delayed=0,
        paused=0,
        oldest_wait_seconds=None,
        empty_in_seconds=None,
        seed_steps_per_second=0.0,
        devices=(),
        next=(),
    ),
    last_event=0,
    at=0.0,
)
"""Stands for the lab where the database can't be asked."""


def readout(tx: Connection, context: AppContext, *, limit: int = 0) -> Readout:
    """The lab in this transaction, with the next experiments of its queue up to ``limit``."""
    last_event = events.newest_number(tx)
    queue = overview(tx, fresh_seconds=context.settings.lease_seconds, limit=limit)
    return Readout(queue, last_event, now(tx))
