"""Arrivals: many experiments that are written some at a time, so that others can write between, and seen all at once.

Each, and the sweep that they make up, bears the id of its arrival, and is unseen as long as that
stands in the table of arrivals: deleting one row there shows them all. Whoever writes an arrival is
heard in each of its writes. One that has fallen silent, its process gone, is given up, and its
experiments are removed, some at a time.
"""

from sqlalchemy import Connection, delete, insert, select, update
from uuid_utils import uuid7

from store.db.database import announce_work, now
from store.db.tables import experiments, staged_batches, sweeps
from store.errors import StoreUnavailable

AT_ONCE = 500
"""Experiments that one write adds or removes: some tens of milliseconds of SQLite's only lock."""


def begin(tx: Connection) -> str:
    """A new arrival; its id."""
    arrival = f"arr_{uuid7().hex}"
    tx.execute(insert(staged_batches).values(id=arrival, touched_at=now(tx)))
    return arrival


def go_on(tx: Connection, arrival: str) -> None:
    """Keeps an arrival for a further write; raises StoreUnavailable where it was given up."""
    own = update(staged_batches).where(
        staged_batches.c.id == arrival, staged_batches.c.touched_at.is_not(None)
    )
    if not tx.execute(own.values(touched_at=now(tx))).rowcount:
        raise StoreUnavailable(
            "the submission took too long and was given up; nothing of it is stored, try again"
        )


def show(tx: Connection, arrival: str) -> None:
    """Lets all of an arrival be seen, when the transaction is committed; raises StoreUnavailable, as :func:`go_on`."""
    go_on(tx, arrival)
    tx.execute(delete(staged_batches).where(staged_batches.c.id == arrival))
    announce_work(tx)


def clear(tx: Connection, silent_seconds: float) -> int:
    """Gives up arrivals that weren't heard of for so long, and removes some of what came of those that are given up.

    Returns:
        How many experiments were removed. Call it again until there are none.
    """
    tx.execute(
        update(staged_batches)
        .where(staged_batches.c.touched_at < now(tx) - silent_seconds)
        .values(touched_at=None)
    )
    given_up = select(staged_batches.c.id).where(staged_batches.c.touched_at.is_(None))
    some = (
        select(experiments.c.id).where(experiments.c.staged_batch_id.in_(given_up)).limit(AT_ONCE)
    )
    removed = tx.execute(delete(experiments).where(experiments.c.id.in_(some))).rowcount
    if not removed:
        tx.execute(delete(sweeps).where(sweeps.c.staged_batch_id.in_(given_up)))
        tx.execute(delete(staged_batches).where(staged_batches.c.touched_at.is_(None)))
    return removed
