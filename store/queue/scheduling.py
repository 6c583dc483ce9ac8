"""The scheduling order: which of the waiting experiments is next.

Higher priority goes first. At equal priority, the owner with the fewest running experiments goes
first, with the experiment that has waited longest; so one person's thousand experiments hold up
no one else's. One index serves every query.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Double,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from store.db.database import now
from store.db.tables import AnyRow, experiments
from store.db.visible import visible_experiments
from store.experiments import rows
from store.states import State

_ABOVE_ALL_PRIORITIES = 2**31 - 1

_Turn = tuple[int, float, str, str, int]
"""A claim in the order of claims: what decides the order, then the owner and a row's number."""

# A literal: with a bound parameter, no partial index is used.
_QUEUED = experiments.c.state == literal_column(f"'{State.QUEUED}'")
_DUE = or_(
    experiments.c.not_before.is_(None), experiments.c.not_before <= bindparam("at", type_=Double)
)
_AT_PRIORITY = experiments.c.priority == bindparam("priority", type_=Integer)

CLAIMABLE = and_(_QUEUED, _DUE)
"""Experiments that a worker could claim at the time ``at``."""

CLAIMABLE_ON_DEVICE = and_(
    CLAIMABLE, experiments.c.device.in_([literal("auto"), bindparam("device", type_=Text)])
)
"""Experiments that a worker of a ``device`` could claim at the time ``at``."""

LONGEST_WAIT_FIRST = (experiments.c.created_at, experiments.c.id)

SEED_STEPS_PER_SECOND = experiments.c.steps_per_second * func.json_array_length(
    experiments.c.spec["seeds"]
)
"""Training steps of an experiment's seeds a second: they advance together."""

RUNNING_BY_OWNER = (
    visible_experiments(experiments.c.owner, func.count().label("running"))
    .where(experiments.c.state == literal_column(f"'{State.RUNNING}'"))
    .group_by(experiments.c.owner)
)
"""The number of running experiments of each owner."""


def _ranked_owners() -> Select[str]:
    """Owners who wait at a priority, fewest running experiments first, then longest wait first.

    A recursive query steps through the index from owner to owner without reading their experiments.
    Only the oldest of each owner has to be visible: skipping a large staged batch would read all of
    it.
    """
    owner, waiting = experiments.c.owner, and_(_QUEUED, _AT_PRIORITY)
    owners = select(func.min(owner).label("owner")).where(waiting).cte("owners", recursive=True)
    next_owner = select(func.min(owner)).where(waiting, owner > owners.c.owner).scalar_subquery()
    owners = owners.union_all(select(next_owner).where(owners.c.owner.is_not(None)))
    oldest = (
        visible_experiments(experiments.c.created_at)
        .where(_AT_PRIORITY, CLAIMABLE_ON_DEVICE, owner == owners.c.owner)
        .order_by(*LONGEST_WAIT_FIRST)
        .limit(1)
        .correlate(owners)
        .scalar_subquery()
    )
    running = RUNNING_BY_OWNER.subquery()
    columns = (
        owners.c.owner,
        func.coalesce(running.c.running, 0).label("running"),
        oldest.label("since"),
    )
    ranked = select(*columns).outerjoin(running, running.c.owner == owners.c.owner).subquery()
    return (
        select(ranked.c.owner)
        .where(ranked.c.since.is_not(None))
        .order_by(ranked.c.running, ranked.c.since)
    )


# Built once: that takes SQLAlchemy longer than the query takes SQLite.
_NEXT_PRIORITY = (
    visible_experiments(experiments.c.priority)
    .where(CLAIMABLE_ON_DEVICE, experiments.c.priority < bindparam("below", type_=Integer))
    .order_by(experiments.c.priority.desc())
    .limit(1)
)
_RANKED_OWNERS = _ranked_owners()
_FIRST_OF_OWNER = (
    visible_experiments(*rows.EXPERIMENT_COLUMNS)
    .where(CLAIMABLE_ON_DEVICE, _AT_PRIORITY, experiments.c.owner == bindparam("owner", type_=Text))
    .order_by(*LONGEST_WAIT_FIRST)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_NEXT_OF_OWNER = (
    visible_experiments(
        experiments.c.id,
        experiments.c.name,
        experiments.c.owner,
        experiments.c.priority,
        experiments.c.device,
        experiments.c.created_at,
    )
    .where(CLAIMABLE_ON_DEVICE, _AT_PRIORITY, experiments.c.owner == bindparam("owner", type_=Text))
    .order_by(*LONGEST_WAIT_FIRST)
    .limit(bindparam("limit", type_=Integer))
)
_COUNT_WAITING = select(func.count()).select_from(
    visible_experiments(experiments.c.id)
    .where(CLAIMABLE_ON_DEVICE)
    .limit(bindparam("limit", type_=Integer))
    .subquery()
)


def next_experiment(tx: Connection, device: str, at: float) -> AnyRow | None:
    """The row that a worker of this device should claim next, locked, or None.

    On PostgreSQL, rows that another worker is about to claim are skipped.
    """
    parameters: dict[str, Any] = {"device": device, "at": at}
    priority = tx.scalar(_NEXT_PRIORITY, parameters | {"below": _ABOVE_ALL_PRIORITIES})
    while priority is not None:
        parameters["priority"] = priority
        for owner in tx.scalars(_RANKED_OWNERS, parameters).all():
            row = tx.execute(_FIRST_OF_OWNER, parameters | {"owner": owner}).first()
            if row is not None:
                return row
        priority = tx.scalar(_NEXT_PRIORITY, parameters | {"below": priority})
    return None


def upcoming(tx: Connection, device: str, at: float, limit: int) -> list[AnyRow]:
    """The next experiments that workers of this device claim, in order, if no running one ends.

    Returns:
        Up to ``limit`` rows with id, name, owner, priority, device and created_at.
    """
    parameters: dict[str, Any] = {"device": device, "at": at}
    running = Counter({row.owner: row.running for row in tx.execute(RUNNING_BY_OWNER)})
    found: list[AnyRow] = []
    below = _ABOVE_ALL_PRIORITIES
    while len(found) < limit:
        priority = tx.scalar(_NEXT_PRIORITY, parameters | {"below": below})
        if priority is None:
            break
        missing = limit - len(found)
        parameters["priority"] = below = priority
        # those who claimed above may be ranked too high, and nobody is ranked too low
        owners = tx.scalars(_RANKED_OWNERS, parameters).all()[: missing + len(running)]
        waiting = {
            owner: tx.execute(_NEXT_OF_OWNER, parameters | {"owner": owner, "limit": missing}).all()
            for owner in owners
        }
        turns = [_turn(rows, 0, running[owner]) for owner, rows in waiting.items()]
        heapq.heapify(turns)
        while turns and len(found) < limit:
            *_, owner, number = heapq.heappop(turns)
            found.append(waiting[owner][number])
            running[owner] += 1
            if number + 1 < len(waiting[owner]):
                heapq.heappush(turns, _turn(waiting[owner], number + 1, running[owner]))
    return found


def _turn(waiting: Sequence[AnyRow], number: int, running: int) -> _Turn:
    """The turn of an owner who runs so many experiments, and has this one to claim next."""
    row = waiting[number]
    return running, row.created_at, row.id, row.owner, number


def count_waiting(tx: Connection, device: str, *, limit: int) -> int:
    """The number of experiments that a worker of this device could claim now, at most ``limit``."""
    if not limit:
        return 0
    return tx.scalars(_COUNT_WAITING, {"at": now(tx), "device": device, "limit": limit}).one()
