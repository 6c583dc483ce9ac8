"""The database, SQLite or PostgreSQL, and its two kinds of transaction: reads and writes.

On SQLite, a write starts with ``BEGIN IMMEDIATE``, since a plain BEGIN that turns into a write
fails at once while another process writes. One lock serialises the writes of this process, since
SQLite's own waiting has no queue and starves threads. A committed write survives a killed process;
a power cut can lose the newest writes, but corrupts nothing.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Double, cast, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.db import engines
from store.errors import StoreUnavailable, StoreUnusable, UnsuitableDatabase

_UNUSABLE = {
    sqlite3.SQLITE_FULL: "its disk is full; free some space",
    sqlite3.SQLITE_IOERR: "its disk can't be read or written; it may be broken or full",
    sqlite3.SQLITE_READONLY: "its file is read-only; check its permissions and disk",
    sqlite3.SQLITE_CANTOPEN: "its file can't be opened; check its folder, permissions and disk",
    sqlite3.SQLITE_CORRUPT: (
        "its file is damaged; restore a backup elsewhere ('extrapolab restore')"
    ),
    sqlite3.SQLITE_NOTADB: (
        "its file is damaged or not a SQLite database; restore a backup elsewhere"
    ),
}
"""The errors that waiting does not mend, by SQLite's primary code."""

_UNSUITABLE = {
    "statement pooling mode": (
        "its connection pooler pools single statements, and a lab needs transactions; set "
        "pool_mode = transaction (or session)"
    ),
    "unsupported startup parameter": (
        "its connection pooler refuses what EXTRAPOLAB_DATABASE_URL or a PG* variable sets for a "
        "session; remove it there"
    ),
}
"""Lasting refusals of connection poolers, by the words of PgBouncer, which has no codes."""

_WORK = "extrapolab.work"
"""The key in the ``info`` of a connection whose transaction queues an experiment."""


class Database:
    """Connections to one database.

    Create one per process, after any fork, and dispose of it at the end.

    Attributes:
        url: The URL.
        dialect: ``sqlite`` or ``postgresql``.
        engine: SQLAlchemy's engine; its transactions are writes.
        on_work: Called after each commit that queued an experiment (:func:`announce_work`).
    """

    def __init__(self, url: str) -> None:
        """Opens no connection yet; raises ValueError for the URL of another database."""
        self.url = engines.parse_url(url)
        self.dialect = self.url.get_backend_name()
        self.engine = engines.create(self.url)
        self._write_lock = threading.RLock() if self.dialect == "sqlite" else nullcontext()
        self._readers = self.engine.execution_options(**engines.READ)
        self.on_work: list[Callable[[], None]] = []

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction on one snapshot of the database; raises StoreUnavailable."""
        with _translated_errors(), self._readers.begin() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits, or rolls back on an error; raises StoreUnavailable."""
        with _translated_errors(), self._write_lock, self.engine.begin() as tx:
            tx.info.pop(_WORK, None)  # left by an earlier transaction that rolled back
            yield tx
            has_work = tx.info.pop(_WORK, False)
        if has_work:
            for callback in self.on_work:
                callback()

    def checkpoint_wal(self) -> None:
        """Moves SQLite's write-ahead log into the database file; raises StoreUnavailable.

        It waits some ten milliseconds for the disk while others read and write. Without it, SQLite
        makes a writer checkpoint the log, with all other writers waiting. Checkpointed writes
        survive a power cut.
        """
        if self.dialect != "sqlite":
            return
        with _translated_errors(), self._readers.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def dispose(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def announce_work(tx: Connection) -> None:
    """Calls :attr:`Database.on_work` after this write commits, since an experiment is waiting."""
    tx.info[_WORK] = True


def now(tx: Connection) -> float:
    """Unix seconds, by PostgreSQL's clock, which all hosts share, or by this host's for SQLite."""
    if tx.dialect.name == "sqlite":
        return time.time()
    clock = cast(func.extract("epoch", func.clock_timestamp()), Double)
    return float(tx.scalars(select(clock)).one())


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        translated = _translated(error)
        if translated is None:
            raise
        raise translated from error
    except PoolTimeout as error:
        raise StoreUnavailable("all connections to the database are in use; try again") from error


def _translated(error: DBAPIError) -> StoreUnavailable | None:
    """The error as the store's own, or None if the statement is at fault and not the database."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None and (reason := _UNUSABLE.get(code & 0xFF)) is not None:
        return StoreUnusable(f"{reason} ({error.orig})")
    is_invalid_statement = code == sqlite3.SQLITE_ERROR  # such as "no such table"
    if is_invalid_statement or not isinstance(error, OperationalError | InterfaceError):
        return None  # whose message may quote any text, such as a name that is taken
    for words, reason in _UNSUITABLE.items():
        if words in str(error.orig):
            return UnsuitableDatabase(f"{reason} ({error.orig})")
    message = f"the database is unavailable, locked or too slow; try again ({error.orig})"
    return StoreUnavailable(message)
