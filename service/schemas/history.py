"""Schemas of an experiment's events and logs."""

from typing import Any, Self

from pydantic import Field

from service.lab_watch import WorkerChange
from service.schemas.base import Answer, Number, Time
from service.schemas.operations import Worker
from store import records
from store.arrays.series import MAX_LIVE_SEEDS
from store.states import State


class Event(Answer):
    """An event in an experiment's history."""

    number: int
    at: Time
    kind: str
    attempt: int
    detail: dict[str, Any]

    @classmethod
    def from_record(cls, event: records.Event) -> Self:
        """The answer for a stored event."""
        return cls.model_validate(event)


class StateEvent(Answer):
    """An event in a stream, with the state that the experiment is in after it."""

    id: str
    state: State
    kind: str
    number: int
    at: Time
    attempt: int
    detail: dict[str, Any]

    @classmethod
    def from_record(cls, experiment_id: str, event: records.Event) -> Self:
        """The answer for a stored event of an experiment."""
        return cls(
            id=experiment_id,
            state=event.kind.state,
            kind=event.kind,
            number=event.number,
            at=event.at,
            attempt=event.attempt,
            detail=event.detail,
        )


class NewestPoints(Answer):
    """The newest recorded point of each running seed, as columns of equal length."""

    seed: list[int]
    step: list[int]
    train_loss: list[Number]
    fit_error: list[Number]
    extrapolation_error: list[Number]
    relative_extrapolation_error: list[Number]


class ProgressEvent(Answer):
    """The progress of a running experiment in a stream."""

    id: str
    step: int
    of: int
    steps_per_second: float | None
    eta_seconds: float | None
    newest: NewestPoints | None = Field(
        default=None,
        description="Null before the first recorded point, and if more than "
        f"{MAX_LIVE_SEEDS} seeds are running.",
    )

    @classmethod
    def from_record(cls, experiment_id: str, progress: records.Progress) -> Self:
        """The answer for the progress of an experiment."""
        newest = progress.newest
        return cls(
            id=experiment_id,
            step=progress.step,
            of=progress.of,
            steps_per_second=progress.steps_per_second,
            eta_seconds=progress.eta_seconds,
            newest=newest and NewestPoints(**{name: newest[name].tolist() for name in newest}),
        )


class WorkerEvent(Answer):
    """A change of a worker slot in a stream, with the slot after it."""

    change: WorkerChange
    worker: Worker


class Log(Answer):
    """The trainer's output in one attempt, with the traceback if it failed with one."""

    attempt: int
    text: str

    @classmethod
    def from_record(cls, log: records.Log) -> Self:
        """The answer for a stored log."""
        return cls.model_validate(log)
