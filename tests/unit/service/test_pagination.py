"""Pages of short lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.pagination import page
from store.errors import BadCursor


@given(st.lists(st.integers(), unique=True), st.integers(1, 5))
def test_pages_have_every_item_once(items, limit):
    seen, cursor = [], None
    while True:
        page_items, cursor = page(items, str, limit=limit, cursor=cursor)
        assert len(page_items) <= limit
        seen += page_items
        if cursor is None:
            break
    assert seen == items


def test_an_unknown_cursor_is_refused():
    with pytest.raises(BadCursor):
        page([1, 2], str, limit=1, cursor="3")
