"""Backups of a lab, as a person at a terminal asks for them."""

import logging
import time
from contextlib import nullcontext
from pathlib import Path

from lab.errors import CannotStart
from lab.folder import DATABASE, claimed, refuse_network_disk
from lab.settings import LabSettings, read
from store.db import backup, migrate, schema
from store.db.backup import Contents
from store.errors import StoreError

logger = logging.getLogger(__name__)


def write(data: Path, file: Path) -> str:
    """Copies the lab's database to ``file``, also while the lab runs; a sentence on what is in it.

    Raises:
        CannotStart: There is no lab, or no backup of it can be written there.
    """
    url = read(LabSettings).database_url
    if url is None:
        database = data.expanduser().absolute() / DATABASE
        if not database.exists():
            raise CannotStart(
                f"There is no lab in {database.parent}. Name its folder with --data, or its database with "
                "EXTRAPOLAB_DATABASE_URL."
            )
        url = f"sqlite:///{refuse_network_disk(database)}"
    try:
        contents = backup.write(url, file)
    except (StoreError, ValueError) as error:
        raise CannotStart(f"No backup was written: {error}.") from error
    return f"{file} has {_told(contents)}, {file.stat().st_size / 2**20:.1f} MiB; it was read back and is whole."


def restore(file: Path, data: Path) -> str:
    """Makes a lab in an empty folder or database from a backup; a sentence on what is in it.

    Raises:
        CannotStart: It isn't empty, another lab holds it, or the backup isn't whole.
    """
    if not file.is_file():
        raise CannotStart(f"There is no backup {file}.")
    url = read(LabSettings).database_url
    try:
        checked = backup.check_restorable(file)  # before a folder is made for it
        with claimed(data) if url is None else nullcontext() as folder:
            contents = backup.restore(file, folder.database_url if folder else str(url), checked)
    except (StoreError, ValueError) as error:
        raise CannotStart(f"Nothing was restored: {error}.") from error
    where = folder.path if folder else "the database of EXTRAPOLAB_DATABASE_URL"
    return f"{where} has {_told(contents)} now, as {file} has."


def keep_before_upgrade(url: str, folder: Path) -> None:
    """Where the database is to be brought to this version, copies it first, as it is, to ``folder``.

    Raises:
        CannotStart: It can't be copied.
    """
    found = schema.revision(url)
    if found in {None, schema.REVISION} or found not in migrate.revisions():
        return
    file = folder / f"schema-{found}-{time.strftime('%Y%m%dT%H%M%S')}.backup"
    try:
        folder.mkdir(exist_ok=True)
        backup.write(url, file)
    except (StoreError, OSError) as error:
        raise CannotStart(
            f"The database is not upgraded, since it can't be copied first: {error}."
        ) from error
    logger.info(
        "The database goes from schema %s to %s. As it was, it is kept in %s",
        found,
        schema.REVISION,
        file,
    )


def _told(contents: Contents) -> str:
    rows = sum(tally.rows for tally in contents.tables.values())
    return f"{contents.tables['experiments'].rows} experiments, {rows} rows in all"
