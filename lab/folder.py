"""The data folder of a lab: its database, its logs, and the lock that reserves it for one lab."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from lab.errors import CannotStart
from lab.rotation import previous

_FUSE_FILE_SYSTEMS = ("sshfs", "ceph", "ceph-fuse", "glusterfs", "s3fs", "rclone", "davfs2")
_NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
        "gpfs",
        "davfs",
        *(f"fuse.{name}" for name in _FUSE_FILE_SYSTEMS),
    }
)
MIN_FREE_BYTES = 16 * 2**20
"""Disk space for a new lab, its logs and its first experiments."""

DATABASE, LOCK, BACKUPS = "extrapolab.db", "lab.lock", "backups"
_REMEDY = "Choose another folder with --data."


@dataclass(frozen=True)
class DataFolder:
    """A data folder whose lock this lab holds."""

    path: Path
    _lock: TextIO

    @property
    def database_url(self) -> str:
        """The URL of the SQLite database in the folder.

        Raises:
            CannotStart: The folder is on a network disk.
        """
        return database_url_in(self.path)

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs."""
        return self.path / "logs"

    @property
    def backups(self) -> Path:
        """The folder of backups written before schema upgrades."""
        return self.path / BACKUPS

    def new_log(self, name: str) -> Path:
        """The path of a new log file; keeps the previous one as ``.log.1``."""
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(previous(log))
        return log

    def write_owner(self, owner: str) -> None:
        """Writes who holds the folder; shown to anyone who tries to lock it."""
        self._lock.truncate(0)
        self._lock.write(owner)
        self._lock.flush()


@contextmanager
def lock_data_folder(path: Path) -> Iterator[DataFolder]:
    """The data folder at ``path``, created if missing and locked until the context ends.

    Raises:
        CannotStart: It can't be written, its disk is full, or another lab holds it.
    """
    path = path.expanduser().absolute()
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise CannotStart(
            f"The data folder {str(path)!a} can't be used: its name is not UTF-8. {_REMEDY}"
        ) from error
    try:
        (path / "logs").mkdir(parents=True, exist_ok=True)
        lock = (path / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotStart(
            f"The data folder {path} can't be written: {error.strerror}. {_REMEDY}"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or "another lab"
            raise CannotStart(
                f"The data folder {path} is in use by {owner}. Stop it, or {_REMEDY.lower()}"
            ) from error
        if (free := shutil.disk_usage(path).free) < MIN_FREE_BYTES:
            raise CannotStart(
                f"The disk of the data folder {path} is full: {free / 2**20:.1f} MiB are free, and "
                f"a lab needs {MIN_FREE_BYTES / 2**20:.0f}. Free some space. {_REMEDY}"
            )
        yield DataFolder(path, lock)


def database_url_in(folder: Path) -> str:
    """The URL of the SQLite database in a data folder.

    Raises:
        CannotStart: The folder is on a network disk.
    """
    from store.db.engines import sqlite_url  # noqa: PLC0415  # the supervisor stays small

    return sqlite_url(refuse_network_disk(folder / DATABASE))


def refuse_network_disk(file: Path) -> Path:
    """Returns the path of a SQLite database unless it is on a network disk, where locks fail.

    Raises:
        CannotStart: It is on a network disk.
    """
    file_system = _file_system(file.parent)
    if file_system in _NETWORK_FILE_SYSTEMS:
        raise CannotStart(
            f"The database {file} would be on a network disk ({file_system}), where SQLite isn't "
            "safe. Choose another folder with --data, or a PostgreSQL with EXTRAPOLAB_DATABASE_URL."
        )
    return file


def _file_system(path: Path) -> str:
    """The type of the file system that ``path`` is on."""
    import psutil  # noqa: PLC0415  # the supervisor stays small

    types = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    resolved = path.resolve()
    mounts = (types[folder] for folder in (resolved, *resolved.parents) if folder in types)
    return next(mounts, "unknown")
