"""Pages of short lists that are read whole, such as workers; the store pages the long ones."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from store.errors import BadCursor

Item = TypeVar("Item")


def page(
    items: Sequence[Item], key: Callable[[Item], str], *, limit: int, cursor: str | None
) -> tuple[Sequence[Item], str | None]:
    """The items behind the one whose key is the cursor, and the cursor of the next page, None at the end.

    Raises:
        BadCursor: No item has that key.
    """
    start = (
        0
        if cursor is None
        else 1 + next((n for n, item in enumerate(items) if key(item) == cursor), len(items))
    )
    if start > len(items):
        raise BadCursor(cursor or "")
    end = start + limit
    return items[start:end], key(items[end - 1]) if end < len(items) else None
