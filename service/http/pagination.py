"""Pages of lists that are short enough to be read whole."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from store.errors import BadCursor

Item = TypeVar("Item")


def page(
    items: Sequence[Item], key: Callable[[Item], str], *, limit: int, cursor: str | None
) -> tuple[Sequence[Item], str | None]:
    """The items after the cursor, and the cursor of the next page, None on the last.

    A cursor is the key of a page's last item.

    Raises:
        BadCursor: No item has that key.
    """
    start = 0
    if cursor is not None:
        places = (place for place, item in enumerate(items) if key(item) == cursor)
        last = next(places, None)
        if last is None:
            raise BadCursor(cursor)
        start = last + 1
    end = start + limit
    return items[start:end], key(items[end - 1]) if end < len(items) else None
