"""Schemas of an experiment's events and logs."""

from typing import Any, Self

from service.schemas.base import Answer, Time
from store import records
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


class ProgressEvent(Answer):
    """The progress of a running experiment in a stream."""

    id: str
    step: int
    of: int
    steps_per_second: float | None
    eta_seconds: float | None

    @classmethod
    def from_record(cls, experiment_id: str, progress: records.Progress) -> Self:
        """The answer for the progress of an experiment."""
        return cls(
            id=experiment_id,
            step=progress.step,
            of=progress.of,
            steps_per_second=progress.steps_per_second,
            eta_seconds=progress.eta_seconds,
        )


class Log(Answer):
    """The trainer's output in one attempt, with the traceback if it failed with one."""

    attempt: int
    text: str

    @classmethod
    def from_record(cls, log: records.Log) -> Self:
        """The answer for a stored log."""
        return cls.model_validate(log)
