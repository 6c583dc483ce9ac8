"""The repository of saved views: the URL queries of pages, under names."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.db.database import now
from store.db.keyset import read_page
from store.db.tables import AnyRow
from store.db.user_tables import views
from store.errors import NameTaken, NotFound, VersionConflict

NAME = re.compile(
    r"(?![. ])[^/\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,100}(?<! )"
)
"""The format of a view's name, which is part of its URL. No other text reaches the database."""


@dataclass(frozen=True)
class View:
    """A saved view; ``version`` grows with each change.

    Attributes:
        name: The name, unique in the lab.
        page: The page that it belongs to, such as ``experiments`` or ``sweep:swp_...``.
        query: The page's URL query, without the question mark.
    """

    name: str
    page: str
    query: str
    owner: str
    created_at: float
    changed_at: float
    version: int


def save(tx: Connection, *, name: str, page: str, query: str, owner: str) -> View:
    """Saves a new view; raises NameTaken."""
    at = now(tx)
    view = View(name, page, query, owner, created_at=at, changed_at=at, version=1)
    try:
        with tx.begin_nested():
            tx.execute(insert(views).values(vars(view)))
    except IntegrityError as error:
        raise NameTaken("view", name) from error
    return view


def get(tx: Connection, name: str) -> View:
    """The view with this name; raises NotFound."""
    return _view(_get_row(tx, name))


def page(
    tx: Connection, *, limit: int, cursor: str | None, of_page: str | None = None
) -> tuple[list[View], str | None]:
    """Up to ``limit`` views in the order of their names, and the next page's cursor or None.

    Args:
        tx: An open transaction.
        limit: Most views to read.
        cursor: The name after which to start; None for the first page.
        of_page: Only views of this page.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    query = select(views)
    if of_page is not None:
        query = query.where(views.c.page == of_page)
    rows, next_cursor = read_page(tx, query, views.c.name, NAME, limit=limit, cursor=cursor)
    return [_view(row) for row in rows], next_cursor


def change(
    tx: Connection,
    name: str,
    *,
    version: int,
    new_name: str | None = None,
    page: str | None = None,
    query: str | None = None,
) -> View:
    """Changes what isn't None, if the view is still at ``version``.

    Raises:
        NotFound: There is no such view.
        VersionConflict: It is at another version.
        NameTaken: Another view has the new name.
    """
    row = _get_row(tx, name, lock=True)
    if row.version != version:
        raise VersionConflict(name, version, row.version, kind="view")
    given: dict[str, Any] = {"name": new_name, "page": page, "query": query}
    changes = {column: value for column, value in given.items() if value is not None}
    changes |= {"changed_at": now(tx), "version": version + 1}
    try:
        with tx.begin_nested():
            tx.execute(update(views).where(views.c.name == name).values(changes))
    except IntegrityError as error:
        raise NameTaken("view", new_name or name) from error
    return View(**{**row._mapping, **changes})


def remove(tx: Connection, name: str) -> None:
    """Removes a view; raises NotFound."""
    _get_row(tx, name, lock=True)
    tx.execute(delete(views).where(views.c.name == name))


def _get_row(tx: Connection, name: str, *, lock: bool = False) -> AnyRow:
    query = select(views).where(views.c.name == name)
    row = (
        tx.execute(query.with_for_update() if lock else query).first()
        if NAME.fullmatch(name)
        else None
    )
    if row is None:
        raise NotFound("view", name)
    return row


def _view(row: AnyRow) -> View:
    return View(**row._mapping)
