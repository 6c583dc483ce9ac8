"""SQLAlchemy engines for the two databases, SQLite and PostgreSQL."""

import sqlite3
import time
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

READ_OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {"read": True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""SQLAlchemy's execution options for a transaction that only reads, from one snapshot."""

_SUPPORTED = "allowed: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"

_SQLITE_BUSY_SECONDS = 5.0
"""Longest wait of a SQLite connection for another one's write."""

_WAL_AUTOCHECKPOINT_PAGES = 10_000
"""The log size, in pages of 4 KiB, at which a writer must checkpoint it.

:meth:`store.db.database.Database.checkpoint_wal` runs long before, outside any write.
"""

_KEEPALIVE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq's options to drop a silent connection after about ten seconds, in seconds and milliseconds.

A cut cable is silent, and the kernel would wait for a quarter of an hour. The server gets the same
options: it holds the locks of a host that was cut off in a transaction, so that no worker could
claim the host's experiment.
"""

_POSTGRESQL_TIMEOUTS_MS = {
    "lock_timeout": 5_000,
    "statement_timeout": 30_000,
    "idle_in_transaction_session_timeout": 15_000,
}


def parse_url(url: str) -> URL:
    """The URL of a supported database; raises ValueError for any other."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(f"EXTRAPOLAB_DATABASE_URL is not a database URL; {_SUPPORTED}") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or parsed.database in (None, "", ":memory:"):
        shown = parsed.render_as_string()
        raise ValueError(f"EXTRAPOLAB_DATABASE_URL {shown!r} is not supported; {_SUPPORTED}")
    return parsed


def create(url: URL) -> Engine:
    """An engine whose transactions are writes, unless they have the read options."""
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": _SQLITE_BUSY_SECONDS, "check_same_thread": False},
        pool_size=40,
        max_overflow=0,
        json_serializer=_json,
        json_deserializer=from_json,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # leaves BEGIN to the listener below
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_AUTOCHECKPOINT_PAGES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("read"):
            # waits for no lock, so SQLAlchemy has no error to translate
            connection.connection.cursor().execute("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switches to WAL, waiting for other connections, as SQLite itself doesn't for a new file."""
    deadline = time.monotonic() + _SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _postgresql(url: URL) -> Engine:
    server_keepalive = {
        name.replace("keepalives", "tcp_keepalives"): value for name, value in _KEEPALIVE.items()
    }
    server_settings = {**_POSTGRESQL_TIMEOUTS_MS, **server_keepalive}
    options = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
    return create_engine(
        url,
        connect_args={"connect_timeout": 5, "options": options, **_KEEPALIVE},
        pool_pre_ping=True,
        pool_size=20,
        max_overflow=0,
        json_serializer=_json,
        json_deserializer=from_json,
    )


def _json(value: Any) -> str:
    """Compact JSON, several times as fast as the standard library's."""
    return to_json(value, inf_nan_mode="constants").decode()
