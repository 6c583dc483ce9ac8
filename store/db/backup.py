"""Backups: every row of a database at one moment, in one file that restores to either kind of database.

The file is itself a SQLite database with the tables that the other one had, so that one copying
loop serves for both directions and both databases, and any tool can look into it. It also holds a
tally of each table, by which it is checked when it has been written, and again before and after it
is restored. Rows travel a few at a time, so that memory does not grow with the lab. Worker slots
stay behind: they tell who is alive now.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    RowMapping,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError

from store.db import migrate, schema
from store.db.database import Database
from store.errors import BackupDamaged, BackupRefused, SchemaMismatch

_NO_RECORD = frozenset({"alembic_version", "workers", "backup"})
_TALLIES = Table(
    "backup",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
)
_ROWS_AT_ONCE, _BLOBS_AT_ONCE = 500, 4


@dataclass(frozen=True)
class Tally:
    """What a table holds: how many rows, and the sum of their hashes, which no order of rows changes."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What a backup holds: the revision of its tables, and the tally of each."""

    revision: str
    tables: Mapping[str, Tally]


def write(url: str, file: Path) -> Contents:
    """Copies the database at ``url`` to ``file`` as it is at this moment, while others go on writing to it.

    The file appears under its name when it is complete and checked, and not before.

    Raises:
        BackupRefused: There is such a file already, or there is nothing to copy.
        SchemaMismatch: The database is of a newer version.
        StoreUnavailable: The database is away, or the file can't be written.
    """
    if file.exists():
        raise BackupRefused(f"{file} exists already, and no backup is ever written over")
    part = file.with_name(f"{file.name}.part")
    _remove(part)
    try:
        written = _copy_out(url, part)
        if check(part) != written:
            raise BackupDamaged(
                f"what was read back from {part} is not what was written; is its disk sound?"
            )
        part.replace(file)
    finally:
        _remove(part)
    return written


def check(file: Path) -> Contents:
    """What a backup holds, after reading all of it.

    Raises:
        BackupDamaged: It is not as it was written, or was never a backup.
    """
    try:
        with _opened(file) as backup:
            found = {name: _tally(backup, table) for name, table in _tables(backup).items()}
            told = {
                row.name: Tally(row.rows, row.sha256) for row in backup.execute(select(_TALLIES))
            }
            sound = backup.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            revision = schema.current_revision(backup)
    except DatabaseError as error:
        raise BackupDamaged(f"{file} is damaged, or no backup ({error.orig})") from error
    if not sound or revision is None or found != told:
        wrong = ", ".join(
            sorted(name for name in {*found, *told} if found.get(name) != told.get(name))
        )
        raise BackupDamaged(
            f"{file} is damaged: it is not what was written (tables: {wrong or 'all may be'})"
        )
    return Contents(revision, found)


def check_restorable(file: Path) -> Contents:
    """What a backup holds that this version of the software can restore, after reading all of it.

    Raises:
        BackupDamaged: It is not as it was written, or was never a backup.
        SchemaMismatch: It is of a newer version.
    """
    contents = check(file)
    if contents.revision not in migrate.revisions():
        raise SchemaMismatch(
            contents.revision, schema.REVISION, "the backup is newer; use a newer Extrapolab"
        )
    return contents


def restore(file: Path, url: str, checked: Contents | None = None) -> Contents:
    """Fills the empty database at ``url`` from a backup, of this version of the software or an older one.

    All of it, in one transaction, or nothing. What was running when the backup was written is taken
    up again.

    Args:
        file: The backup.
        url: The database.
        checked: What :func:`check_restorable` found in the file a moment ago; without it, it looks first.

    Raises:
        BackupRefused: There is something in the database.
        BackupDamaged: The backup is not as it was written.
        SchemaMismatch: The backup or the database is of a newer version.
        StoreUnavailable: The database is away.
    """
    contents = checked or check_restorable(file)
    _refuse_to_overwrite(url)
    migrate.upgrade(url)
    database = Database(url)
    try:
        with _up_to_date(file, contents) as backup, database.write() as tx:
            tables = _tables(tx, _tables(backup))
            copied = {
                name: _copy(backup, tx, _tables(backup)[name], table)
                for name, table in tables.items()
            }
            for name, table in tables.items():
                _go_on_counting(tx, table)
                if _tally(tx, table) != copied[name]:
                    raise BackupDamaged(
                        f"what was read back from table {name} is not what was written"
                    )
    finally:
        database.dispose()
    return Contents(schema.REVISION, copied)


