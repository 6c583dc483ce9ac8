"""The position of a queued experiment in the scheduling order, and an estimate of its start."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Select, func, tuple_

from store.db.database import now
from store.db.tables import AnyRow, experiments
from store.db.visible import visible_experiments
from store.experiments import rows
from store.queue.forecast import forecast
from store.queue.scheduling import (
    CLAIMABLE,
    CLAIMABLE_ON_DEVICE,
    LONGEST_WAIT_FIRST,
    RUNNING_BY_OWNER,
)
from store.records import QueuePosition
from store.states import State

_COLUMNS = ("state", "owner", "priority", "created_at", "id", "device", "not_before")


def queue_position(
    tx: Connection, experiment_id: str, *, fresh_seconds: float
) -> QueuePosition | None:
    """The position of an experiment; None if it isn't queued. Later submissions may change it.

    Args:
        tx: An open transaction.
        experiment_id: The experiment.
        fresh_seconds: Workers count if their last heartbeat is no older.

    Raises:
        NotFound: There is no such experiment.
    """
    row = rows.get(tx, experiment_id, *(experiments.c[name] for name in _COLUMNS))
    if row.state != State.QUEUED:
        return None
    at = now(tx)
    position = 1 + _count_ahead(tx, row, at)
    device = None if row.device == "auto" else row.device
    starts_in = forecast(tx, device, at, fresh_seconds).starts_in(position)
    if starts_in is not None and row.not_before is not None:
        starts_in = max(starts_in, row.not_before - at)
    return QueuePosition(position, starts_in)


def _count_ahead(tx: Connection, row: AnyRow, at: float) -> int:
    """The number of experiments claimed before that of ``row`` if no running one ends first.

    Each claim goes to the owner with the fewest running experiments. So when this experiment is
    next, its owner runs ``level`` experiments, and every other owner has claimed as many as bring
    them to that level.
    """
    parameters = {"at": at, "device": row.device}
    claimable = CLAIMABLE if row.device == "auto" else CLAIMABLE_ON_DEVICE
    owner, same_priority = experiments.c.owner, experiments.c.priority == row.priority
    is_older = tuple_(*LONGEST_WAIT_FIRST) < (row.created_at, row.id)
    per_owner = visible_experiments(owner, func.count()).where(claimable).group_by(owner)
    higher_priority = experiments.c.priority > row.priority
    above = _count_by_owner(tx, per_owner.where(higher_priority), parameters)
    older_of_owner = tx.scalars(
        visible_experiments(func.count()).where(
            claimable, same_priority, owner == row.owner, is_older
        ),
        parameters,
    ).one()
    # counts once all experiments of higher priority run
    running = Counter(_count_by_owner(tx, RUNNING_BY_OWNER, parameters)) + Counter(above)
    level = older_of_owner + running[row.owner]
    of_others = 0
    waiting_by_owner = _count_by_owner(
        tx, per_owner.where(same_priority, owner != row.owner), parameters
    )
    for other, waiting in waiting_by_owner.items():
        below_level = max(0, level - running[other])
        of_others += min(below_level, waiting)
        if (
            below_level < waiting and running[other] <= level
        ):  # at the same level, the longer wait is first
            nth = (
                visible_experiments(is_older)
                .where(claimable, same_priority, owner == other)
                .order_by(*LONGEST_WAIT_FIRST)
                .offset(below_level)
                .limit(1)
            )
            of_others += bool(tx.scalar(nth, parameters))
    return sum(above.values()) + older_of_owner + of_others


def _count_by_owner(
    tx: Connection, counts: Select[*tuple[Any, ...]], parameters: dict[str, Any]
) -> dict[str, int]:
    return {owner: count for owner, count in tx.execute(counts, parameters)}  # noqa: C416  # dict() takes no typed rows
