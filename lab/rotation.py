"""Rotation of a log by its size, while the process that writes it runs."""

import logging
import os
import shutil
from pathlib import Path

MAX_BYTES = 10 * 2**20
"""Size from which a log is rotated."""

logger = logging.getLogger(__name__)


def previous(log: Path) -> Path:
    """Where the lines before the newest rotation, or the newest start of the lab, are."""
    return log.with_suffix(".log.1")


def rotate(log: Path) -> None:
    """Moves the content of a large log to its previous one, and empties it.

    The process keeps the file open for appending, so it goes on at the new end. What it writes
    between the copy and the emptying, a few microseconds, is lost. So is the content if the disk is
    full: a log must not end the lab.
    """
    try:
        if log.stat().st_size <= MAX_BYTES:
            return
        shutil.copy(log, previous(log))
    except FileNotFoundError:  # somebody removed it
        return
    except OSError as error:
        logger.warning("The log %s is emptied, since it can't be copied: %s", log, error.strerror)
        previous(log).unlink(missing_ok=True)
    os.truncate(log, 0)
