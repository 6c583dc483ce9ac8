"""Checks that a file has exactly the tables of a backup, before anything else is read from it.

A file may come from anywhere, so its tables are compared with those that the migrations create, and
the types of its values with those of its columns, which SQLite doesn't enforce.
"""

import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from store.db import migrate
from store.db.engines import sqlite_url
from store.errors import BackupDamaged

DIGESTS = "backup"
"""The table of the digests, which only backups have."""

Shape = Mapping[str, frozenset[tuple[str, str, int, int, int]]]
"""The columns of each table, view or trigger: name, type, not null, primary key and hidden."""

_DIGEST_COLUMNS = frozenset(
    {("name", "TEXT", 1, 1, 0), ("rows", "INTEGER", 1, 0, 0), ("sha256", "TEXT", 1, 0, 0)}
)
_STORED_TYPES = {
    "INT": ("integer",),
    "BOOL": ("integer",),
    "DOUBLE": ("real", "integer"),
    "FLOAT": ("real", "integer"),
    "BLOB": ("blob",),
}
"""SQLite's types of the values in a column, by part of its declared type; others hold text."""


def require_backup_tables(file: Path) -> None:
    """Checks the tables of a file and the types of their values.

    Raises:
        BackupDamaged: It isn't a backup, or has tables, columns or values that none can have.
        SchemaMismatch: It is a backup of a newer version.
    """
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as backup:
        try:
            versions = backup.execute("SELECT version_num FROM alembic_version").fetchall()
            if len(versions) != 1:
                raise BackupDamaged(f"{file} is not a backup: it has {len(versions)} revisions")
            revision = str(versions[0][0])
            migrate.require_known(revision, "backup")
            _require_shape(file, _shape(backup), _expected_shape(revision))
            _require_rows(file, backup)
        except sqlite3.Error as error:
            raise BackupDamaged(f"{file} is damaged or not a backup ({error})") from error


def _expected_shape(revision: str) -> Shape:
    with tempfile.TemporaryDirectory(prefix="extrapolab-") as folder:
        empty = Path(folder) / "empty.db"
        migrate.upgrade(sqlite_url(empty), revision)
        with closing(sqlite3.connect(empty)) as database:
            return {**_shape(database), DIGESTS: _DIGEST_COLUMNS}


def _shape(database: sqlite3.Connection) -> Shape:
    names = database.execute(
        "SELECT name FROM sqlite_master WHERE type <> 'index' AND name <> 'sqlite_sequence'"
    ).fetchall()
    columns = 'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)'
    return {name: frozenset(database.execute(columns, (name,))) for (name,) in names}


def _require_shape(file: Path, found: Shape, expected: Shape) -> None:
    names = sorted({*found, *expected})
    different = [name for name in names if found.get(name) != expected.get(name)]
    if different:
        raise BackupDamaged(
            f"{file} does not have the tables of a backup (different, missing or too many: "
            f"{', '.join(map(repr, different))})"
        )


def _require_rows(file: Path, backup: sqlite3.Connection) -> None:
    for table, columns in _shape(backup).items():
        for name, declared, _, _, hidden in columns:
            if hidden:
                continue
            types = next((t for part, t in _STORED_TYPES.items() if part in declared), ("text",))
            places = ", ".join("?" * (len(types) + 1))
            wrong = f'SELECT 1 FROM "{table}" WHERE typeof("{name}") NOT IN ({places}) LIMIT 1'  # noqa: S608  # names of our own tables by now
            if backup.execute(wrong, (*types, "null")).fetchone():
                raise BackupDamaged(f"{file} has values of another type in {table}.{name}")
    if backup.execute("PRAGMA foreign_key_check").fetchone():
        raise BackupDamaged(f"{file} has rows that belong to no experiment or sweep")
