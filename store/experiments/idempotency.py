"""Idempotency keys: the answer to a request, stored in its transaction and given again verbatim."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from store.db.database import now
from store.db.user_tables import idempotency_keys as keys
from store.errors import KeyInFlight, KeyReused

Answer = tuple[int, dict[str, Any]]
"""The status and body of an answer."""

_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that another transaction held for longer than the timeout."""


def find_answer(
    tx: Connection, key: str, owner: str, route: str, request_hash: str
) -> Answer | None:
    """The stored answer to this request, None if the key is new. Reserves nothing.

    Raises:
        KeyReused: The key was used for another request.
        KeyInFlight: The first request with this key has no answer yet.
    """
    row = tx.execute(select(keys).where(_has_key(key, owner, route))).one_or_none()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise KeyReused(key)
    if row.status is None:
        raise KeyInFlight(key)
    return row.status, row.body


def reserve(tx: Connection, key: str, owner: str, route: str, request_hash: str) -> Answer | None:
    """Reserves a key for this request; returns the stored answer if there is one.

    A key belongs to one owner and route. If an equal request is in progress, this waits for it.

    Raises:
        KeyReused: The key was used for another request.
        KeyInFlight: The first request with this key takes too long.
    """
    row = {
        "key": key,
        "owner": owner,
        "route": route,
        "request_hash": request_hash,
        "created_at": now(tx),
    }
    try:
        with tx.begin_nested():
            tx.execute(insert(keys).values(row))
    except IntegrityError:
        return find_answer(tx, key, owner, route, request_hash)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise KeyInFlight(key) from error
        raise
    return None


def store_answer(
    tx: Connection,
    key: str,
    owner: str,
    route: str,
    request_hash: str,
    *,
    status: int,
    body: Mapping[str, Any],
) -> None:
    """Stores the answer, in the transaction that reserved the key."""
    reserved = and_(_has_key(key, owner, route), keys.c.request_hash == request_hash)
    tx.execute(update(keys).where(reserved).values(status=status, body=dict(body)))


def remove_old(tx: Connection, age_seconds: float) -> None:
    """Removes answers older than this."""
    tx.execute(delete(keys).where(keys.c.created_at < now(tx) - age_seconds))


def _has_key(key: str, owner: str, route: str) -> ColumnElement[bool]:
    return and_(keys.c.key == key, keys.c.owner == owner, keys.c.route == route)
