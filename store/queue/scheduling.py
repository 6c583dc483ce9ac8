"""The line: which of the waiting experiments is next, and where one of them stands.

Higher priority goes first. Among equals the owner goes first who has the fewest experiments
running, with the one that has waited longest; so one person's thousand experiments hold up nobody
else's. One index serves all questions.
"""

from collections import Counter
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
    tuple_,
)

from store.db.database import now
from store.db.tables import AnyRow, experiments, workers
from store.db.visible import visible_experiments
from store.experiments import rows
from store.records import Place
from store.states import State

RECENT = 50
"""Experiments whose durations tell how long the next ones will take."""

ABOVE_ALL = 2**31 - 1
"""No priority is so high."""

_QUEUED = experiments.c.state == literal_column(
    f"'{State.QUEUED}'"
)  # spelled out, or a partial index is no use
_DUE = or_(
    experiments.c.not_before.is_(None), experiments.c.not_before <= bindparam("at", type_=Double)
)
_CLAIMABLE = and_(_QUEUED, _DUE)
_FITTING = and_(
    _CLAIMABLE, experiments.c.device.in_([literal("auto"), bindparam("device", type_=Text)])
)
_LONGEST_WAIT_FIRST = (experiments.c.created_at, experiments.c.id)
_HERE = experiments.c.priority == bindparam("priority", type_=Integer)

_RUNNING = (
    visible_experiments(experiments.c.owner, func.count().label("running"))
    .where(experiments.c.state == literal_column(f"'{State.RUNNING}'"))
    .group_by(experiments.c.owner)
)
"""How many experiments of each owner are running."""


def _ranked() -> Select[str]:
    """Those who wait at a priority: who has the fewest running first, then who has waited longest.

    The index is asked for one owner after another, and not read through. Only the oldest of each
    has to be visible: to skip a large staged batch for every owner would read all of it.
    """
    owner, here = experiments.c.owner, and_(_QUEUED, _HERE)
    owners = select(func.min(owner).label("owner")).where(here).cte("owners", recursive=True)
    following = select(func.min(owner)).where(here, owner > owners.c.owner).scalar_subquery()
    owners = owners.union_all(select(following).where(owners.c.owner.is_not(None)))
    oldest = visible_experiments(experiments.c.created_at).where(
        _HERE, _FITTING, owner == owners.c.owner
    )
    waits = oldest.order_by(*_LONGEST_WAIT_FIRST).limit(1).correlate(owners).scalar_subquery()
    busy = _RUNNING.subquery()
    columns = (
        owners.c.owner,
        func.coalesce(busy.c.running, 0).label("running"),
        waits.label("since"),
    )
    found = select(*columns).outerjoin(busy, busy.c.owner == owners.c.owner).subquery()
    return (
        select(found.c.owner)
        .where(found.c.since.is_not(None))
        .order_by(found.c.running, found.c.since)
    )


