"""Schemas of worker slots and of the service's health."""

from typing import Literal, Self

from pydantic import Field

from service.schemas.base import Answer
from service.schemas.experiment import Progress
from store import attention
from store.attention import NoticeKind
from store.queue.workers import WorkerActivity, WorkerState


class Worker(Answer):
    """A worker slot."""

    id: str
    state: WorkerState = Field(
        description="`draining`: it hands back its experiment. `drained`: it claims no more and "
        "can be stopped. `stale`: no heartbeat for longer than a lease; it is removed after a "
        "while."
    )
    host: str
    pid: int
    trainer_pid: int | None
    device: str
    threads: int
    heartbeat_age_seconds: float
    experiment_id: str | None = Field(description="The experiment that it runs.")
    name: str = Field(
        description="Its host, device and number there, such as `node1 cpu·0`. The numbers of a "
        "host's slots change when one of them ends."
    )
    experiment_name: str | None = Field(description="Name of the experiment that it runs.")
    progress: Progress | None = Field(description="Progress of the experiment that it runs.")
    seed_steps_per_second: float | None = Field(
        description="Training steps of all seeds a second; null if it runs nothing."
    )
    memory_limit_mb: int | None = Field(
        description="Memory in MB above which the experiment that it runs fails, if it has a limit."
    )
    memory_mb: float | None = Field(
        description="Memory of its trainer at the last heartbeat, in MB; null until there is one."
    )
    peak_memory_mb: float | None = Field(
        description="The most memory of its trainer since its last training began, in MB."
    )

    @classmethod
    def from_record(cls, activity: WorkerActivity, now: float, lease_seconds: float) -> Self:
        """The answer for a stored worker slot at the database's time ``now``."""
        worker = activity.worker
        age = max(0.0, now - worker.heartbeat_at)
        state = WorkerState.of_slot(worker, now, lease_seconds)
        return cls(
            id=worker.id,
            state=state,
            host=worker.host,
            pid=worker.pid,
            trainer_pid=worker.trainer_pid,
            device=worker.device,
            threads=worker.threads,
            heartbeat_age_seconds=age,
            experiment_id=worker.experiment_id,
            name=activity.name,
            experiment_name=activity.experiment_name,
            progress=activity.progress,
            seed_steps_per_second=activity.seed_steps_per_second,
            memory_limit_mb=activity.memory_limit_mb,
            memory_mb=worker.memory_mb,
            peak_memory_mb=worker.peak_memory_mb,
        )


class Notice(Answer):
    """Something that needs somebody."""

    kind: NoticeKind
    sentence: str = Field(description="What is the matter.")
    action: str = Field(description="What to do.")
    q: str | None = Field(description="Filter that finds the experiments in question.")
    count: int = Field(description="Number of these experiments, if they were counted.")
    verb: str | None = Field(description="`retry` if that may help them.")

    @classmethod
    def from_record(cls, notice: attention.Notice) -> Self:
        """The answer for a notice."""
        return cls.model_validate(notice)


class Notices(Answer):
    """Notices of what needs somebody, most urgent first."""

    items: list[Notice]


class Health(Answer):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(Answer):
    """The service accepts experiments; `degraded` if the broker is away and they start late."""

    status: Literal["ready", "degraded"]
    database: Literal["ok"]
    broker: str = Field(description="`ok`, or the error of the connection.")
