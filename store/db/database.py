"""The database behind a URL, SQLite or PostgreSQL, and its two kinds of transaction: reads and writes.

SQLite: WAL, ``BEGIN IMMEDIATE`` for writes (a plain BEGIN that turns into a write is refused at
once when another process writes), and one lock around the writes of this process (SQLite's own
waiting has no queue and starves threads). A write promises durability against a killed process; a
power cut may lose the last ones, but never corrupts.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import (
    URL,
    Connection,
    Double,
    Engine,
    cast,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.errors import StoreUnavailable, StoreUnusable

_SQLITE_SAYS_NO_SUCH_TABLE = sqlite3.SQLITE_ERROR
"""SQLite's code for a statement that is wrong, as against a database that is locked, full or
unreadable."""

_UNUSABLE = {
    sqlite3.SQLITE_FULL: "its disk is full, so free some space",
    sqlite3.SQLITE_IOERR: "its disk can't be read or written, be it broken or full",
    sqlite3.SQLITE_READONLY: "its file may not be written, so look at its permissions and disk",
    sqlite3.SQLITE_CANTOPEN: "its file can't be opened, so look at its folder, permissions and disk",
    sqlite3.SQLITE_CORRUPT: "its file is damaged, so restore a backup elsewhere ('extrapolab restore')",
    sqlite3.SQLITE_NOTADB: "its file is damaged or was never one of SQLite, so restore a backup elsewhere",
}
"""What SQLite says, by its primary code, where waiting is of no use."""

_SQLITE_PATIENCE_SECONDS = 5.0
"""How long a connection waits for others that write."""

_PAGES_UNTIL_A_WRITER_TIDIES = 10_000
"""Of SQLite's log, 4 KiB each.

Some other thread moves them into the database long before (:meth:`Database.checkpoint_wal`).
"""

_SIGNS_OF_LIFE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq's words for: who is silent for some ten seconds is gone. A cut cable says nothing by
itself, and the kernel would wait for a quarter of an hour. The server is told the same of us: it
keeps the locks of a host that was cut off in the middle of a transaction, and nobody can take its
experiment. (Seconds, but the last, which is in milliseconds.)"""

_WORK = "extrapolab.work"
"""In the ``info`` of a connection whose transaction queues an experiment."""

_READS: dict[str, dict[str, Any]] = {
    "sqlite": {"read": True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""SQLAlchemy's options for a transaction that only reads, and sees one moment."""


class Database:
    """Connections to one database.

    Make one per process, after a fork, and dispose of it at the end.

    Attributes:
        url: Where it is.
        dialect: ``sqlite`` or ``postgresql``.
        engine: SQLAlchemy's engine; its transactions are writes.
        on_work: Called after each commit that queued an experiment (:func:`announce_work`).
    """

    def __init__(self, url: str) -> None:
        """Connects to nothing yet; raises ValueError for a URL of another kind."""
        self.url = _parse(url)
        self.dialect = self.url.get_backend_name()
        self.engine = _sqlite(self.url) if self.dialect == "sqlite" else _postgresql(self.url)
        self._write_lock = threading.RLock() if self.dialect == "sqlite" else nullcontext()
        self._readers = self.engine.execution_options(**_READS[self.dialect])
        self.on_work: list[Callable[[], None]] = []

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database and writes nothing; raises StoreUnavailable."""
        with _availability(), self._readers.begin() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at its end and undone by an error; raises StoreUnavailable."""
        with _availability(), self._write_lock, self.engine.begin() as tx:
            tx.info.pop(_WORK, None)  # left by a transaction of this connection that was undone
            yield tx
            work = tx.info.pop(_WORK, False)
        if work:
            for callback in self.on_work:
                callback()

    def checkpoint_wal(self) -> None:
        """Moves what was written from SQLite's log into its database; raises StoreUnavailable.

        It waits for the disk, some ten milliseconds, while others read and write on; left to itself
        SQLite lets a writer do that every thousand pages, with all others behind it. What is moved
        survives a power cut.
        """
        if self.dialect != "sqlite":
            return
        with _availability(), self._readers.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def dispose(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def announce_work(tx: Connection) -> None:
    """Has :attr:`Database.on_work` called once this write is committed: an experiment waits for a worker."""
    tx.info[_WORK] = True


def now(tx: Connection) -> float:
    """Unix seconds: PostgreSQL's clock, which all hosts share, or this host's for SQLite."""
    if tx.dialect.name == "sqlite":
        return time.time()
    return float(
        tx.scalars(select(cast(func.extract("epoch", func.clock_timestamp()), Double))).one()
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(f"EXTRAPOLAB_DATABASE_URL is not a database URL; {_ALLOWED}") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise ValueError(
            f"EXTRAPOLAB_DATABASE_URL {parsed.render_as_string()!r} is not a database for a lab; {_ALLOWED}"
        )
    return parsed


_ALLOWED = "allowed: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def _sqlite(url: URL) -> Engine:
    options = {"timeout": _SQLITE_PATIENCE_SECONDS, "check_same_thread": False}
    engine = create_engine(
        url,
        connect_args=options,
        pool_size=40,
        max_overflow=0,
        json_serializer=_json,
        json_deserializer=from_json,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: begin() below does
        _switch_to_wal(connection)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={_PAGES_UNTIL_A_WRITER_TIDIES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("read"):
            connection.connection.cursor().execute(
                "BEGIN"
            )  # waits for nobody, so that there is no error to translate
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Waits for others, which SQLite does not do by itself where a new file is switched to WAL."""
    deadline = time.monotonic() + _SQLITE_PATIENCE_SECONDS
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
    limits = {
        "lock_timeout": 5_000,
        "statement_timeout": 30_000,
        "idle_in_transaction_session_timeout": 15_000,
        **{
            name.replace("keepalives", "tcp_keepalives"): value
            for name, value in _SIGNS_OF_LIFE.items()
        },
    }
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    arguments = {"connect_timeout": 5, "options": options, **_SIGNS_OF_LIFE}
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=20,
        max_overflow=0,
        json_serializer=_json,
        json_deserializer=from_json,
        connect_args=arguments,
    )


def _json(value: Any) -> str:
    """JSON as short as it can be, and several times as fast as the standard library's."""
    return to_json(value, inf_nan_mode="constants").decode()


@contextmanager
def _availability() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        told = _told(error)
        if told is None:
            raise
        raise told from error
    except PoolTimeout as error:
        raise StoreUnavailable("all connections to the database are in use; try again") from error


def _told(error: DBAPIError) -> StoreUnavailable | None:
    """The error in the store's own words; None where it is the statement that is wrong, not the database."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None and (reason := _UNUSABLE.get(code & 0xFF)) is not None:
        return StoreUnusable(f"{reason} ({error.orig})")
    if code == _SQLITE_SAYS_NO_SUCH_TABLE or not isinstance(
        error, OperationalError | InterfaceError
    ):
        return None
    return StoreUnavailable(f"the database is away, locked or too slow; try again ({error.orig})")
