"""A cache of drawn figures on disk, bounded in bytes."""

import logging
import os
import tempfile
import threading
import zlib
from collections.abc import Hashable

log = logging.getLogger(__name__)

FAST = 1
"""zlib's fastest level: an SVG shrinks to a quarter within 2 ms."""


class FigureCache:
    """Files of figures by key, in one temporary file that is written round and round.

    The file has no name, so the operating system frees it however the process ends. A new figure
    overwrites the oldest ones. Thread-safe.

    Args:
        max_bytes: Most bytes on disk, compressed.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._end = 0
        self._places: dict[Hashable, tuple[int, int]] = {}
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        """The file stored under ``key``; None if there is none, or no longer."""
        with self._lock:
            if self._descriptor is None or key not in self._places:
                return None
            start, length = self._places[key]
            packed = os.pread(self._descriptor, length, start)
        return zlib.decompress(packed)

    def put(self, key: Hashable, content: bytes) -> None:
        """Stores a file under ``key``; a full disk costs a warning and nothing else."""
        packed = zlib.compress(content, FAST)
        if len(packed) > self._max_bytes:
            return
        with self._lock:
            start = self._end if self._end + len(packed) <= self._max_bytes else 0
            end = start + len(packed)
            self._places = {
                other: (first, length)
                for other, (first, length) in self._places.items()
                if other != key and (first >= end or first + length <= start)
            }
            try:
                if self._descriptor is None:
                    self._descriptor = _temporary_file()
                written = os.pwrite(self._descriptor, packed, start)
            except OSError as error:
                log.warning("a figure could not be cached: %s", error)
                return
            if written == len(packed):  # less is written on a disk that becomes full
                self._places[key] = start, len(packed)
                self._end = end


def _temporary_file() -> int:
    """The descriptor of a new file without a name."""
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
