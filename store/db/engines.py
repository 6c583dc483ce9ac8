"""SQLAlchemy engines for the two databases, SQLite and PostgreSQL."""

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from store.errors import UnsuitableDatabase

READ: Mapping[str, Any] = MappingProxyType({"read": True})
"""The execution options of a transaction that only reads, from one snapshot."""

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

A cut cable is silent, and the kernel would wait for a quarter of an hour. During a transaction the
server has the same options: it holds the locks of a host that was cut off, so that no worker could
claim the host's experiment.
"""

_TRANSACTION_SETTINGS = {
    "lock_timeout": 5_000,
    "statement_timeout": 30_000,
    "idle_in_transaction_session_timeout": 15_000,
    **{name.replace("keepalives", "tcp_keepalives"): value for name, value in _KEEPALIVE.items()},
}
"""PostgreSQL's settings for a transaction, in milliseconds and the units of :data:`_KEEPALIVE`.

They are set in the round trip of its BEGIN and end with it: a connection pooler such as PgBouncer
gives each transaction another connection, and refuses settings for a whole session.
"""
_SET_LOCAL = "".join(f"; SET LOCAL {name} = {n}" for name, n in _TRANSACTION_SETTINGS.items())
_BEGIN_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{_SET_LOCAL}"
_BEGIN_WRITE = f"BEGIN{_SET_LOCAL}"

_SERVER_ENCODING = "UTF8"

WAL_BYTES = 4 * 2**20
"""Size to which SQLite cuts its write-ahead log back once all of it is in the database."""


def parse_url(url: str) -> URL:
    """The URL of a supported database; raises ValueError for any other."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # which may quote the password
        raise ValueError(f"EXTRAPOLAB_DATABASE_URL is not a database URL; {_SUPPORTED}") from None
    if "@" in (parsed.host or ""):
        raise ValueError("EXTRAPOLAB_DATABASE_URL has a second @; write %40 for one in a password")
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or parsed.database in (None, "", ":memory:"):
        shown = without_secrets(parsed)
        raise ValueError(f"EXTRAPOLAB_DATABASE_URL {shown!r} is not supported; {_SUPPORTED}")
    if "?" in url:
        remedy = "write %3F for one in the file's name; a lab sets all options itself"
        raise ValueError(f"EXTRAPOLAB_DATABASE_URL has a '?' after {parsed.database!r}: {remedy}")
    return parsed


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite database in ``file``, whatever characters its path has."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def without_secrets(url: URL) -> str:
    """A URL for messages: without its password, and without options, which may hold another."""
    return url.set(query={}).render_as_string()


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
        connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
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
    engine = create_engine(
        url,
        connect_args={
            "connect_timeout": 5,
            "client_encoding": "utf8",
            "autocommit": True,  # leaves BEGIN to the listener below
            "prepare_threshold": None,  # prepared statements would outlive their transaction
            **_KEEPALIVE,
        },
        pool_pre_ping=True,
        pool_size=20,
        max_overflow=0,
        json_serializer=_json,
        json_deserializer=from_json,
    )

    def check_encoding(connection: Any, _record: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != _SERVER_ENCODING:
            connection.close()
            remedy = "create another with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            raise UnsuitableDatabase(f"its encoding is {encoding}, and a lab needs UTF8; {remedy}")

    # before SQLAlchemy's own listeners, which can't read the text of some encodings
    event.listen(engine, "connect", check_encoding, insert=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_read = connection.get_execution_options().get("read")
        connection.exec_driver_sql(_BEGIN_READ if is_read else _BEGIN_WRITE)

    return engine


def pooler_hides_server(connection: Connection) -> bool:
    """Whether a connection pooler, such as PgBouncer, stands between here and PostgreSQL.

    A pooler tells its clients a process id of its own in place of the server's.
    """
    if connection.dialect.name != "postgresql":
        return False
    driver: Any = connection.connection.driver_connection
    told = driver.info.backend_pid
    return told != connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()


def _json(value: Any) -> str:
    """Compact JSON, several times as fast as the standard library's."""
    return to_json(value, inf_nan_mode="constants").decode()
