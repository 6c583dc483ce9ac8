"""The line on top of every page: what the lab does now, in a few numbers."""

from sqlalchemy import Connection

from service.context import AppContext
from store.queue.overview import Overview, overview

UNKNOWN = Overview(
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
)
"""Stands for the queue where the database can't be asked."""


def readout(tx: Connection, context: AppContext, *, limit: int = 0) -> Overview:
    """The queue at a glance, with the next experiments up to ``limit``."""
    return overview(tx, fresh_seconds=context.settings.lease_seconds, limit=limit)
