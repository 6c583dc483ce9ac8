"""Keyset pages: each starts after the key of the last row of the previous page.

No insert shifts such a page.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Double, Integer, Select, Table, Text, literal, tuple_

from store.db.tables import AnyRow
from store.errors import BadCursor

_PLACE = re.compile(r"\d{1,12}\.\d{1,17}~[a-z]+_[0-9a-f]{32}")
"""The cursor after a row: its time in Unix seconds, which text holds exactly, and its id."""


def read_page(
    tx: Connection,
    statement: Select[Any],
    key: Column[Any],
    pattern: re.Pattern[str],
    *,
    limit: int | None,
    cursor: str | None,
    descending: bool = False,
) -> tuple[Sequence[AnyRow], str | None]:
    """A page of rows in the order of a key, and the cursor of the next page, None on the last.

    Args:
        tx: An open transaction.
        statement: Selects the rows of all pages, with their keys.
        key: A unique column of text or integers; a cursor is its value in a page's last row.
        pattern: Matches every valid cursor.
        limit: The most rows of the page; None for all.
        cursor: None for the first page.
        descending: Whether the keys are in descending order.

    Raises:
        BadCursor: The cursor doesn't match the pattern.
    """
    if cursor is not None:
        if not pattern.fullmatch(cursor):
            raise BadCursor(cursor)
        last = int(cursor) if isinstance(key.type, Integer) else cursor
        statement = statement.where(key < last if descending else key > last)
    statement = statement.order_by(key.desc() if descending else key.asc())
    rows = tx.execute(statement if limit is None else statement.limit(limit + 1)).all()
    if limit is None or len(rows) <= limit:
        return rows, None
    return rows[:limit], str(getattr(rows[limit - 1], key.name))


def read_newest(
    tx: Connection, statement: Select[Any], table: Table, *, limit: int, cursor: str | None
) -> tuple[Sequence[AnyRow], str | None]:
    """A page of rows of a table, the newest first, and the cursor of the next page or None.

    Args:
        tx: An open transaction.
        statement: Selects the rows of all pages, with ``id`` and ``created_at``.
        table: Has these columns.
        limit: The most rows of the page.
        cursor: None for the first page.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    place = tuple_(table.c.created_at, table.c.id)
    if cursor is not None:
        if not _PLACE.fullmatch(cursor):
            raise BadCursor(cursor)
        at, _, last_id = cursor.partition("~")
        last = tuple_(literal(float(at), Double), literal(last_id, Text))
        statement = statement.where(place < last)
    newest_first = statement.order_by(table.c.created_at.desc(), table.c.id.desc())
    rows = tx.execute(newest_first.limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last_row = rows[limit - 1]
    return rows[:limit], f"{last_row.created_at!r}~{last_row.id}"
