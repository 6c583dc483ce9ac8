"""Schemas of the queue."""

from typing import Self

from pydantic import Field

from service.schemas.base import Answer
from store.queue.overview import Overview

_EMPTY_IN = (
    "Estimated seconds until all of them have ended; null if there is nothing to estimate from."
)
_SPEED = "Training steps of all seeds of running experiments a second."
_OLDEST = "Seconds since the first of the waiting ones was submitted; null if none waits."


class DeviceQueue(Answer):
    """The queue of a device."""

    device: str
    slots: int = Field(description="Worker slots that are up and not drained.")
    running: int
    waiting: int = Field(
        description="Experiments that could start now; those for any device count on each."
    )
    oldest_wait_seconds: float | None = Field(description=_OLDEST)
    starts_in_seconds: float | None = Field(
        description="Estimated seconds until an experiment that is submitted now starts."
    )
    empty_in_seconds: float | None = Field(description=_EMPTY_IN)
    seed_steps_per_second: float = Field(description=_SPEED)


class QueuedExperiment(Answer):
    """An experiment that waits."""

    id: str
    name: str
    owner: str
    priority: int
    device: str = Field(description="`auto`: any device.")
    waiting_seconds: float = Field(description="Seconds since it was submitted.")
    starts_in_seconds: float | None = Field(
        description="Estimated seconds until it starts; null if there is nothing to estimate from."
    )


class Queue(Answer):
    """The queue of the lab. Each experiment counts once."""

    slots: int = Field(description="Worker slots that are up and not drained.")
    running: int
    waiting: int = Field(description="Experiments that could start now.")
    delayed: int = Field(description="Queued experiments that may not start yet.")
    paused: int
    oldest_wait_seconds: float | None = Field(description=_OLDEST)
    empty_in_seconds: float | None = Field(description=_EMPTY_IN)
    seed_steps_per_second: float = Field(description=_SPEED)
    devices: list[DeviceQueue] = Field(
        description="Devices that have slots, or experiments that run or wait."
    )
    next: list[QueuedExperiment] = Field(
        description="The next experiments, in the order in which they start."
    )

    @classmethod
    def from_record(cls, overview: Overview) -> Self:
        """The answer for an overview of the queue."""
        return cls.model_validate(overview)
