"""``extrapolab doctor``: checks everything that a lab on this machine needs; changes nothing."""

import fcntl
import importlib.util
import os
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import broker, broker_check
from lab.errors import LabError
from lab.folder import DATABASE, LOCK, MIN_FREE_BYTES, refuse_network_disk
from lab.settings import LabSettings, read
from store.db import engines, migrate, schema
from store.db.database import Database, now
from store.errors import StoreError

_PYTHONS = ((3, 11), (3, 12))
_MAX_CLOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Finding:
    """The result of one check; one that failed has a remedy."""

    name: str
    observation: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line for a terminal."""
        status = "fail" if self.remedy else "ok"
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"{status:5} {self.name:9} {self.observation}{remedy}"


def run_checks(data: Path) -> list[Finding]:
    """Checks this machine, and the lab in folder ``data`` or the database of the environment.

    Raises:
        CannotStart: A setting is invalid.
    """
    settings, folder = read(LabSettings), data.expanduser().absolute()
    return [
        _check_python(),
        _check_packages(),
        _check_broker(settings),
        _check_folder(folder),
        *_check_privacy(folder),
        _check_disk(folder),
        *_check_database(settings, folder),
    ]


def _check_python() -> Finding:
    observation = f"Python {sys.version.split()[0]} on {sys.platform}"
    supported = sys.version_info[:2] in _PYTHONS and sys.platform == "linux"
    remedy = "" if supported else "A lab on one machine needs Linux and Python 3.11 or 3.12."
    return Finding("python", observation, remedy)


def _check_packages() -> Finding:
    names = ("fastapi", "celery", "numba", "scipy", "torch")
    missing = [name for name in names if not importlib.util.find_spec(name)]
    if missing:
        remedy = "Run: pip install 'extrapolab[all]'."
        return Finding("packages", f"missing: {', '.join(missing)}", remedy)
    return Finding("packages", "all installed")


def _check_broker(settings: LabSettings) -> Finding:
    def observe() -> str:
        if settings.broker_url is None:
            return f"private, {broker.find_server(settings.redis_server)}"
        broker_check.check(settings.broker_url)
        return "the broker of EXTRAPOLAB_BROKER_URL answers"

    return _unless_refused("broker", observe)


def _check_folder(folder: Path) -> Finding:
    if not folder.exists():
        return Finding("folder", f"{folder} doesn't exist; `extrapolab up` creates it")
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "Choose another with --data, or change its permissions."
        return Finding("folder", f"{folder} can't be written", remedy)
    return _unless_refused(
        "folder",
        lambda: f"{refuse_network_disk(folder / DATABASE).parent}, {_usage(folder / LOCK)}",
    )


def _check_privacy(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        return
    if not _lets_others_in(folder):
        yield Finding("privacy", "only this user may enter the folder")
        return
    inside = sorted(path for path in folder.rglob("*") if _lets_others_in(path))
    if inside:
        more = f" and {len(inside) - 1} more" if len(inside) > 1 else ""
        remedy = f"Unless that is wanted, run: chmod -R go= {shlex.quote(str(folder))}"
        yield Finding("privacy", f"other users may read {inside[0]}{more}", remedy)
    else:
        yield Finding("privacy", "only this user may read what is in the folder")


def _lets_others_in(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:  # a running lab just removed it
        return False
    return not stat.S_ISLNK(mode) and bool(mode & 0o077)


def _usage(lock: Path) -> str:
    if not lock.exists():
        return "never used by a lab"
    with lock.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"in use by {file.read().strip() or 'a lab'}"
        return "not in use"


def _check_disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    enough = free >= MIN_FREE_BYTES
    remedy = "" if enough else "Free some space, or choose another folder with --data."
    return Finding("disk", f"{free / 2**30:.1f} GiB free at {existing}", remedy)


def _check_database(settings: LabSettings, folder: Path) -> Iterator[Finding]:
    file = folder / DATABASE
    if settings.database_url is None and not file.exists():
        yield Finding("database", "none yet; `extrapolab up` creates it")
        return
    try:
        database = Database(settings.database_url or engines.sqlite_url(file))
    except ValueError as error:
        yield Finding("database", "not usable", f"{error}.")
        return
    try:
        with database.read() as tx:
            revision, clock_offset = schema.current_revision(tx), now(tx) - time.time()
            has_pooler = engines.pooler_hides_server(tx)
            intact = (
                database.dialect != "sqlite"
                or tx.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok"
            )
        name = f"{database.dialect}{' behind a connection pooler' if has_pooler else ''}"
        yield _check_schema(revision, name, intact=intact)
        yield _check_clock(clock_offset)
    except StoreError as error:
        yield Finding("database", "not usable", f"{' '.join(str(error).split())}.")
    finally:
        database.dispose()


def _check_schema(revision: str | None, database: str, *, intact: bool) -> Finding:
    observation = f"{database} at schema {revision or 'none'}"
    if not intact:
        remedy = "Restore a backup to an empty folder: extrapolab restore."
        return Finding("database", f"{observation}, damaged", remedy)
    if revision == schema.REVISION:
        return Finding("database", observation)
    if revision is None or revision in migrate.revisions():
        remedy = "Run `extrapolab up` or `extrapolab migrate` to upgrade it."
    else:
        remedy = f"This version supports schema {schema.REVISION}: use a newer Extrapolab."
    return Finding("database", observation, remedy)


def _check_clock(offset: float) -> Finding:
    synchronised = abs(offset) < _MAX_CLOCK_SECONDS
    remedy = "" if synchronised else "Synchronise the clocks of both hosts (NTP)."
    return Finding("clock", f"{abs(offset):.2f} s between the database and this host", remedy)


def _unless_refused(name: str, observe: Callable[[], str]) -> Finding:
    try:
        return Finding(name, observe())
    except LabError as error:
        return Finding(name, "not usable", str(error))
