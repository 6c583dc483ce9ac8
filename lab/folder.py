"""The data folder of a lab: its database, its logs, and the lock that says which lab it belongs to."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

from lab.errors import CannotStart

_SHARED_DISKS = frozenset(
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
    }
    | {
        f"fuse.{kind}"
        for kind in ("sshfs", "ceph", "ceph-fuse", "glusterfs", "s3fs", "rclone", "davfs2")
    }
)
LEAST_BYTES = 16 * 2**20
"""What a new lab, its logs and its first experiments need."""
DATABASE, LOCK = "extrapolab.db", "lab.lock"
_REMEDY = "Choose another folder with --data."


@dataclass(frozen=True)
class DataFolder:
    """A folder that belongs to this lab for as long as its lock is held."""

    path: Path
    _lock: TextIO

    @property
    def database_url(self) -> str:
        """The SQLite database in it; refuses a network disk, where SQLite's locks don't hold.

        Raises:
            CannotStart: The folder lies on a network disk.
        """
        return f"sqlite:///{refuse_network_disk(self.path / DATABASE)}"

    @property
    def logs(self) -> Path:
        """Where the children's output goes."""
        return self.path / "logs"

    @property
    def backups(self) -> Path:
        """Where the database is copied to before it is brought to a new version."""
        return self.path / "backups"

    def log(self, name: str) -> Path:
        """A fresh log file; that of the lab before is kept beside it as ``.log.1``."""
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    def sign(self, owner: str) -> None:
        """Writes who holds the folder, for the next one who wants it to read."""
        self._lock.truncate(0)
        self._lock.write(owner)
        self._lock.flush()


@contextmanager
def claimed(path: Path) -> Iterator[DataFolder]:
    """The folder at ``path``, made if need be and locked until the context ends.

    Raises:
        CannotStart: It can't be written, its disk is full, or another lab holds it.
    """
    path = path.expanduser().absolute()
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
                f"The data folder {path} is in use by {owner}. Stop it first, or {_REMEDY.lower()}"
            ) from error
        if (free := shutil.disk_usage(path).free) < LEAST_BYTES:
            raise CannotStart(
                f"The disk of the data folder {path} is full: {free / 2**20:.1f} MiB are free, and a lab needs "
                f"{LEAST_BYTES / 2**20:.0f}. Free some space. {_REMEDY}"
            )
        yield DataFolder(path, lock)


def refuse_network_disk(file: Path) -> Path:
    """The place of a SQLite database, if it is no network disk, where SQLite's locks don't hold.

    Raises:
        CannotStart: It is one.
    """
    disk = _disk(file.parent)
    if disk in _SHARED_DISKS:
        raise CannotStart(
            f"The database {file} would be on a network disk ({disk}), where SQLite isn't safe. Choose another folder "
            "with --data, or a PostgreSQL with EXTRAPOLAB_DATABASE_URL."
        )
    return file


def _disk(path: Path) -> str:
    """The kind of file system that ``path`` lies on."""
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    return next(
        (mounts[place] for place in (path.resolve(), *path.resolve().parents) if place in mounts),
        "unknown",
    )
