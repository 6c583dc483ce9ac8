"""Batches: reading and writing many rows a few hundred at a time, so that others get their turn."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

ROWS_PER_QUERY = 500
"""Most hashes or ids that one query names."""

WRITE_BATCH = 500
"""Most rows that one write adds or removes; it holds SQLite's lock for tens of milliseconds."""

PAUSE_BETWEEN_BATCHES = 0.01
"""Seconds between two writes, so that others get the database."""

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int = ROWS_PER_QUERY) -> Iterator[list[Item]]:
    """The items, up to ``size`` at a time."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
