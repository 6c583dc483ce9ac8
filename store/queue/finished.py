"""Experiments that ended of late, counted by the hour."""

from dataclasses import dataclass

from sqlalchemy import Connection, Integer, case, cast, func

from store.db.tables import experiments
from store.db.visible import visible_experiments
from store.states import State

HOUR = 3600


@dataclass(frozen=True)
class Hour:
    """The experiments that ended in an hour, counted from the start of the day."""

    hour: int
    completed: int
    failed: int


def finished_by_hour(tx: Connection, since: float) -> list[Hour]:
    """Counts the experiments that completed or failed since a time, by hours from it on."""
    hour = cast(func.floor((experiments.c.finished_at - since) / HOUR), Integer)
    counted = (
        visible_experiments(
            hour.label("hour"),
            func.count(case((experiments.c.state == State.COMPLETED, 1))).label("completed"),
            func.count(case((experiments.c.state == State.FAILED, 1))).label("failed"),
        )
        .where(
            experiments.c.finished_at >= since,
            experiments.c.state.in_([State.COMPLETED, State.FAILED]),
        )
        .group_by(hour)
        .order_by(hour)
    )
    return [Hour(row.hour, row.completed, row.failed) for row in tx.execute(counted)]
