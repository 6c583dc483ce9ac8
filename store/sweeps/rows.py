"""Rows of the table of sweeps."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert

from store.db.database import now
from store.db.tables import AnyRow, sweeps
from store.db.visible import visible_sweeps
from store.errors import NotFound
from store.ids import new_id
from store.sweeps.draft import SweepDraft

ID = re.compile(r"swp_[0-9a-f]{32}")
"""The format of a sweep's id."""

SWEEP_COLUMNS = [column for column in sweeps.c if column.key != "staged_batch_id"]

NEWEST_FIRST = (sweeps.c.created_at.desc(), sweeps.c.id.desc())

MAX_NAMESAKES = 50
"""Most sweeps of one name and owner that are compared with a new one, newest first."""


def get(tx: Connection, sweep_id: str, *columns: Any, lock: bool = False) -> AnyRow:
    """The row of a sweep, with the given columns; raises NotFound."""
    query, row = visible_sweeps(*columns).where(sweeps.c.id == sweep_id), None
    if ID.fullmatch(sweep_id):
        row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("sweep", sweep_id)
    return row


def add(tx: Connection, draft: SweepDraft, owner: str, batch_id: str | None = None) -> str:
    """Adds the row of a new sweep and returns its id."""
    sweep_id = new_id("swp")
    row = {
        "id": sweep_id,
        "name": draft.sweep.name,
        "owner": owner,
        "created_at": now(tx),
        "version": 1,
        "staged_batch_id": batch_id,
    }
    tx.execute(insert(sweeps).values(**row, **draft.content))
    return sweep_id


def find_same(
    tx: Connection, draft: SweepDraft, owner: str, *, except_id: str | None = None
) -> str | None:
    """The sweep that a draft is submitted to again, other than ``except_id``.

    It has the draft's name, owner and base, and no axis that the draft lacks; without a name, it
    has the same axes. One with the same axes comes first, then the newest.
    """
    namesakes = visible_sweeps(sweeps.c.id).where(
        sweeps.c.name == draft.sweep.name, sweeps.c.owner == owner
    )
    if except_id is not None:
        namesakes = namesakes.where(sweeps.c.id != except_id)
    query = namesakes.add_columns(sweeps.c.base, sweeps.c.axes)
    newest = tx.execute(query.order_by(*NEWEST_FIRST).limit(MAX_NAMESAKES))
    base, axes = draft.content["base"], draft.content["axes"]
    of_base = [row for row in newest if row.base == base]
    equal = (row.id for row in of_base if row.axes == axes)
    varied = set(varied_paths(axes)) if draft.sweep.name else set()
    narrower = (row.id for row in of_base if varied and varied.issuperset(varied_paths(row.axes)))
    return next(equal, None) or next(narrower, None)


def varied_paths(axes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields the paths of stored axes, and of those nested in them."""
    for axis in axes:
        if "path" in axis:
            yield axis["path"]
        yield from varied_paths(axis.get("axes", ()))
