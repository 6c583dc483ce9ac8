"""Worker slots as the database knows them: the sight by which one sees that a worker works."""

import platform

from lab import process_tree
from lab.errors import NoWorker
from lab.settings import read
from store.db import schema
from store.db.database import Database, now
from store.errors import StoreError, StoreUnavailable
from store.queue import workers
from store.settings import Settings


def below(pid: int, database: Database) -> int:
    """How many slots among the processes below ``pid`` have made themselves known; 0 while the database is away."""
    ours = process_tree.descendants(pid)
    try:
        with database.read() as tx:
            return sum(
                slot.pid in ours and slot.host == platform.node() for slot in workers.listing(tx)
            )
    except StoreUnavailable:
        return 0


def check_host() -> str:
    """A sentence on the slots of this host that beat.

    Raises:
        LabError: There is none, or the database doesn't say.
    """
    settings = read(Settings)
    try:
        schema.check(settings.database_url)
        beating = _beating(Database(settings.database_url), settings.lease_seconds)
    except (StoreError, ValueError) as error:
        raise NoWorker(f"Whether a worker runs here is not known: {error}.") from error
    if not beating:
        raise NoWorker(
            f"No worker slot of {platform.node()} was heard of within {settings.lease_seconds:g} s."
        )
    return f"Worker slots of {platform.node()} that are alive: {beating}."


def _beating(database: Database, fresh_seconds: float) -> int:
    try:
        with database.read() as tx:
            since = now(tx) - fresh_seconds
            return sum(
                slot.host == platform.node() and slot.heartbeat_at >= since
                for slot in workers.listing(tx)
            )
    finally:
        database.dispose()
