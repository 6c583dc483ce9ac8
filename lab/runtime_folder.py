"""The folder of a running lab's sockets, among the temporary files.

It is not in the data folder: the path of a unix socket has at most 107 bytes.
"""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARENT = Path("/tmp")  # noqa: S108  # each folder in it is made by mkdtemp, for this user alone
_PREFIX = "extrapolab-"
_LOCK = "lock"
_YOUNG_SECONDS = 60.0
"""A folder that is younger may belong to a lab that hasn't locked it yet."""


@contextmanager
def runtime_folder(parent: Path = _PARENT) -> Iterator[Path]:
    """A new folder, until the context ends; removes those that killed labs left behind."""
    _remove_leftovers(parent)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as name:
        folder = Path(name)
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder


def _remove_leftovers(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            if time.time() - lock.stat().st_mtime < _YOUNG_SECONDS:
                continue
            with lock.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)
        except OSError:  # its lab runs, or it is another user's, or it was just removed
            continue
