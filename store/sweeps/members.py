"""The members of a sweep: its experiments, each at a position and with its coordinates on the axes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from core.spec.paths import value_at
from core.spec.sweep import Point
from store.db.keyset import read_page
from store.db.tables import AnyRow, experiments, sweep_members
from store.db.visible import visible_experiments
from store.experiments.submission import batches
from store.records import Submission

_POSITION = re.compile(r"[0-9]{1,9}")
_SPECS = visible_experiments(experiments.c.id, experiments.c.spec).where(
    experiments.c.id.in_(bindparam("ids", expanding=True))
)
_PLACE = update(sweep_members).where(
    sweep_members.c.sweep_id == bindparam("sweep"), sweep_members.c.position == bindparam("place")
)


def read(
    tx: Connection, sweep_id: str, *, limit: int | None = None, cursor: str | None = None
) -> tuple[Sequence[AnyRow], str | None]:
    """Up to ``limit`` members with their experiments' states and hashes, and the next cursor.

    Raises:
        BadCursor: The cursor belongs to no page.
    """
    c = sweep_members.c
    query = visible_experiments(
        c.position, c.coordinates, c.experiment_id, experiments.c.state, experiments.c.spec_hash
    )
    query = query.join(sweep_members, c.experiment_id == experiments.c.id)
    query = query.where(c.sweep_id == sweep_id)
    return read_page(tx, query, c.position, _POSITION, limit=limit, cursor=cursor)


def correct(
    tx: Connection,
    sweep_id: str,
    points: Sequence[Point],
    brought: Sequence[Submission],
    made: Sequence[Submission],
) -> None:
    """Makes ``made`` the members where they aren't those that were brought in."""
    for position, (point, before, one) in enumerate(zip(points, brought, made, strict=True)):
        if one.id != before.id:
            place = sweep_members.c.sweep_id == sweep_id, sweep_members.c.position == position
            tx.execute(delete(sweep_members).where(*place))
            add(tx, sweep_id, position, [point], [one])


def add(
    tx: Connection, sweep_id: str, first: int, points: Sequence[Point], made: Sequence[Submission]
) -> None:
    """Adds members from position ``first`` on."""
    rows = [
        {
            "sweep_id": sweep_id,
            "position": position,
            "experiment_id": one.id,
            "coordinates": point.coordinates,
        }
        for position, (point, one) in enumerate(zip(points, made, strict=True), first)
    ]
    if rows:
        tx.execute(insert(sweep_members), rows)


def spec_hashes(tx: Connection, sweep_id: str) -> set[str]:
    """Of the experiments that are members."""
    query = visible_experiments(experiments.c.spec_hash).join(
        sweep_members, sweep_members.c.experiment_id == experiments.c.id
    )
    return set(tx.scalars(query.where(sweep_members.c.sweep_id == sweep_id)))


def hand_over(tx: Connection, of: str, to: str, first: int) -> None:
    """Makes the members of one sweep those of another, from position ``first`` on, in their order."""
    own = update(sweep_members).where(sweep_members.c.sweep_id == of)
    tx.execute(own.values(sweep_id=to, position=sweep_members.c.position + first))


def renew(
    tx: Connection, sweep_id: str, points: Sequence[Point], made: Sequence[Submission]
) -> None:
    """Makes ``made`` the experiments of an equal sweep's members, where they aren't yet."""
    present = set(
        tx.scalars(
            select(sweep_members.c.experiment_id).where(sweep_members.c.sweep_id == sweep_id)
        )
    )
    if present != {one.id for one in made}:
        tx.execute(delete(sweep_members).where(sweep_members.c.sweep_id == sweep_id))
        add(tx, sweep_id, 0, points, made)


def place_again(
    tx: Connection, sweep_id: str, present: Sequence[AnyRow], points: Sequence[Point]
) -> None:
    """Writes the coordinates of members that are there on new axes: those of their point, or what their specs have."""
    paths = list(points[0].coordinates)
    placed = {point.spec_hash: point.coordinates for point in points}
    changed = []
    for some in batches(present):
        lacking = [row.experiment_id for row in some if not _is_placed(row, placed, paths)]
        specs = (
            {row.id: row.spec for row in tx.execute(_SPECS, {"ids": lacking})} if lacking else {}
        )
        for row in some:
            wanted = placed.get(row.spec_hash, row.coordinates)
            if row.experiment_id in specs:
                spec = specs[row.experiment_id]
                wanted = {**{path: value_at(spec, path) for path in paths}, **row.coordinates}
            if wanted != row.coordinates:
                changed.append({"sweep": sweep_id, "place": row.position, "coordinates": wanted})
    if changed:
        tx.execute(_PLACE, changed)


def _is_placed(row: AnyRow, placed: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> bool:
    return row.spec_hash in placed or all(path in row.coordinates for path in paths)
