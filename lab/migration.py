"""Migration of a database to the schema of this version, once it answers."""

import time
from pathlib import Path

from sqlalchemy import make_url

from lab.backup import write_before_upgrade
from lab.errors import CannotStart
from store.db.engines import without_secrets
from store.db.migrate import upgrade
from store.errors import StoreError, StoreUnavailable, StoreUnusable

_RETRY_SECONDS = 0.5


def migrate(url: str, wait_seconds: float, backup_folder: Path | None = None) -> None:
    """Migrates the database at ``url``.

    Args:
        url: The database.
        wait_seconds: How long to wait for it to answer.
        backup_folder: Where to back it up first if it has to change; ``None`` for no backup.

    Raises:
        CannotStart: The URL is invalid, the database is of a newer version, or it didn't answer.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            if backup_folder is not None:
                write_before_upgrade(url, backup_folder)
            return upgrade(url)
        except StoreUnusable as error:
            address = without_secrets(make_url(url))
            raise CannotStart(f"The database {address} can't be used: {error.reason}.") from error
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"The database did not answer within {wait_seconds:g} s: {error}."
                ) from error
        except (StoreError, ValueError) as error:
            raise CannotStart(f"The database can't be used: {error}.") from error
        time.sleep(_RETRY_SECONDS)
