"""Bringing a database to the schema of this software, once it answers."""

import time
from pathlib import Path

from sqlalchemy import make_url

from lab.backup import keep_before_upgrade
from lab.errors import CannotStart
from store.db.migrate import upgrade
from store.errors import StoreError, StoreUnavailable, StoreUnusable

_PAUSE_SECONDS = 0.5


def migrate(url: str, wait_seconds: float, keep_in: Path | None = None) -> None:
    """Migrates the database at ``url``, waiting for it for at most ``wait_seconds``.

    Args:
        url: Where it is.
        wait_seconds: How long it may take to answer.
        keep_in: The folder to which a database that has to change is copied first.

    Raises:
        CannotStart: The URL is none of a database, its tables are of a later version, or it didn't
            answer in time.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            if keep_in is not None:
                keep_before_upgrade(url, keep_in)
            return upgrade(url)
        except StoreUnusable as error:
            where = make_url(url).render_as_string()  # without its password
            raise CannotStart(f"The database {where} can't be used: {error.reason}.") from error
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"The database did not answer within {wait_seconds:g} s: {error}."
                ) from error
        except (StoreError, ValueError) as error:
            raise CannotStart(f"The database can't be used: {error}.") from error
        time.sleep(_PAUSE_SECONDS)
