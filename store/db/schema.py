"""The schema revision of a database; :mod:`store.db.migrate` changes it."""

from sqlalchemy import Connection, inspect, text

from store.db.database import Database
from store.errors import SchemaMismatch

REVISION = "0015"
"""The newest migration in ``migrations/versions``, repeated here so that checks need no Alembic."""


def check(url: str) -> None:
    """Checks that a database is at this version's revision.

    Raises:
        SchemaMismatch: The database is at another revision, or empty.
        StoreUnavailable: The database can't be reached.
    """
    current = revision(url)
    if current != REVISION:
        raise SchemaMismatch(current, REVISION)


def revision(url: str) -> str | None:
    """The revision of a database, or None if it is empty.

    Raises:
        StoreUnavailable: The database can't be reached.
    """
    database = Database(url)
    try:
        with database.read() as tx:
            return current_revision(tx)
    finally:
        database.dispose()


def current_revision(tx: Connection) -> str | None:
    """The revision of the database of an open transaction, or None if it is empty."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    return tx.scalars(text("SELECT version_num FROM alembic_version")).one_or_none()
