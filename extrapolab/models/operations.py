"""A lab's answers about its worker slots and its queue."""

from extrapolab.models.base import Record
from extrapolab.models.experiments import Progress


class Worker(Record):
    """A worker slot of the lab.

    ``state`` is ``idle``, ``busy``, ``draining`` (it is handing back its experiment), ``drained``
    (it claims nothing more) or ``stale`` (no heartbeat for longer than a lease). ``name`` is its
    host, device and number there, such as ``node1 cpu·0``. ``memory_mb`` is its trainer's at the
    last heartbeat, and the peak the most since its last training began; the limit is that of the
    experiment.
    """

    id: str
    state: str = ""
    host: str
    pid: int
    trainer_pid: int | None = None
    device: str
    threads: int
    heartbeat_age_seconds: float
    experiment_id: str | None = None
    name: str = ""
    experiment_name: str | None = None
    progress: Progress | None = None
    seed_steps_per_second: float | None = None
    memory_limit_mb: int | None = None
    memory_mb: float | None = None
    peak_memory_mb: float | None = None


class DeviceQueue(Record):
    """The queue of a device; experiments for any device count on each.

    ``starts_in_seconds`` and ``empty_in_seconds`` are estimates of when an experiment that is
    submitted now starts, and when all have ended.
    """

    device: str
    slots: int
    running: int
    waiting: int
    oldest_wait_seconds: float | None = None
    starts_in_seconds: float | None = None
    empty_in_seconds: float | None = None
    seed_steps_per_second: float = 0.0


class QueuedExperiment(Record):
    """An experiment that waits; ``starts_in_seconds`` is an estimate."""

    id: str
    name: str = ""
    owner: str
    priority: int = 0
    device: str
    waiting_seconds: float
    starts_in_seconds: float | None = None


class Queue(Record):
    """The queue of the lab: each experiment counts once, and ``next`` are those that start next."""

    slots: int
    running: int
    waiting: int
    delayed: int = 0
    paused: int = 0
    oldest_wait_seconds: float | None = None
    empty_in_seconds: float | None = None
    seed_steps_per_second: float = 0.0
    devices: tuple[DeviceQueue, ...] = ()
    next: tuple[QueuedExperiment, ...] = ()


class Notice(Record):
    """Something that needs somebody, and what to do; ``q`` finds the experiments in question."""

    kind: str
    sentence: str
    action: str
    q: str | None = None
    count: int = 0
    verb: str | None = None
