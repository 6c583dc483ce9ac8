"""The repository of saved figures: recipes under permanent ids, whose data is read on request."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from core.recipe import Recipe
from store.db.database import now
from store.db.keyset import read_newest
from store.db.tables import AnyRow
from store.db.user_tables import figures
from store.errors import NotFound, VersionConflict
from store.ids import new_id

ID = re.compile(r"fig_[0-9a-f]{32}")
"""The format of a saved figure's id."""


@dataclass(frozen=True)
class Figure:
    """A saved figure; ``version`` grows with each change of its recipe."""

    id: str
    owner: str
    recipe: Recipe
    created_at: float
    version: int


def save(tx: Connection, recipe: Recipe, *, owner: str) -> Figure:
    """Saves a recipe under a new id."""
    figure = Figure(new_id("fig"), owner, recipe, now(tx), 1)
    row = {
        "id": figure.id,
        "owner": owner,
        "created_at": figure.created_at,
        "version": figure.version,
    }
    tx.execute(insert(figures).values(**row, recipe=recipe.model_dump(mode="json")))
    return figure


def get(tx: Connection, figure_id: str) -> Figure:
    """The figure with this id; raises NotFound."""
    return _figure(_get_row(tx, figure_id))


def page(tx: Connection, *, limit: int, cursor: str | None) -> tuple[list[Figure], str | None]:
    """Up to ``limit`` figures, newest first, and the cursor of the next page or None.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    rows, next_cursor = read_newest(tx, select(figures), figures, limit=limit, cursor=cursor)
    return [_figure(row) for row in rows], next_cursor


def change(tx: Connection, figure_id: str, recipe: Recipe, *, version: int) -> Figure:
    """Replaces a figure's recipe if it is still at ``version``.

    Raises:
        NotFound: There is no such figure.
        VersionConflict: It is at another version.
    """
    row = _get_row(tx, figure_id, lock=True)
    if row.version != version:
        raise VersionConflict(figure_id, version, row.version, kind="figure")
    changed = {"recipe": recipe.model_dump(mode="json"), "version": version + 1}
    tx.execute(update(figures).where(figures.c.id == figure_id).values(**changed))
    return Figure(row.id, row.owner, recipe, row.created_at, version + 1)


def remove(tx: Connection, figure_id: str) -> None:
    """Removes a figure, but not the experiments that it shows. Raises NotFound."""
    _get_row(tx, figure_id, lock=True)
    tx.execute(delete(figures).where(figures.c.id == figure_id))


def _get_row(tx: Connection, figure_id: str, *, lock: bool = False) -> AnyRow:
    query = select(figures).where(figures.c.id == figure_id)
    row = (
        tx.execute(query.with_for_update() if lock else query).first()
        if ID.fullmatch(figure_id)
        else None
    )
    if row is None:
        raise NotFound("figure", figure_id)
    return row


def _figure(row: AnyRow) -> Figure:
    return Figure(row.id, row.owner, Recipe.model_validate(row.recipe), row.created_at, row.version)
