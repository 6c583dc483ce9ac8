"""Migrates a database to another schema revision; the steps are in ``migrations/versions``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event, func, select, text

from store.db import schema
from store.db.database import Database
from store.errors import SchemaMismatch

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x65787472
"""PostgreSQL's advisory lock ("extr") that lets one migration run at a time."""


def revisions() -> list[str]:
    """The revisions that this version knows, newest first."""
    return [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


def require_known(revision: str, owner: str) -> None:
    """Raises SchemaMismatch if the ``owner`` of a revision, such as "backup", is newer."""
    if revision not in revisions():
        remedy = f"the {owner} is newer; use a newer Extrapolab"
        raise SchemaMismatch(revision, schema.REVISION, remedy)


def upgrade(url: str, revision: str = "head") -> None:
    """Upgrades a database in one transaction; does nothing if it is up to date.

    Args:
        url: The database.
        revision: The revision to stop at, by default the newest.

    Raises:
        SchemaMismatch: The database is at a newer revision than this version knows.
        StoreUnavailable: The database can't be reached.
    """
    current = schema.revision(url)
    if current is not None:
        require_known(current, "database")
    with _alembic(url) as config:
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Downgrades a database, to ``base`` for no tables; data the revision can't hold is lost."""
    with _alembic(url) as config:
        command.downgrade(config, revision)


@contextmanager
def _alembic(url: str) -> Iterator[Config]:
    """Alembic's configuration, with an open transaction that blocks other migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    database = Database(url)
    try:
        if database.dialect == "sqlite":
            # SQLite alters a table by copying it; dropping the old one must not cascade
            event.listen(
                database.engine,
                "connect",
                lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF"),
            )
        with database.write() as tx:
            if database.dialect == "postgresql":
                tx.execute(text("SET LOCAL statement_timeout = 0"))  # large tables take long
                tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            config.attributes["connection"] = tx
            yield config
            if database.dialect == "sqlite":
                orphans = tx.exec_driver_sql("PRAGMA foreign_key_check").all()
                if orphans:
                    message = f"the migration would leave rows without a parent: {orphans[:3]}"
                    raise RuntimeError(message)
    finally:
        database.dispose()
