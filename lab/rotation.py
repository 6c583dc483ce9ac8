"""Rotation of a log by its size, while the process that writes it runs."""

import os
import shutil
from pathlib import Path

MAX_BYTES = 10 * 2**20
"""Size from which a log is rotated."""


def previous(log: Path) -> Path:
    """Where the lines before the newest rotation, or the newest start of the lab, are."""
    return log.with_suffix(".log.1")


def rotate(log: Path) -> None:
    """Moves the content of a large log to its previous one, and empties it.

    The process keeps the file open for appending, so it goes on at the new end. What it writes
    between the copy and the emptying, a few microseconds, is lost.
    """
    if log.stat().st_size > MAX_BYTES:
        shutil.copy(log, previous(log))
        os.truncate(log, 0)
