"""The members of a sweep: its experiments, each with a position and coordinates on the axes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, update

from core.spec.paths import value_at
from core.spec.sweep import Point
from store.db.batches import batches
from store.db.keyset import read_page
from store.db.tables import AnyRow, experiments, sweep_members
from store.db.visible import visible_experiments
from store.records import Submission

_POSITION = re.compile(r"[0-9]{1,9}")
_SELECT_SPECS = visible_experiments(experiments.c.id, experiments.c.spec).where(
    experiments.c.id.in_(bindparam("ids", expanding=True))
)
_UPDATE_COORDINATES = update(sweep_members).where(
    sweep_members.c.sweep_id == bindparam("sweep"),
    sweep_members.c.position == bindparam("at_position"),
)


def read(
    tx: Connection, sweep_id: str, *, limit: int | None = None, cursor: str | None = None
) -> tuple[Sequence[AnyRow], str | None]:
    """Up to ``limit`` members with their experiments' states and hashes, and the next cursor.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    member = sweep_members.c
    query = (
        visible_experiments(
            member.position,
            member.coordinates,
            member.experiment_id,
            experiments.c.state,
            experiments.c.spec_hash,
        )
        .join(sweep_members, member.experiment_id == experiments.c.id)
        .where(member.sweep_id == sweep_id)
    )
    return read_page(tx, query, member.position, _POSITION, limit=limit, cursor=cursor)


def spec_hashes(tx: Connection, sweep_id: str) -> set[str]:
    """The spec hashes of a sweep's experiments."""
    query = visible_experiments(experiments.c.spec_hash).join(
        sweep_members, sweep_members.c.experiment_id == experiments.c.id
    )
    return set(tx.scalars(query.where(sweep_members.c.sweep_id == sweep_id)))


def add(
    tx: Connection,
    sweep_id: str,
    first_position: int,
    points: Sequence[Point],
    submissions: Sequence[Submission],
) -> None:
    """Adds members from a position on."""
    rows = []
    for number, (point, submission) in enumerate(zip(points, submissions, strict=True)):
        row = {
            "sweep_id": sweep_id,
            "position": first_position + number,
            "experiment_id": submission.id,
            "coordinates": point.coordinates,
        }
        rows.append(row)
    if rows:
        tx.execute(insert(sweep_members), rows)


def replace_changed(
    tx: Connection,
    sweep_id: str,
    points: Sequence[Point],
    staged: Sequence[Submission],
    submitted: Sequence[Submission],
) -> None:
    """Replaces the members whose experiment changed between staging and submission."""
    for position, (point, before, after) in enumerate(zip(points, staged, submitted, strict=True)):
        if after.id != before.id:
            is_member = sweep_members.c.sweep_id == sweep_id, sweep_members.c.position == position
            tx.execute(delete(sweep_members).where(*is_member))
            add(tx, sweep_id, position, [point], [after])


def replace_at_points(
    tx: Connection, sweep_id: str, points: Sequence[Point], submissions: Sequence[Submission]
) -> None:
    """Replaces the members at these points, unless they have these experiments already.

    Members elsewhere, which an extension or a refinement has added, come after them.
    """
    present, _ = read(tx, sweep_id)
    at_points = {point.spec_hash for point in points}
    elsewhere = [row for row in present if row.spec_hash not in at_points]
    known = {row.experiment_id for row in present if row.spec_hash in at_points}
    if known != {submission.id for submission in submissions}:
        tx.execute(delete(sweep_members).where(sweep_members.c.sweep_id == sweep_id))
        add(tx, sweep_id, 0, points, submissions)
        rows = [
            {
                "sweep_id": sweep_id,
                "position": position,
                "experiment_id": row.experiment_id,
                "coordinates": row.coordinates,
            }
            for position, row in enumerate(elsewhere, len(points))
        ]
        if rows:
            tx.execute(insert(sweep_members), rows)


def move(tx: Connection, from_sweep: str, to_sweep: str, first_position: int) -> None:
    """Moves all members of a sweep to another, in order, from a position on."""
    position = sweep_members.c.position + first_position
    moved = update(sweep_members).where(sweep_members.c.sweep_id == from_sweep)
    tx.execute(moved.values(sweep_id=to_sweep, position=position))


def update_coordinates(
    tx: Connection, sweep_id: str, present: Sequence[AnyRow], points: Sequence[Point]
) -> None:
    """Rewrites the coordinates of members for new axes: those of their point, or of their spec."""
    paths = list(points[0].coordinates)
    coordinates_by_hash = {point.spec_hash: point.coordinates for point in points}
    changes = []
    for batch in batches(present):
        specs = _specs_of_unplaced(tx, batch, coordinates_by_hash, paths)
        for row in batch:
            coordinates = coordinates_by_hash.get(row.spec_hash, row.coordinates)
            if (spec := specs.get(row.experiment_id)) is not None:
                coordinates = {**{path: value_at(spec, path) for path in paths}, **row.coordinates}
            if coordinates != row.coordinates:
                change = {"sweep": sweep_id, "at_position": row.position}
                changes.append({**change, "coordinates": coordinates})
    if changes:
        tx.execute(_UPDATE_COORDINATES, changes)


def _specs_of_unplaced(
    tx: Connection,
    batch: Sequence[AnyRow],
    coordinates_by_hash: Mapping[str, Mapping[str, Any]],
    paths: Sequence[str],
) -> dict[str, Mapping[str, Any]]:
    """The specs, by id, of members that are at no point and lack a coordinate on some axis."""
    ids = [
        row.experiment_id
        for row in batch
        if row.spec_hash not in coordinates_by_hash
        and any(path not in row.coordinates for path in paths)
    ]
    return {row.id: row.spec for row in tx.execute(_SELECT_SPECS, {"ids": ids})} if ids else {}
