"""Saved views are stored, renamed, listed by name and removed."""

import pytest

from store import views
from store.errors import BadCursor, NameTaken, NotFound, VersionConflict

VIEW = {"name": "gut α", "page": "experiments", "query": "q=tag%3Aa", "owner": "ada"}


def test_a_view_is_saved_read_changed_and_removed(database):
    with database.write() as tx:
        saved = views.save(tx, **VIEW)
    with database.write() as tx:
        assert views.get(tx, "gut α") == saved
        changed = views.change(tx, "gut α", version=1, new_name="best", query="")
        assert (changed.name, changed.page, changed.query) == ("best", "experiments", "")
        assert (changed.version, changed.created_at) == (2, saved.created_at)
        assert changed.changed_at >= saved.changed_at
    with database.read() as tx:
        assert views.get(tx, "best") == changed
    with pytest.raises(VersionConflict, match="view best is at version 2"), database.write() as tx:
        views.change(tx, "best", version=1, page="lab")
    with database.write() as tx:
        views.remove(tx, "best")
        for gone in ("best", "gut α", "\0"):
            for call in (views.get, views.remove):
                with pytest.raises(NotFound, match="no view"):
                    call(tx, gone)


def test_a_name_belongs_to_one_view(database):
    with database.write() as tx:
        views.save(tx, **VIEW)
        views.save(tx, **VIEW | {"name": "b"})
        with pytest.raises(NameTaken, match="there is a view 'b' already"):
            views.save(tx, **VIEW | {"name": "b", "page": "lab"})
        with pytest.raises(NameTaken):
            views.change(tx, "b", version=1, new_name="gut α")
        assert [view.page for view in views.page(tx, limit=9, cursor=None)[0]] == [
            "experiments",
            "experiments",
        ]


def test_views_are_listed_by_page_in_the_order_of_their_names(database):
    with database.write() as tx:
        for name in ("c", "a", "d", "b"):
            views.save(tx, **VIEW | {"name": name, "page": "lab" if name == "d" else "sweeps"})
    with database.read() as tx:
        first, cursor = views.page(tx, limit=2, cursor=None, of_page="sweeps")
        rest, end = views.page(tx, limit=2, cursor=cursor, of_page="sweeps")
        assert [view.name for view in (*first, *rest)] == ["a", "b", "c"]
        assert end is None
        with pytest.raises(BadCursor):
            views.page(tx, limit=2, cursor="a/b")
