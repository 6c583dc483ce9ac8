"""Copies tables between databases of either kind, row by row, and digests their contents."""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    event,
    func,
    insert,
    select,
)

ROWS_PER_BATCH = 500
BLOB_ROWS_PER_BATCH = 4
"""Batches are small, so that memory does not grow with the database."""

LOG_SECONDS = 2.0
"""Time between two log lines on a table that takes long."""

OF_THE_DATABASE = frozenset({"txid", "oldest_txid"})
"""Columns that mean nothing in another database, which fills them by itself."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableDigest:
    """A summary of a table's contents.

    Attributes:
        rows: The number of rows.
        sha256: The sum of their hashes, which their order does not change.
    """

    rows: int
    sha256: str


def reflect(tx: Connection, names: Collection[str] | None = None) -> dict[str, Table]:
    """The tables as the database has them, at any revision, parents first; by default all."""
    metadata = MetaData()

    @event.listens_for(metadata, "column_reflect")
    def keep_null_json(_inspector: object, _table: object, column: Any) -> None:
        if isinstance(column["type"], JSON):
            column["type"] = JSON(none_as_null=True)

    metadata.reflect(tx, only=None if names is None else list(names))
    return {table.name: table for table in metadata.sorted_tables}


def copy_rows(
    source: Connection, source_table: Table, target: Connection, target_table: Table
) -> TableDigest:
    """Copies all rows of a table; returns the digest of what was read."""
    digest = _Digest()
    for rows in _batches(source, source_table):
        target.execute(insert(target_table), [dict(row) for row in rows])
        digest.add(rows)
    return digest.result


def digest_table(tx: Connection, table: Table) -> TableDigest:
    """The digest of a table."""
    digest = _Digest()
    for rows in _batches(tx, table):
        digest.add(rows)
    return digest.result


def continue_numbering(tx: Connection, table: Table) -> None:
    """Sets PostgreSQL's counters after the last copied number; SQLite continues by itself."""
    if tx.dialect.name != "postgresql":
        return
    for column in table.primary_key:
        if isinstance(column.type, Integer) and column.autoincrement:
            last = func.max(column)
            counter = func.pg_get_serial_sequence(table.name, column.name)
            tx.execute(select(func.setval(counter, func.coalesce(last, 1), last.is_not(None))))


def _batches(tx: Connection, table: Table) -> Iterator[Sequence[RowMapping]]:
    stored = [
        column
        for column in table.columns
        if column.computed is None and column.name not in OF_THE_DATABASE
    ]
    columns = sorted(stored, key=lambda column: column.name)
    has_blobs = any(isinstance(column.type, LargeBinary) for column in columns)
    options = {"yield_per": BLOB_ROWS_PER_BATCH if has_blobs else ROWS_PER_BATCH}
    # closed even where a value can't be read: the cursor would keep the file open
    with tx.execute(select(*columns), execution_options=options) as result:
        yield from _logged(table.name, result.mappings().partitions())


def _logged(name: str, batches: Iterable[Sequence[RowMapping]]) -> Iterator[Sequence[RowMapping]]:
    """Says every few seconds how many rows of a table are done."""
    count, say_at = 0, time.monotonic() + LOG_SECONDS
    for rows in batches:
        yield rows
        count += len(rows)
        if time.monotonic() >= say_at:
            logger.info("%s: %s rows", name, f"{count:,}")
            say_at = time.monotonic() + LOG_SECONDS


class _Digest:
    """Accumulates the digest of a table."""

    def __init__(self) -> None:
        self._rows, self._sum = 0, 0

    def add(self, rows: Sequence[RowMapping]) -> None:
        """Adds rows."""
        self._rows += len(rows)
        self._sum = (self._sum + sum(int.from_bytes(_hash(row)) for row in rows)) % 2**256

    @property
    def result(self) -> TableDigest:
        """The digest of the rows so far."""
        return TableDigest(self._rows, f"{self._sum:064x}")


def _hash(row: RowMapping) -> bytes:
    digest = sha256()
    for name, value in row.items():
        content = _encoded(value)
        digest.update(f"{name} {type(value).__name__} {len(content)} ".encode())
        digest.update(content)
    return digest.digest()


def _encoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, float):
        value += 0.0  # drops the sign of -0.0, which SQLite does not keep
    return repr(value).encode()
