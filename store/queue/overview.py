"""The queue at a glance: what runs and waits on each device, for how long, and what is next."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, func

from store.db.database import now
from store.db.tables import AnyRow, experiments
from store.db.visible import visible_experiments
from store.queue import scheduling
from store.queue.devices import QUEUES
from store.queue.forecast import Forecast, forecast
from store.states import State

_IS_DUE = scheduling.CLAIMABLE
_WAITING = (
    visible_experiments(
        experiments.c.device,
        func.count(case((_IS_DUE, 1))).label("due"),
        func.count().label("all"),
        func.min(case((_IS_DUE, experiments.c.created_at))).label("since"),
    )
    .where(experiments.c.state == State.QUEUED)
    .group_by(experiments.c.device)
)
_RUNNING = (
    visible_experiments(
        experiments.c.device,
        func.count().label("running"),
        func.coalesce(func.sum(scheduling.SEED_STEPS_PER_SECOND), 0.0).label("speed"),
    )
    .where(experiments.c.state == State.RUNNING)
    .group_by(experiments.c.device)
)
_PAUSED = visible_experiments(func.count()).where(experiments.c.state == State.PAUSED)


@dataclass(frozen=True)
class DeviceQueue:
    """The queue of a device.

    Attributes:
        device: The device.
        slots: Number of worker slots that are up and not drained.
        running: Number of running experiments.
        waiting: Number of experiments that could start now; those for any device count on each.
        oldest_wait_seconds: Time since the first of them was submitted; None if none waits.
        starts_in_seconds: Estimated time until one that is submitted now starts; None if unknown.
        empty_in_seconds: Estimated time until all of them have ended; None if unknown.
        seed_steps_per_second: Training speed, summed over experiments and their seeds.
    """

    device: str
    slots: int
    running: int
    waiting: int
    oldest_wait_seconds: float | None
    starts_in_seconds: float | None
    empty_in_seconds: float | None
    seed_steps_per_second: float


@dataclass(frozen=True)
class QueuedExperiment:
    """An experiment that waits: what it is, since when, and the estimated time until it starts."""

    id: str
    name: str
    owner: str
    priority: int
    device: str
    waiting_seconds: float
    starts_in_seconds: float | None


@dataclass(frozen=True)
class Overview:
    """The queue of the lab; each experiment counts once.

    Attributes:
        slots: Number of worker slots that are up and not drained.
        running: Number of running experiments.
        waiting: Number of experiments that could start now.
        delayed: Number of queued experiments that may not start yet.
        paused: Number of paused experiments.
        oldest_wait_seconds: Time since the first waiting one was submitted; None if none waits.
        empty_in_seconds: Estimated time until all have ended; None if unknown.
        seed_steps_per_second: Training speed, summed over experiments and their seeds.
        devices: The devices that have slots, or experiments that run or wait.
        next: The next experiments, in the order in which they start.
    """

    slots: int
    running: int
    waiting: int
    delayed: int
    paused: int
    oldest_wait_seconds: float | None
    empty_in_seconds: float | None
    seed_steps_per_second: float
    devices: tuple[DeviceQueue, ...]
    next: tuple[QueuedExperiment, ...]


def overview(tx: Connection, *, fresh_seconds: float, limit: int) -> Overview:
    """The queue with its next experiments, up to ``limit``.

    Workers count if their last heartbeat is at most ``fresh_seconds`` old.
    """
    at = now(tx)
    waiting = {row.device: row for row in tx.execute(_WAITING, {"at": at})}
    running = {row.device: row for row in tx.execute(_RUNNING)}
    forecasts = {device: forecast(tx, device, at, fresh_seconds) for device in QUEUES}
    used = [
        device
        for device, expected in forecasts.items()
        if expected.free_in or device in waiting or device in running
    ] or [next(iter(QUEUES))]
    devices = tuple(
        _device_queue(
            device,
            running.get(device),
            [waiting[key] for key in (device, "auto") if key in waiting],
            forecasts[device],
            at,
        )
        for device in used
    )
    ends = [device.empty_in_seconds for device in devices]
    return Overview(
        slots=sum(device.slots for device in devices),
        running=sum(row.running for row in running.values()),
        waiting=sum(row.due for row in waiting.values()),
        delayed=sum(row.all - row.due for row in waiting.values()),
        paused=tx.scalars(_PAUSED).one(),
        oldest_wait_seconds=_oldest_wait([*waiting.values()], at),
        empty_in_seconds=None if None in ends else max(end for end in ends if end is not None),
        seed_steps_per_second=sum(row.speed for row in running.values()),
        devices=devices,
        next=_next_experiments(tx, {device: forecasts[device] for device in used}, at, limit),
    )


def _device_queue(
    device: str,
    running: AnyRow | None,
    waiting: Sequence[AnyRow],
    expected: Forecast,
    at: float,
) -> DeviceQueue:
    count = sum(row.due for row in waiting)
    return DeviceQueue(
        device=device,
        slots=len(expected.free_in),
        running=running.running if running else 0,
        waiting=count,
        oldest_wait_seconds=_oldest_wait(waiting, at),
        starts_in_seconds=expected.starts_in(count + 1),
        empty_in_seconds=expected.empty_in(count),
        seed_steps_per_second=running.speed if running else 0.0,
    )


def _oldest_wait(waiting: Sequence[AnyRow], at: float) -> float | None:
    return max((at - row.since for row in waiting if row.since is not None), default=None)


def _next_experiments(
    tx: Connection, forecasts: dict[str, Forecast], at: float, limit: int
) -> tuple[QueuedExperiment, ...]:
    """The next experiments of all devices; one for any device is where it starts first."""
    first: dict[str, QueuedExperiment] = {}
    for device, expected in forecasts.items():
        for position, row in enumerate(scheduling.upcoming(tx, device, at, limit), start=1):
            queued = QueuedExperiment(
                id=row.id,
                name=row.name,
                owner=row.owner,
                priority=row.priority,
                device=row.device,
                waiting_seconds=max(0.0, at - row.created_at),
                starts_in_seconds=expected.starts_in(position),
            )
            if row.id not in first or _by_start(queued) < _by_start(first[row.id]):
                first[row.id] = queued
    return tuple(sorted(first.values(), key=_by_start)[:limit])


def _by_start(queued: QueuedExperiment) -> tuple[bool, float]:
    """Sorts by start, those without an estimate last; ties keep the order of the queue."""
    starts_in = queued.starts_in_seconds
    return starts_in is None, starts_in or 0.0
