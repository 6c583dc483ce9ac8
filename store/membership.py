"""The members of a sweep: its experiments, each at a position and with its coordinates on the axes."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from core.spec.sweep import Point, look_up
from store.records import Submission
from store.tables import AnyRow, experiments, sweep_members


def read(tx: Connection, sweep_id: str, *, after: int = -1, limit: int | None = None) -> Sequence[AnyRow]:
    """Up to ``limit`` members behind a position, in their order, with their experiments' states and hashes."""
    own = sweep_members.c
    query = select(own.position, own.coordinates, own.experiment_id, experiments.c.state, experiments.c.spec_hash)
    query = query.join(experiments, experiments.c.id == own.experiment_id)
    return tx.execute(
        query.where(own.sweep_id == sweep_id, own.position > after).order_by(own.position).limit(limit)
    ).all()


def correct(
    tx: Connection, sweep_id: str, points: Sequence[Point], brought: Sequence[Submission], made: Sequence[Submission]
) -> None:
    """Makes ``made`` the members where they aren't those that were brought in."""
    for position, (point, before, one) in enumerate(zip(points, brought, made, strict=True)):
        if one.id != before.id:
            place = sweep_members.c.sweep_id == sweep_id, sweep_members.c.position == position
            tx.execute(delete(sweep_members).where(*place))
            add(tx, sweep_id, position, [point], [one])


def add(tx: Connection, sweep_id: str, first: int, points: Sequence[Point], made: Sequence[Submission]) -> None:
    """Adds members from position ``first`` on."""
    rows = [
        {"sweep_id": sweep_id, "position": position, "experiment_id": one.id, "coordinates": point.coordinates}
        for position, (point, one) in enumerate(zip(points, made, strict=True), first)
    ]
    if rows:
        tx.execute(insert(sweep_members), rows)


def renew(tx: Connection, sweep_id: str, points: Sequence[Point], made: Sequence[Submission]) -> None:
    """Makes ``made`` the experiments of an equal sweep's members, where they aren't yet."""
    present = {row.experiment_id for row in read(tx, sweep_id)}
    if present != {one.id for one in made}:
        tx.execute(delete(sweep_members).where(sweep_members.c.sweep_id == sweep_id))
        add(tx, sweep_id, 0, points, made)


def place_again(tx: Connection, sweep_id: str, points: Sequence[Point]) -> None:
    """Writes the coordinates of members on new axes: those of their point, or what their specs have there."""
    paths = list(points[0].coordinates)
    placed = {point.spec_hash: point.coordinates for point in points}
    own = sweep_members.c
    query = select(own.position, own.coordinates, experiments.c.spec_hash, experiments.c.spec)
    query = query.join(experiments, experiments.c.id == own.experiment_id).where(own.sweep_id == sweep_id)
    for row in tx.execute(query).all():
        wanted = placed.get(row.spec_hash) or {**{p: look_up(row.spec, p) for p in paths}, **row.coordinates}
        if wanted != row.coordinates:
            where = own.sweep_id == sweep_id, own.position == row.position
            tx.execute(update(sweep_members).where(*where).values(coordinates=wanted))
