"""Whether a database has the tables of this software. :mod:`store.db.migrate` brings them there."""

from sqlalchemy import Connection, inspect, text

from store.db.database import Database
from store.errors import SchemaMismatch

REVISION = "0004"
"""The newest migration in ``migrations/versions``.

Known here by name, so that a look needs no Alembic.
"""


def check(url: str) -> None:
    """Returns if the tables are those of this version.

    Raises:
        SchemaMismatch: They are of another, or there are none.
        StoreUnavailable: The database is away.
    """
    found = revision(url)
    if found != REVISION:
        raise SchemaMismatch(found, REVISION)


def revision(url: str) -> str | None:
    """The migration that the database is at, None for an empty one; raises StoreUnavailable."""
    database = Database(url)
    try:
        with database.read() as tx:
            return current_revision(tx)
    finally:
        database.dispose()


def current_revision(tx: Connection) -> str | None:
    """The migration that the database of an open transaction is at, None for an empty one."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    return tx.scalars(text("SELECT version_num FROM alembic_version")).one_or_none()
