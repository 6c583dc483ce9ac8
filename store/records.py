"""Frozen records that the repositories return in place of rows. Times are Unix seconds."""

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
    """The kind of a failure.

    The first three need the submitter: the experiment fails at once. The others are transient: the
    lab tries the experiment again, and it fails after several attempts in a row without progress.
    """

    USER = "user"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    INFRASTRUCTURE = "infrastructure"

    @property
    def is_transient(self) -> bool:
        """Whether another attempt may succeed."""
        return self in {FailureKind.WORKER_LOST, FailureKind.INFRASTRUCTURE}


ELSEWHERE = "elsewhere"
"""The device of imported experiments; no worker has it."""


class Source(StrEnum):
    """The origin of an experiment's results."""

    LAB = "lab"
    IMPORT = "import"


@dataclass(frozen=True)
class Failure:
    """Why an experiment failed: a kind for programs, a sentence for people."""

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Progress:
    """The progress of training; rate and remaining time are unknown at first.

    Attributes:
        newest: The newest recorded point of each running seed, as columns of equal length; None if
            it wasn't read.
    """

    step: int
    of: int
    steps_per_second: float | None = None
    eta_seconds: float | None = None
    newest: Mapping[str, np.ndarray] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class RunRecord:
    """One seed of an experiment; all but the seed is known once the run has ended."""

    seed: int
    outcome: Outcome | None = None
    steps: int | None = None
    summary: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """An experiment in its current state.

    Attributes:
        content: Its spec as JSON, with the current name, tags and notes; valid when stored.
        device: The device that it is pinned to; None before the first claim if that was ``auto``.
        attempts: The number of times that workers claimed it.
        progress: None before the first step is recorded.
        version: Grows with each edit of name, tags or notes, and with nothing else.
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
        """The origin of its results."""
        return Source.IMPORT if self.device == ELSEWHERE else Source.LAB

    @cached_property
    def spec(self) -> ExperimentSpec:
        """Its spec; raises ValidationError if this version can't read it.

        Metadata isn't validated: tags merged from many submissions may exceed a spec's limit.
        """
        metadata = {name: self.content[name] for name in METADATA}
        metadata["tags"] = tuple(metadata["tags"])
        computed = {name: part for name, part in self.content.items() if name not in METADATA}
        return ExperimentSpec.model_validate(computed).model_copy(update=metadata)


@dataclass(frozen=True)
class Submission:
    """The experiment for a submitted spec: a new one, or an equal existing one (``reused``)."""

    id: str
    state: State
    spec_hash: str
    setup_hash: str
    reused: bool
    warnings: tuple[str, ...]


class EventKind(StrEnum):
    """The kinds of events in an experiment's history."""

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
        """The state of the experiment after the event."""
        return _STATE_AFTER.get(self, State.QUEUED)


_STATE_AFTER = {
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
    """An event in an experiment's history. Numbers grow with time and are never reused."""

    number: int
    at: float
    kind: EventKind
    attempt: int
    detail: Mapping[str, object]


@dataclass(frozen=True)
class QueuePosition:
    """The position of a queued experiment.

    Attributes:
        position: Its 1-based position in the queue if it were due now.
        eta_seconds: Estimated time until it starts; None if unknown, such as without workers.
    """

    position: int
    eta_seconds: float | None


@dataclass(frozen=True)
class StopRequests:
    """Pending requests to stop the experiment that a worker holds."""

    cancel: bool
    pause: bool


@dataclass(frozen=True)
class Log:
    """The output of one attempt's trainer, including any traceback."""

    attempt: int
    text: str


@dataclass(frozen=True)
class Claim:
    """A worker's hold on an experiment; its writes are refused once another attempt begins.

    Attributes:
        spec: The spec to train, without name, tags and notes.
        checkpoint: The newest intact checkpoint; None to begin at step 0.
        max_seconds: The submitter's limit on all attempts together; None for no limit.
        max_memory_mb: The submitter's limit; None for no limit.
        trained_seconds: Seconds that earlier attempts trained.
        initial_parameters: Parameters by seed and name if the start is ``from_experiment``, else
            None.
    """

    experiment_id: str
    attempt: int
    spec: ExperimentSpec
    device: str
    checkpoint: bytes | None
    max_seconds: float | None
    max_memory_mb: int | None
    trained_seconds: float = 0.0
    initial_parameters: Mapping[int, Mapping[str, np.ndarray]] | None = None


@dataclass(frozen=True)
class WorkerRecord:
    """A worker slot: where it runs, its last heartbeat, its experiment, whether it is drained.

    Attributes:
        memory_mb: The resident memory of its trainer at the last heartbeat, in MiB.
        peak_memory_mb: The most since the trainer's last training began.
    """

    id: str
    host: str
    pid: int
    trainer_pid: int | None
    device: str
    threads: int
    heartbeat_at: float
    experiment_id: str | None = None
    draining: bool = False
    memory_mb: float | None = None
    peak_memory_mb: float | None = None
