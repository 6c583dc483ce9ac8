"""Keyset pages: every row once, whatever is inserted between two pages."""

import re

import pytest
from sqlalchemy import insert, select

from store.db.keyset import read_newest, read_page
from store.db.user_tables import figures
from store.errors import BadCursor

FIGURE = {"owner": "ada", "recipe": {}, "created_at": 1.0}
ANY = re.compile(r"[a-z]|\d+")


def add(tx, *rows):
    tx.execute(
        insert(figures), [{**FIGURE, "id": name, "version": version} for name, version in rows]
    )


@pytest.mark.parametrize("key", [figures.c.id, figures.c.version], ids=["text", "integer"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5, 6, None])
def test_pages_have_every_row_once_in_order(database, key, descending, limit):
    with database.write() as tx:
        add(tx, ("b", 2), ("d", 10), ("a", 1), ("e", 11), ("c", 3))
    seen, cursor = [], None
    while True:
        with database.read() as tx:
            rows, cursor = read_page(
                tx, select(figures), key, ANY, limit=limit, cursor=cursor, descending=descending
            )
        assert limit is None or len(rows) <= limit
        seen += [row.id for row in rows]
        if cursor is None:
            break
    assert seen == sorted("abcde", reverse=descending)


def test_an_insert_before_the_page_shifts_nothing(database):
    with database.write() as tx:
        add(tx, ("b", 1), ("c", 1), ("d", 1))
        rows, cursor = read_page(tx, select(figures), figures.c.id, ANY, limit=2, cursor=None)
        add(tx, ("a", 1))
        rest, last = read_page(tx, select(figures), figures.c.id, ANY, limit=2, cursor=cursor)
    assert ([row.id for row in rows], [row.id for row in rest], last) == (["b", "c"], ["d"], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_the_newest_come_first_whatever_their_ids(database, limit):
    times = {
        "fig_" + digit * 32: at for digit, at in zip("c0fa", (0.1, 0.1, 0.3, 1e9), strict=True)
    }
    with database.write() as tx:
        tx.execute(
            insert(figures),
            [{**FIGURE, "id": key, "version": 1, "created_at": at} for key, at in times.items()],
        )
    seen, cursor = "", None
    while True:
        with database.read() as tx:
            rows, cursor = read_newest(tx, select(figures), figures, limit=limit, cursor=cursor)
        seen += "".join(row.id[-1] for row in rows)
        if cursor is None:
            break
    assert seen == "afc0"
    with database.read() as tx, pytest.raises(BadCursor):
        read_newest(tx, select(figures), figures, limit=1, cursor="fig_" + "0" * 32)


@pytest.mark.parametrize("cursor", ["", "B", "bb", "b "])
def test_a_cursor_of_another_form_is_refused(database, cursor):
    with database.read() as tx, pytest.raises(BadCursor):
        read_page(tx, select(figures), figures.c.id, ANY, limit=2, cursor=cursor)
