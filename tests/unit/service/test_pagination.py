import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.pagination import page
from store.errors import BadCursor


@given(st.lists(st.integers(), unique=True), st.integers(1, 5))
def test_pages_follow_each_other_without_gap_or_repetition(items, limit):
    seen, cursor = [], None
    while True:
        found, cursor = page(items, str, limit=limit, cursor=cursor)
        assert len(found) <= limit
        seen += found
        if cursor is None:
            break
    assert seen == items


def test_a_cursor_that_no_page_gave_is_refused():
    with pytest.raises(BadCursor):
        page([1, 2], str, limit=1, cursor="3")
