"""Brings a database to the tables of this version. The steps are in ``migrations/``."""

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
_LOCK = 0x65787472  # "extr": the advisory lock that one migration at a time holds on PostgreSQL


def revisions() -> list[str]:
    """The revisions that this version knows, the newest first."""
    return [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


def upgrade(url: str, revision: str = "head") -> None:
    """Makes or changes the tables as this version needs them, in one transaction; does nothing where they are so.

    Args:
        url: Where the database is.
        revision: An earlier one to stop at.

    Raises:
        SchemaMismatch: They are of a newer version than this one.
        StoreUnavailable: The database is away.
    """
    found = schema.revision(url)
    if found is not None and found not in revisions():
        raise SchemaMismatch(
            found, schema.REVISION, "the database is newer; use a newer Extrapolab"
        )
    with _alembic(url) as config:
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Takes the tables back to an earlier revision, ``base`` for none.

    Data that has no place there is lost.
    """
    with _alembic(url) as config:
        command.downgrade(config, revision)


@contextmanager
def _alembic(url: str) -> Iterator[Config]:
    """Alembic's configuration with an open transaction that holds off other migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    database = Database(url)
    try:
        if (
            database.dialect == "sqlite"
        ):  # a table is changed by copying it; dropping the old one must not cascade
            event.listen(
                database.engine,
                "connect",
                lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF"),
            )
        with database.write() as tx:
            if database.dialect == "postgresql":
                tx.execute(text("SET LOCAL statement_timeout = 0"))  # many rows are not an outage
                tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            config.attributes["connection"] = tx
            yield config
            if database.dialect == "sqlite" and (
                broken := tx.exec_driver_sql("PRAGMA foreign_key_check").all()
            ):
                raise RuntimeError(
                    f"the migration would leave rows without their parent: {broken[:3]}"
                )
    finally:
        database.dispose()
