"""Who computes, and whether the service can."""

from dataclasses import asdict
from typing import Literal, Self

from pydantic import Field

from service.wire.answer import Answer
from store import records


class Worker(Answer):
    """One worker slot."""

    id: str
    host: str
    pid: int
    trainer_pid: int | None
    device: str
    threads: int
    heartbeat_age_seconds: float
    experiment_id: str | None = Field(description="What it runs.")

    @classmethod
    def of(cls, worker: records.WorkerRecord, now: float) -> Self:
        """``worker`` as it travels at the database's time ``now``."""
        values = asdict(worker)
        return cls(heartbeat_age_seconds=max(0.0, now - values.pop("heartbeat_at")), **values)


class Health(Answer):
    """The process lives."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether experiments are taken in, and at once (`ready`) or with delay (`degraded`: the broker is away)."""

    status: Literal["ready", "degraded"]
    database: Literal["ok"]
    broker: str = Field(description="`ok`, or what is wrong with it.")
