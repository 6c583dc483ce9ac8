"""``extrapolab doctor``: looks at all that a lab on this machine needs, changes nothing, and says what to do."""

import fcntl
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import broker
from lab.errors import LabError
from lab.folder import DATABASE, LEAST_BYTES, LOCK, refuse_network_disk
from lab.settings import LabSettings, read
from store.db import migrate, schema
from store.db.database import Database, now
from store.errors import StoreError

_PYTHONS = ((3, 11), (3, 12))
_CLOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Finding:
    """One look: at what, what was seen and, where something is amiss, what to do."""

    name: str
    seen: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line for a terminal."""
        mark = "amiss" if self.remedy else "ok"
        return f"{mark:6} {self.name:9} {self.seen}{f'. {self.remedy}' if self.remedy else ''}"


def examine(data: Path) -> list[Finding]:
    """All findings on this machine, and on the lab in the folder ``data`` or in the database of the environment.

    Raises:
        CannotStart: A setting makes no sense.
    """
    settings, folder = read(LabSettings), data.expanduser().absolute()
    return [
        _python(),
        _packages(),
        _broker(settings),
        _folder(folder),
        _disk(folder),
        *_database(settings, folder),
    ]


def _python() -> Finding:
    seen = f"Python {sys.version.split()[0]} on {sys.platform}"
    fit = sys.version_info[:2] in _PYTHONS and sys.platform == "linux"
    return Finding(
        "python", seen, "" if fit else "A lab on one machine needs Linux and Python 3.11 or 3.12."
    )


def _packages() -> Finding:
    missing = [
        name
        for name in ("fastapi", "celery", "numba", "scipy", "torch")
        if not importlib.util.find_spec(name)
    ]
    if missing:
        return Finding(
            "packages", f"missing: {', '.join(missing)}", "Run: pip install 'extrapolab[all]'."
        )
    return Finding("packages", "all there")


def _broker(settings: LabSettings) -> Finding:
    def look() -> str:
        if settings.broker_url is None:
            return f"a private one, {broker.find_server(settings.redis_server)}"
        broker.check(settings.broker_url)
        return "that of EXTRAPOLAB_BROKER_URL answers"

    return _unless_refused("broker", look)


def _folder(folder: Path) -> Finding:
    if not folder.exists():
        return Finding("folder", f"{folder} is not there yet; `extrapolab up` makes it")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "folder",
            f"{folder} may not be written",
            "Choose another with --data, or change who owns it.",
        )
    return _unless_refused(
        "folder",
        lambda: f"{refuse_network_disk(folder / DATABASE).parent}, {_owner(folder / LOCK)}",
    )


def _owner(lock: Path) -> str:
    if not lock.exists():
        return "never used by a lab"
    with lock.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"in use by {file.read().strip() or 'a lab'}"
        return "in use by no lab now"


def _disk(folder: Path) -> Finding:
    place = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(place).free
    remedy = "" if free >= LEAST_BYTES else "Free some space, or choose another folder with --data."
    return Finding("disk", f"{free / 2**30:.1f} GiB free at {place}", remedy)


def _database(settings: LabSettings, folder: Path) -> Iterator[Finding]:
    file = folder / DATABASE
    if settings.database_url is None and not file.exists():
        yield Finding("database", "none yet; `extrapolab up` makes it")
        return
    try:
        database = Database(settings.database_url or f"sqlite:///{file}")
    except ValueError as error:
        yield Finding("database", "not usable", f"{error}.")
        return
    try:
        with database.read() as tx:
            revision, ahead = schema.current_revision(tx), now(tx) - time.time()
            sound = (
                database.dialect != "sqlite"
                or tx.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok"
            )
        yield _tables(revision, database.dialect, sound=sound)
        yield _clock(ahead)
    except StoreError as error:
        yield Finding("database", "not usable", f"{' '.join(str(error).split())}.")
    finally:
        database.dispose()


def _tables(revision: str | None, dialect: str, *, sound: bool) -> Finding:
    seen = f"{dialect} at schema {revision or 'none'}"
    if not sound:
        return Finding(
            "database",
            f"{seen}, damaged",
            "Restore a backup into an empty folder: extrapolab restore.",
        )
    if revision == schema.REVISION:
        return Finding("database", seen)
    if revision is None or revision in migrate.revisions():
        return Finding(
            "database", seen, "`extrapolab up` or `extrapolab migrate` brings it to this version."
        )
    return Finding(
        "database",
        seen,
        f"It is newer than this version, {schema.REVISION}: use a newer Extrapolab.",
    )


def _clock(ahead: float) -> Finding:
    remedy = (
        ""
        if abs(ahead) < _CLOCK_SECONDS
        else "Let both hosts take their time from the network (NTP)."
    )
    return Finding("clock", f"the database's is {ahead:+.2f} s from this host's", remedy)


def _unless_refused(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, look())
    except LabError as error:
        return Finding(name, "not usable", str(error))