def _copy_out(url: str, part: Path) -> Contents:
    source = Database(url)
    try:
        with source.read() as tx:
            revision = schema.current_revision(tx)
            if revision is None:
                raise BackupRefused("there is nothing to back up: the database has no tables")
            if revision not in migrate.revisions():
                raise SchemaMismatch(
                    revision, schema.REVISION, "the database is newer; use a newer Extrapolab"
                )
            migrate.upgrade(f"sqlite:///{part}", revision)
            target = Database(f"sqlite:///{part}")
            try:
                with target.write() as backup:
                    tables = _tables(backup)
                    origin = _tables(tx, tables)
                    copied = {
                        name: _copy(tx, backup, origin[name], table)
                        for name, table in tables.items()
                    }
                    _TALLIES.create(backup)
                    backup.execute(
                        insert(_TALLIES), [{"name": name, **vars(t)} for name, t in copied.items()]
                    )
            finally:
                target.dispose()
    finally:
        source.dispose()
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, and nothing beside it
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    return Contents(revision, copied)


def _refuse_to_overwrite(url: str) -> None:
    database = Database(url)
    try:
        with database.read() as tx:
            if schema.current_revision(tx) is None:
                return
            full = [
                name
                for name, table in _tables(tx).items()
                if tx.execute(select(table).limit(1)).first()
            ]
    finally:
        database.dispose()
    if full:
        raise BackupRefused(
            f"a backup is restored into an empty database, and this one has {', '.join(sorted(full))}"
        )


@contextmanager
def _up_to_date(file: Path, contents: Contents) -> Iterator[Connection]:
    """The backup with today's tables: itself, or a copy that is migrated."""
    if contents.revision == schema.REVISION:
        with _opened(file) as backup:
            yield backup
        return
    with tempfile.TemporaryDirectory(prefix="extrapolab-") as folder:
        copy = Path(shutil.copy(file, Path(folder) / "backup.db"))
        migrate.upgrade(f"sqlite:///{copy}")
        with _opened(copy) as backup:
            yield backup


@contextmanager
def _opened(file: Path) -> Iterator[Connection]:
    """The SQLite database in a file that is only read."""
    place = f"file:{quote(str(file.absolute()))}?mode=ro"
    engine: Engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(place, uri=True), poolclass=NullPool
    )
    with engine.connect() as connection:
        yield connection


def _tables(tx: Connection, names: Mapping[str, Table] | None = None) -> dict[str, Table]:
    """The tables as the database has them, at whichever revision: all that keep a record, or those of these names."""
    metadata = MetaData()

    @event.listens_for(metadata, "column_reflect")
    def read_exactly(_inspector: object, _table: object, column: Any) -> None:
        if isinstance(column["type"], JSON):
            column["type"] = JSON(none_as_null=True)

    metadata.reflect(tx, only=None if names is None else list(names))
    return {table.name: table for table in metadata.sorted_tables if table.name not in _NO_RECORD}


def _copy(source: Connection, target: Connection, of: Table, to: Table) -> Tally:
    """Copies all rows, a few at a time; their tally."""
    counted = _Counted()
    for rows in _batches(source, of):
        target.execute(insert(to), [dict(row) for row in rows])
        counted.add(rows)
    return counted.tally


def _tally(tx: Connection, table: Table) -> Tally:
    counted = _Counted()
    for rows in _batches(tx, table):
        counted.add(rows)
    return counted.tally


def _batches(tx: Connection, table: Table) -> Iterator[Sequence[RowMapping]]:
    columns = sorted(
        (column for column in table.columns if column.computed is None),
        key=lambda column: column.name,
    )
    large = any(isinstance(column.type, LargeBinary) for column in columns)
    options = {"yield_per": _BLOBS_AT_ONCE if large else _ROWS_AT_ONCE}
    yield from tx.execute(select(*columns), execution_options=options).mappings().partitions()


class _Counted:
    """A tally in the making."""

    def __init__(self) -> None:
        self._rows, self._sum = 0, 0

    def add(self, rows: Sequence[RowMapping]) -> None:
        self._rows += len(rows)
        self._sum = (self._sum + sum(int.from_bytes(_hash(row)) for row in rows)) % 2**256

    @property
    def tally(self) -> Tally:
        return Tally(self._rows, f"{self._sum:064x}")


def _hash(row: RowMapping) -> bytes:
    digest = sha256()
    for name, value in row.items():
        told = value if isinstance(value, bytes) else _word(value).encode()
        digest.update(f"{name} {type(value).__name__} {len(told)} ".encode())
        digest.update(told)
    return digest.digest()


def _word(value: object) -> str:
    return repr(
        value + 0.0 if isinstance(value, float) else value
    )  # SQLite keeps no sign of a zero


def _go_on_counting(tx: Connection, table: Table) -> None:
    """PostgreSQL counts from where the restored rows end, as SQLite does by itself."""
    if tx.dialect.name != "postgresql":
        return
    for column in table.primary_key:
        if isinstance(column.type, Integer) and column.autoincrement:
            last = func.max(column)
            counter = func.pg_get_serial_sequence(table.name, column.name)
            tx.execute(select(func.setval(counter, func.coalesce(last, 1), last.is_not(None))))


def _remove(file: Path) -> None:
    for part in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        part.unlink(missing_ok=True)
