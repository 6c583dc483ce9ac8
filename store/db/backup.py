"""Backups: a snapshot of all rows in one file, restorable to SQLite or PostgreSQL.

The file is itself a SQLite database with the tables of the original, so that any tool can read it
and one loop copies in both directions. It also holds a digest of each table, checked after writing,
before restoring and after restoring. Worker slots are left out, since they only say who is alive.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    NullPool,
    Table,
    Text,
    create_engine,
    insert,
    select,
)
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from store.db import migrate, schema
from store.db.backup_tables import DIGESTS, require_backup_tables
from store.db.database import Database
from store.db.engines import sqlite_url
from store.db.table_copy import TableDigest, continue_numbering, copy_rows, digest_table, reflect
from store.errors import BackupDamaged, BackupRefused

_LEFT_OUT = frozenset({"alembic_version", "workers", DIGESTS})
_DIGESTS = Table(
    DIGESTS,
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
)


@dataclass(frozen=True)
class Contents:
    """The contents of a backup: the revision of its tables, and a digest of each."""

    revision: str
    tables: Mapping[str, TableDigest]


def write(url: str, file: Path) -> Contents:
    """Copies a snapshot of the database to ``file``, while others may go on writing.

    The file appears under its name only when it is complete and checked.

    Raises:
        BackupRefused: The file exists, or the database has no tables.
        BackupDamaged: The file reads back differently from what was written.
        SchemaMismatch: The database is newer than this version.
        StoreUnavailable: The database can't be reached, or the file can't be written.
    """
    if file.exists():
        raise BackupRefused(f"{file} already exists, and backups overwrite nothing")
    part = file.with_name(f"{file.name}.part")
    _remove(part)
    try:
        written = _copy_out(url, part)
        if check(part) != written:
            message = f"{part} reads back differently from what was written; check its disk"
            raise BackupDamaged(message)
        part.replace(file)
    finally:
        _remove(part)
    return written


def check(file: Path) -> Contents:
    """Reads all of a backup; returns its contents.

    Raises:
        BackupDamaged: The file differs from what was written, or is not a backup.
    """
    try:
        with _opened_file(file) as backup:
            tables = {
                name: digest_table(backup, table)
                for name, table in _recorded_tables(backup).items()
            }
            expected = {
                row.name: TableDigest(row.rows, row.sha256)
                for row in backup.execute(select(_DIGESTS))
            }
            is_intact = backup.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            revision = schema.current_revision(backup)
    except (SQLAlchemyError, ValueError) as error:  # ValueError: what should be JSON isn't
        raise BackupDamaged(f"{file} is damaged or not a backup ({_reason(error)})") from error
    if not is_intact or revision is None or tables != expected:
        names = sorted({*tables, *expected})
        damaged = [name for name in names if tables.get(name) != expected.get(name)]
        message = f"{file} is damaged: it differs from what was written"
        raise BackupDamaged(f"{message} (tables: {', '.join(damaged) or 'unknown'})")
    return Contents(revision, tables)


def check_restorable(file: Path) -> Contents:
    """Reads all of a backup that this version can restore; returns its contents.

    Raises:
        BackupDamaged: The file differs from what was written, or is not a backup.
        SchemaMismatch: The backup is newer than this version.
    """
    require_backup_tables(file)
    return check(file)


def restore(file: Path, url: str, checked: Contents | None = None) -> Contents:
    """Fills an empty database from a backup by this version or an older one, in one transaction.

    Experiments that were running continue from their checkpoints.

    Args:
        file: The backup.
        url: The empty database.
        checked: The result of :func:`check_restorable`, which is otherwise called first.

    Raises:
        BackupRefused: The database is not empty.
        BackupDamaged: The backup differs from what was written.
        SchemaMismatch: The backup or the database is newer than this version.
        StoreUnavailable: The database can't be reached.
    """
    contents = checked or check_restorable(file)
    _require_empty(url)
    with _upgraded(file, contents) as backup:
        migrate.upgrade(url)
        with _opened(url) as database, database.write() as tx:
            try:
                copied = _copy_in(backup, tx)
            except (DataError, IntegrityError) as error:
                message = f"{file} has rows that the database refuses ({_reason(error)})"
                raise BackupDamaged(message) from error
    return Contents(schema.REVISION, copied)


def _copy_in(backup: Connection, tx: Connection) -> dict[str, TableDigest]:
    source = _recorded_tables(backup)
    target = reflect(tx, source)
    copied = {name: copy_rows(backup, source[name], tx, table) for name, table in target.items()}
    for name, table in target.items():
        continue_numbering(tx, table)
        if digest_table(tx, table) != copied[name]:
            raise BackupDamaged(f"table {name} reads back differently from what was written")
    return copied


def _copy_out(url: str, part: Path) -> Contents:
    with _opened(url) as database, database.read() as tx:
        revision = schema.current_revision(tx)
        if revision is None:
            raise BackupRefused("there is nothing to back up: the database has no tables")
        migrate.require_known(revision, "database")
        migrate.upgrade(sqlite_url(part), revision)
        with _opened(sqlite_url(part)) as file, file.write() as backup:
            target = _recorded_tables(backup)
            source = reflect(tx, target)
            copied = {
                name: copy_rows(tx, source[name], backup, table) for name, table in target.items()
            }
            _DIGESTS.create(backup)
            digests = [
                {"name": name, "rows": digest.rows, "sha256": digest.sha256}
                for name, digest in copied.items()
            ]
            backup.execute(insert(_DIGESTS), digests)
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # leaves one file, without a log
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    return Contents(revision, copied)


def _require_empty(url: str) -> None:
    with _opened(url) as database, database.read() as tx:
        if schema.current_revision(tx) is None:
            return
        tables = _recorded_tables(tx)
        filled = [
            name for name, table in tables.items() if tx.execute(select(table).limit(1)).first()
        ]
    if filled:
        raise BackupRefused(
            "backups are restored into an empty database, and this one has rows in "
            + ", ".join(sorted(filled))
        )


def _recorded_tables(tx: Connection) -> dict[str, Table]:
    """The tables that a backup holds."""
    return {name: table for name, table in reflect(tx).items() if name not in _LEFT_OUT}


@contextmanager
def _upgraded(file: Path, contents: Contents) -> Iterator[Connection]:
    """The backup with this version's tables: the file itself, or an upgraded copy."""
    if contents.revision == schema.REVISION:
        with _opened_file(file) as backup:
            yield backup
        return
    with tempfile.TemporaryDirectory(prefix="extrapolab-") as folder:
        copy = Path(shutil.copy(file, Path(folder) / "backup.db"))
        try:
            migrate.upgrade(sqlite_url(copy))
        except (SQLAlchemyError, LookupError, TypeError, ValueError) as error:
            message = f"{file} has rows that can't be upgraded ({_reason(error)})"
            raise BackupDamaged(message) from error
        with _opened_file(copy) as backup:
            yield backup


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _opened_file(file: Path) -> Iterator[Connection]:
    """A read-only connection to a SQLite file."""
    uri = f"{file.absolute().as_uri()}?mode=ro"
    engine: Engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool
    )
    with engine.connect() as connection:
        yield connection


def _reason(error: Exception) -> str:
    """The first line of an error, without the statement and rows that SQLAlchemy adds."""
    reason, _, _ = str(getattr(error, "orig", None) or error).partition("\n")
    return reason


def _remove(file: Path) -> None:
    for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        path.unlink(missing_ok=True)