# Built once: SQLAlchemy takes longer to build a statement than SQLite to answer it.
_NEXT_PRIORITY = (
    visible_experiments(experiments.c.priority)
    .where(_FITTING, experiments.c.priority < bindparam("below", type_=Integer))
    .order_by(experiments.c.priority.desc())
    .limit(1)
)
_OWNERS = _ranked()
_FIRST_OF_OWNER = (
    visible_experiments(*rows.SHORT)
    .where(_FITTING, _HERE, experiments.c.owner == bindparam("owner", type_=Text))
    .order_by(*_LONGEST_WAIT_FIRST)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_SOME = select(func.count()).select_from(
    visible_experiments(experiments.c.id)
    .where(_FITTING)
    .limit(bindparam("most", type_=Integer))
    .subquery()
)


def best(tx: Connection, device: str, at: float) -> AnyRow | None:
    """The row of the experiment that a worker of this device should claim, locked; None if nothing waits for it.

    On PostgreSQL a row that another worker is about to take is passed over.
    """
    lane: dict[str, Any] = {"device": device, "at": at}
    priority = tx.scalar(_NEXT_PRIORITY, lane | {"below": ABOVE_ALL})
    while priority is not None:
        for owner in tx.scalars(_OWNERS, lane | {"priority": priority}).all():
            found = tx.execute(
                _FIRST_OF_OWNER, lane | {"priority": priority, "owner": owner}
            ).first()
            if found is not None:
                return found
        priority = tx.scalar(_NEXT_PRIORITY, lane | {"below": priority})
    return None


def waiting_for(tx: Connection, device: str, *, most: int) -> int:
    """How many experiments a worker of this device could claim now, counted no further than ``most``."""
    return tx.scalars(_SOME, {"at": now(tx), "device": device, "most": most}).one() if most else 0


def place(tx: Connection, experiment_id: str, *, fresh_seconds: float) -> Place | None:
    """Where an experiment stands, None if it isn't queued; an order that later submissions may change.

    Args:
        tx: An open transaction.
        experiment_id: Which one.
        fresh_seconds: Workers that were heard of within so many seconds count.

    Raises:
        NotFound: There is no such experiment.
    """
    columns = ("state", "owner", "priority", "created_at", "id", "device", "not_before")
    row = rows.one(tx, experiment_id, *(experiments.c[name] for name in columns))
    if row.state != State.QUEUED:
        return None
    at = now(tx)
    position = 1 + _ahead(tx, row, at)
    return Place(position, _eta(tx, row, position, at, fresh_seconds))


def _ahead(tx: Connection, row: AnyRow, at: float) -> int:
    """How many would be claimed before the one of ``row``, if none of those that run ended meanwhile.

    Claims go round the owners, each time to the one with the fewest running: so before the n-th of
    mine, of everybody else as many as bring them to where I am then.
    """
    lane = {"at": at, "device": row.device}
    others = [_CLAIMABLE if row.device == "auto" else _FITTING]
    owner, equals = experiments.c.owner, experiments.c.priority == row.priority
    counts = visible_experiments(owner, func.count()).group_by(owner)
    above = _by_owner(tx, counts.where(*others, experiments.c.priority > row.priority), lane)
    older = tuple_(*_LONGEST_WAIT_FIRST) < (row.created_at, row.id)
    mine = tx.scalars(
        visible_experiments(func.count()).where(*others, equals, owner == row.owner, older), lane
    ).one()
    running = Counter(_by_owner(tx, _RUNNING, lane)) + Counter(
        above
    )  # when it is this priority's turn
    level = mine + running[row.owner]
    theirs = 0
    for name, count in _by_owner(
        tx, counts.where(*others, equals, owner != row.owner), lane
    ).items():
        before = max(0, level - running[name])
        theirs += min(before, count)
        if (
            before < count and running[name] <= level
        ):  # at the same level the one that has waited longer is next
            nth = (
                visible_experiments(older)
                .where(*others, equals, owner == name)
                .order_by(*_LONGEST_WAIT_FIRST)
            )
            theirs += bool(tx.scalar(nth.offset(before).limit(1), lane))
    return sum(above.values()) + mine + theirs


def _by_owner(
    tx: Connection, counts: Select[*tuple[Any, ...]], lane: dict[str, Any]
) -> dict[str, int]:
    return {owner: count for owner, count in tx.execute(counts, lane)}  # noqa: C416  # dict() takes no typed rows


def _eta(
    tx: Connection, row: AnyRow, position: int, at: float, fresh_seconds: float
) -> float | None:
    """Seconds until the one at ``position`` starts: from what those that run have left, and what lately took how long.

    The ones ahead are shared out among the workers evenly.
    """
    here = workers.c.heartbeat_at >= at - fresh_seconds, ~workers.c.draining
    lane = () if row.device == "auto" else (workers.c.device == row.device,)
    slots = tx.scalars(select(func.count()).where(*here, *lane)).one()
    if not slots:
        return None
    running = visible_experiments(experiments.c.eta_seconds).where(
        experiments.c.state == State.RUNNING
    )
    if row.device != "auto":
        running = running.where(experiments.c.device == row.device)
    due_in = max(0.0, (row.not_before or at) - at)
    left = tx.scalars(running).all()
    idle = slots - len(left)
    if position <= idle:
        return due_in
    took = _usual_seconds(tx)
    known = [seconds if seconds is not None else took for seconds in left]
    if took is None or any(seconds is None for seconds in known):
        return None
    ends = sorted(seconds for seconds in known if seconds is not None)
    nth = position - max(0, idle)
    wait = ends[nth - 1] if nth <= len(ends) else (sum(ends) + (position - 1) * took) / slots
    return max(due_in, wait)


def _usual_seconds(tx: Connection) -> float | None:
    """How long lately completed experiments took on average, None where there are none."""
    took = (experiments.c.finished_at - experiments.c.started_at).label("took")
    lately = (
        visible_experiments(took)
        .where(experiments.c.state == State.COMPLETED)
        .order_by(experiments.c.created_at.desc())
    )
    return tx.scalar(select(func.avg(lately.limit(RECENT).subquery().c.took)))
