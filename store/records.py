"""What the repository returns: frozen values, never rows. Times are Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from core.result import Outcome
from core.spec import METADATA, ExperimentSpec
from store.states import State


class FailureKind(StrEnum):
    """Whose turn it is after a failure.

    The first three are the submitter's: an experiment fails with them at once. The others are the
    lab's: it is tried again by itself, and fails after so many attempts in a row that gained
    nothing.
    """

    USER = "user"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    INFRASTRUCTURE = "infrastructure"

    @property
    def is_of_the_lab(self) -> bool:
        """Whether another attempt may fare better."""
        return self in {FailureKind.WORKER_LOST, FailureKind.INFRASTRUCTURE}


ELSEWHERE = "elsewhere"
"""The device of an experiment that was not computed here; no worker has it."""


class Source(StrEnum):
    """Where an experiment's numbers are from."""

    LAB = "lab"
    IMPORT = "import"


@dataclass(frozen=True)
class Failure:
    """Why an experiment failed: a word for programs, a sentence for people."""

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Progress:
    """How far a training is; the rate and the time left are unknown at first."""

    step: int
    of: int
    steps_per_second: float | None = None
    eta_seconds: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """One seed of an experiment; all but the seed is there once it has ended."""

    seed: int
    outcome: Outcome | None = None
    steps: int | None = None
    summary: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """An experiment as it stands.

    Attributes:
        content: Its spec as JSON, with today's name, tags and notes; it was valid when it was
            stored.
        device: The device that the experiment is pinned to; None until the first claim of an
            ``auto`` one.
        attempts: How often a worker has claimed it.
        progress: None before the first step is recorded.
        version: Grows with every edit of name, tags or notes, and with nothing else.
        runs: One per seed, in the spec's order.
    """

    id: str
    content: Mapping[str, Any]
    spec_hash: str
    setup_hash: str
    state: State
    owner: str
    priority: int
    not_before: float | None
    max_seconds: float | None
    max_memory_mb: int | None
    device: str | None
    attempts: int
    failure: Failure | None
    progress: Progress | None
    cancel_requested: bool
    pause_requested: bool
    created_at: float
    started_at: float | None
    finished_at: float | None
    version: int
    warnings: tuple[str, ...]
    provenance: Mapping[str, str] | None
    runs: tuple[RunRecord, ...]

    @property
    def source(self) -> Source:
        """Whether it was computed here, or is to be, or was imported."""
        return Source.IMPORT if self.device == ELSEWHERE else Source.LAB

    @cached_property
    def spec(self) -> ExperimentSpec:
        """Its spec, made when it is first asked for; raises ValidationError where this version can not read it."""
        described = {name: self.content[name] for name in METADATA}
        described["tags"] = tuple(
            described["tags"]
        )  # of many submissions, and perhaps more than one spec can have
        computed = {name: part for name, part in self.content.items() if name not in METADATA}
        return ExperimentSpec.model_validate(computed).model_copy(update=described)


@dataclass(frozen=True)
class Submission:
    """What became of a submitted spec: a new experiment, or one that was there already (``reused``)."""

    id: str
    state: State
    spec_hash: str
    setup_hash: str
    reused: bool
    warnings: tuple[str, ...]


class EventKind(StrEnum):
    """What happens to an experiment."""

    SUBMITTED = "submitted"
    STARTED = "started"
    CHECKPOINT_CORRUPT = "checkpoint_corrupt"
    CANCEL_REQUESTED = "cancel_requested"
    PAUSE_REQUESTED = "pause_requested"
    PAUSE_WITHDRAWN = "pause_withdrawn"
    HANDED_BACK = "handed_back"
    LEASE_EXPIRED = "lease_expired"
    ATTEMPT_FAILED = "attempt_failed"
    PAUSED = "paused"
    RESUMED = "resumed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRIED = "retried"

    @property
    def state(self) -> State:
        """The state that the experiment is in after it."""
        return _AFTER.get(self, State.QUEUED)


_AFTER = {
    EventKind.STARTED: State.RUNNING,
    EventKind.CANCEL_REQUESTED: State.RUNNING,
    EventKind.PAUSE_REQUESTED: State.RUNNING,
    EventKind.PAUSE_WITHDRAWN: State.RUNNING,
    EventKind.PAUSED: State.PAUSED,
    EventKind.COMPLETED: State.COMPLETED,
    EventKind.FAILED: State.FAILED,
    EventKind.CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True)
class Event:
    """One thing that happened to an experiment. Numbers grow with time and are never reused."""

    number: int
    at: float
    kind: EventKind
    attempt: int
    detail: Mapping[str, object]


@dataclass(frozen=True)
class Place:
    """Where a queued experiment stands.

    Attributes:
        position: The how many-th it would be to be claimed, were it due now; the next one is at 1.
        eta_seconds: About so long until it starts, None where nothing tells, as without workers.
    """

    position: int
    eta_seconds: float | None


@dataclass(frozen=True)
class StopRequests:
    """What a worker is to do with the experiment that it holds."""

    cancel: bool
    pause: bool


@dataclass(frozen=True)
class Log:
    """What the trainer of one attempt wrote, with the traceback if it ended in one."""

    attempt: int
    text: str


@dataclass(frozen=True)
class Claim:
    """A worker's hold on an experiment.

    Every write names it, and is refused once another attempt has begun.

    Attributes:
        spec: What is trained; without name, tags and notes.
        checkpoint: The newest whole checkpoint, None to begin at step 0.
        max_seconds: The submitter's limit, None for no limit.
        max_memory_mb: The submitter's limit, None for no limit.
        inherited: The parameters that each seed begins with, by name, where the start is
            ``from_experiment``.
    """

    experiment_id: str
    attempt: int
    spec: ExperimentSpec
    device: str
    checkpoint: bytes | None
    max_seconds: float | None
    max_memory_mb: int | None
    inherited: Mapping[int, Mapping[str, np.ndarray]] | None = None


@dataclass(frozen=True)
class WorkerRecord:
    """One worker slot: where it runs, when it was last heard of, what it works on, whether it is to claim no more."""

    id: str
    host: str
    pid: int
    trainer_pid: int | None
    device: str
    threads: int
    heartbeat_at: float
    experiment_id: str | None = None
    draining: bool = False
