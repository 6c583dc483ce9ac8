"""Idempotency keys: the answer to a request, kept in the same transaction, to be given again word for word."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from store.db.database import now
from store.db.tables import idempotency_keys as keys
from store.errors import KeyInFlight, KeyReused

_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for: another transaction holds it, and has for longer than one may wait."""


def remember(
    tx: Connection, key: str, owner: str, route: str, request_hash: str
) -> tuple[int, dict[str, Any]] | None:
    """The status and body that this request was answered with before; None if it is new, and the key is now its own.

    A key belongs to one owner and route. An equal request that is being answered at the same time
    is waited for.

    Raises:
        KeyReused: The key was used for another request.
        KeyInFlight: The first request takes longer than one may wait.
    """
    try:
        with tx.begin_nested():
            tx.execute(
                insert(keys).values(
                    key=key, owner=owner, route=route, request_hash=request_hash, created_at=now(tx)
                )
            )
    except IntegrityError:
        return _answer(tx, key, owner, route, request_hash)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise KeyInFlight(key) from error
        raise
    return None


def keep(
    tx: Connection,
    key: str,
    owner: str,
    route: str,
    request_hash: str,
    *,
    status: int,
    body: Mapping[str, Any],
) -> None:
    """Keeps the answer for the next time, in the transaction in which :func:`remember` gave None."""
    own = and_(_place(key, owner, route), keys.c.request_hash == request_hash)
    tx.execute(update(keys).where(own).values(status=status, body=dict(body)))


def forget_old(tx: Connection, age_seconds: float) -> None:
    """Removes answers that are older than so many seconds."""
    tx.execute(delete(keys).where(keys.c.created_at < now(tx) - age_seconds))


def _answer(
    tx: Connection, key: str, owner: str, route: str, request_hash: str
) -> tuple[int, dict[str, Any]]:
    row = tx.execute(select(keys).where(_place(key, owner, route))).one()
    if row.request_hash != request_hash:
        raise KeyReused(key)
    if row.status is None:
        raise KeyInFlight(key)
    return row.status, row.body


def _place(key: str, owner: str, route: str) -> ColumnElement[bool]:
    return and_(keys.c.key == key, keys.c.owner == owner, keys.c.route == route)
