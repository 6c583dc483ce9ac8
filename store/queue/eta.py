"""When experiments of a sweep or a study will have ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement as Condition
from sqlalchemy import Connection, func, select

from store.db.database import now
from store.db.tables import experiments, sweep_members
from store.db.visible import visible_experiments
from store.queue.forecast import Forecast, forecast
from store.queue.position import queue_position
from store.queue.speed import Work, recent_speed, sampled_seconds
from store.states import State

SAMPLED = 50
"""Queued experiments whose estimated seconds stand for all of them."""

NO_SLOT, NOTHING_HAS_COMPLETED = "no worker is up", "no experiment has completed here yet"
"""Why a time is unknown."""


@dataclass(frozen=True)
class Eta:
    """When the last of some experiments ends.

    Attributes:
        seconds: Estimated seconds until then; None if none is queued or running, or it is unknown.
        unknown: Why it is unknown; "" if it isn't, or there is none.
    """

    seconds: float | None = None
    unknown: str = ""


@dataclass(frozen=True)
class LabTime:
    """How long experiments would take on this lab's slots if nothing else ran.

    Attributes:
        seconds: On one slot, one after another; None if nothing has completed here.
        lab_seconds: On all slots together; None if there are none, or it is unknown.
        slots: The number of worker slots that are up and not drained.
    """

    seconds: float | None
    lab_seconds: float | None
    slots: int


def lab_time(tx: Connection, works: Sequence[Work], *, fresh_seconds: float) -> LabTime:
    """How long experiments with these ``works`` would take.

    All slots end at about the same time, but not before the longest experiment has.
    """
    speed = recent_speed(tx)
    slots = len(forecast(tx, None, now(tx), fresh_seconds).free_in)
    total = speed.total_seconds(works)
    together = None
    if slots and total is not None:
        longest = max(works, key=lambda work: work.flop, default=None)
        together = max(total / slots, (longest and speed.seconds(longest)) or 0.0)
    return LabTime(total, together, slots)


def sweep_eta(tx: Connection, sweep_id: str, *, fresh_seconds: float) -> Eta:
    """When the queued and running experiments of a sweep will have ended."""
    members = select(sweep_members.c.experiment_id).where(sweep_members.c.sweep_id == sweep_id)
    return _eta(tx, experiments.c.id.in_(members), fresh_seconds)


def eta(tx: Connection, experiment_ids: Sequence[str], *, fresh_seconds: float) -> Eta:
    """When those of the experiments that are queued or running will have ended."""
    return _eta(tx, experiments.c.id.in_(experiment_ids), fresh_seconds)


def _eta(tx: Connection, condition: Condition[bool], fresh_seconds: float) -> Eta:
    """What is ahead in the queue counts too; all slots end at about the same time."""
    running = tx.scalars(
        visible_experiments(experiments.c.eta_seconds).where(
            condition, experiments.c.state == State.RUNNING
        )
    ).all()
    is_queued = [condition, experiments.c.state == State.QUEUED]
    queued = tx.scalars(visible_experiments(func.count()).where(*is_queued)).one()
    if not (running or queued):
        return Eta()
    expected = forecast(tx, None, now(tx), fresh_seconds)
    if not expected.free_in:
        return Eta(unknown=NO_SLOT)
    if expected.duration is None:
        return Eta(unknown=NOTHING_HAS_COMPLETED)
    seconds = max((expected.duration if left is None else left for left in running), default=0.0)
    if queued:
        seconds = max(seconds, _queue_ends_in(tx, is_queued, queued, expected, fresh_seconds))
    return Eta(seconds)


def _queue_ends_in(
    tx: Connection,
    is_queued: Sequence[Condition[bool]],
    queued: int,
    expected: Forecast,
    fresh_seconds: float,
) -> float:
    """Seconds until ``queued`` experiments, and those ahead of the last of them, have ended."""
    hashes = visible_experiments(experiments.c.spec_hash).where(*is_queued)
    # a hash is as good as a random number
    sampled = hashes.order_by(experiments.c.spec_hash).limit(SAMPLED)
    duration = expected.duration or 0.0
    each = sampled_seconds(tx, recent_speed(tx), sampled) or [duration]
    last = tx.scalars(
        visible_experiments(experiments.c.id)
        .where(*is_queued)
        .order_by(experiments.c.priority, experiments.c.created_at.desc(), experiments.c.id.desc())
        .limit(1)
    ).one()
    place = queue_position(tx, last, fresh_seconds=fresh_seconds)
    ahead = max(0, place.position - queued) if place else 0
    busy = [duration if left is None else left for left in expected.free_in]
    total = sum(busy) + queued * sum(each) / len(each) + ahead * duration
    return max(total / len(busy), min(busy) + max(each))
