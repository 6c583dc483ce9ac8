"""Who computes, and whether the service can."""

from dataclasses import asdict
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field

from service.schemas.base import Answer
from store import records


class WorkerState(StrEnum):
    """What a worker slot does."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    DRAINED = "drained"
    STALE = "stale"


class Worker(Answer):
    """One worker slot."""

    id: str
    state: WorkerState = Field(
        description="`draining`: it hands back what it runs. `drained`: it claims no more and may be ended. "
        "`stale`: nobody has heard of it for longer than a lease; it is forgotten after a while."
    )
    host: str
    pid: int
    trainer_pid: int | None
    device: str
    threads: int
    heartbeat_age_seconds: float
    experiment_id: str | None = Field(description="What it runs.")

    @classmethod
    def of(cls, worker: records.WorkerRecord, now: float, lease_seconds: float) -> Self:
        """``worker`` as it travels at the database's time ``now``."""
        values = asdict(worker)
        age, draining = max(0.0, now - values.pop("heartbeat_at")), values.pop("draining")
        busy = worker.experiment_id is not None
        alive = (WorkerState.IDLE, WorkerState.BUSY, WorkerState.DRAINED, WorkerState.DRAINING)[
            2 * draining + busy
        ]
        return cls(
            state=alive if age <= lease_seconds else WorkerState.STALE,
            heartbeat_age_seconds=age,
            **values,
        )


class Health(Answer):
    """The process lives."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether experiments are taken in, and at once (`ready`) or with delay (`degraded`: the broker is away)."""

    status: Literal["ready", "degraded"]
    database: Literal["ok"]
    broker: str = Field(description="`ok`, or what is wrong with it.")
