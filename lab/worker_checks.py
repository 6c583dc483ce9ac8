"""Checks that worker slots are alive, by their rows in the database."""

import platform

from lab.errors import NoWorker
from lab.settings import read
from store.db import schema
from store.db.database import Database, now
from store.errors import StoreError
from store.queue import workers
from store.settings import Settings


def check_host() -> str:
    """A sentence about the live worker slots of this host.

    Raises:
        NoWorker: No slot sent a recent heartbeat, or the database doesn't answer.
    """
    settings = read(Settings)
    try:
        schema.check(settings.database_url)
        alive = _live_slots(Database(settings.database_url), settings.lease_seconds)
    except (StoreError, ValueError) as error:
        raise NoWorker(f"Cannot tell if a worker runs here: {error}.") from error
    if not alive:
        raise NoWorker(
            f"No worker slot of {platform.node()} sent a heartbeat within "
            f"{settings.lease_seconds:g} s."
        )
    return f"Live worker slots of {platform.node()}: {alive}."


def _live_slots(database: Database, max_age_seconds: float) -> int:
    try:
        with database.read() as tx:
            since = now(tx) - max_age_seconds
            return sum(
                slot.host == platform.node() and slot.heartbeat_at >= since
                for slot in workers.listing(tx)
            )
    finally:
        database.dispose()
