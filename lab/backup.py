"""Backups of a lab, for the command line."""

import logging
import time
from contextlib import nullcontext
from pathlib import Path

from lab.errors import CannotStart
from lab.folder import DATABASE, lock_data_folder, refuse_network_disk
from lab.settings import LabSettings, read
from store.db import backup, migrate, schema
from store.db.backup import Contents
from store.db.engines import sqlite_url
from store.errors import StoreError

logger = logging.getLogger(__name__)


def write(data: Path, file: Path) -> str:
    """Copies the lab's database to ``file``, even while the lab runs; returns a summary.

    Raises:
        CannotStart: There is no lab, or its backup cannot be written.
    """
    url = read(LabSettings).database_url
    if url is None:
        database = data.expanduser().absolute() / DATABASE
        if not database.exists():
            raise CannotStart(
                f"There is no lab in {database.parent}. Give its folder with --data, or its "
                "database with EXTRAPOLAB_DATABASE_URL."
            )
        url = sqlite_url(refuse_network_disk(database))
    try:
        contents = backup.write(url, file)
    except (StoreError, ValueError) as error:
        raise CannotStart(f"No backup was written: {error}.") from error
    size = f"{file.stat().st_size / 2**20:.1f} MiB"
    return f"Wrote {file}, {size}, with {_summary(contents)}, and verified it."


def restore(file: Path, data: Path) -> str:
    """Restores a backup to an empty folder or database; returns a summary.

    Raises:
        CannotStart: The target isn't empty or another lab holds it, or the backup is damaged.
    """
    if not file.is_file():
        raise CannotStart(f"Nothing was restored: there is no file {file}.")
    url = read(LabSettings).database_url
    try:
        checked = backup.check_restorable(file)  # before the folder is created
        with lock_data_folder(data) if url is None else nullcontext() as folder:
            contents = backup.restore(file, folder.database_url if folder else str(url), checked)
    except (StoreError, ValueError) as error:
        raise CannotStart(f"Nothing was restored: {error}.") from error
    target = folder.path if folder else "the database of EXTRAPOLAB_DATABASE_URL"
    return f"Restored {file} to {target}: {_summary(contents)}."


def write_before_upgrade(url: str, folder: Path) -> None:
    """Backs the database up to ``folder`` if its schema is older than this version's.

    Raises:
        CannotStart: The backup cannot be written.
    """
    revision = schema.revision(url)
    if revision in {None, schema.REVISION} or revision not in migrate.revisions():
        return
    file = folder / f"schema-{revision}-{time.strftime('%Y%m%dT%H%M%S')}.backup"
    try:
        folder.mkdir(exist_ok=True)
        backup.write(url, file)
    except (StoreError, OSError) as error:
        raise CannotStart(f"The database is not upgraded: its backup failed: {error}.") from error
    logger.info(
        "Upgrading the database from schema %s to %s. Its backup is %s.",
        revision,
        schema.REVISION,
        file,
    )


def _summary(contents: Contents) -> str:
    rows = sum(tally.rows for tally in contents.tables.values())
    return f"{contents.tables['experiments'].rows} experiments and {rows} rows in all"
