"""Estimates of when queued experiments start, from what runs and how long each may take."""

from bisect import bisect_left
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from store.db.tables import experiments, workers
from store.db.visible import visible_experiments
from store.queue.speed import recent_speed, sampled_seconds
from store.states import State

NEXT_EXPERIMENTS = 50
"""Number of waiting experiments whose mean estimated duration is the estimate for all."""


@dataclass(frozen=True)
class Forecast:
    """When slots become free.

    Attributes:
        free_in: Seconds until each slot is free, ascending; None for an unknown time, at the end.
        duration: Estimated seconds of a waiting experiment; None if none has completed.
    """

    free_in: tuple[float | None, ...]
    duration: float | None

    def starts_in(self, position: int) -> float | None:
        """Seconds until the experiment at a 1-based position starts; None without any basis.

        Each slot that becomes free takes the next experiment and is free again ``duration`` later,
        so slot i is free at f_i, f_i + D, f_i + 2 D, ... The answer is the ``position``-th smallest
        of these times, found by counting whole durations D.
        """
        idle = sum(free == 0 for free in self.free_in)
        if position <= idle:
            return 0.0
        if not self.free_in or self.duration is None:
            return None
        times = [self.duration if free is None else free for free in self.free_in]
        rounds = sorted(divmod(time, self.duration) for time in times)

        def count_before(n: int) -> int:  # starts before n durations are over
            return sum(max(0, n - int(first)) for first, _ in rounds)

        n = bisect_left(range(position + int(rounds[-1][0]) + 1), position, key=count_before) - 1
        offsets = sorted(offset for first, offset in rounds if first <= n)
        return n * self.duration + offsets[position - count_before(n) - 1]

    def empty_in(self, waiting: int) -> float | None:
        """Seconds until ``waiting`` queued experiments and all running ones have ended."""
        if not self.free_in:
            return None if waiting else 0.0
        ends = [free for free in self.free_in if free is not None]
        is_known = len(ends) == len(self.free_in) or self.duration is not None
        last_end = max([*ends, 0.0 if len(ends) == len(self.free_in) else self.duration or 0.0])
        if not waiting:
            return last_end if is_known else None
        last_start = self.starts_in(waiting)
        if last_start is None or self.duration is None:
            return None
        return max(last_end, last_start + self.duration)


def forecast(tx: Connection, device: str | None, at: float, fresh_seconds: float) -> Forecast:
    """The forecast for a device, or for all devices together.

    Args:
        tx: An open transaction.
        device: The device; None for all.
        at: The database's time.
        fresh_seconds: Workers count if their last heartbeat is no older, unless they are drained.
    """
    is_up = [workers.c.heartbeat_at >= at - fresh_seconds, ~workers.c.draining]
    running = visible_experiments(experiments.c.eta_seconds).where(
        experiments.c.state == State.RUNNING
    )
    if device is not None:
        is_up.append(workers.c.device == device)
        running = running.where(experiments.c.device == device)
    slots = tx.scalars(select(func.count()).select_from(workers).where(*is_up)).one()
    etas = sorted(tx.scalars(running), key=lambda eta: (eta is None, eta))
    idle = [0.0] * (slots - len(etas))
    return Forecast((*idle, *etas)[:slots], _mean_duration(tx, device))


def _mean_duration(tx: Connection, device: str | None) -> float | None:
    """The mean estimated duration of waiting experiments, or else of recent ones.

    None if none has completed.
    """
    speed = recent_speed(tx)
    if not speed.samples:
        return None
    waiting = visible_experiments(experiments.c.spec_hash).where(
        experiments.c.state == State.QUEUED
    )
    if device is not None:
        waiting = waiting.where(experiments.c.device.in_(["auto", device]))
    next_ones = waiting.order_by(experiments.c.created_at, experiments.c.id).limit(NEXT_EXPERIMENTS)
    seconds = sampled_seconds(tx, speed, next_ones) or [sample.seconds for sample in speed.samples]
    return sum(seconds) / len(seconds)
