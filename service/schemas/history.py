"""What happened to an experiment, and what its trainers wrote."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from service.schemas.base import Answer, instant
from store import records
from store.states import State


class Event(Answer):
    """One thing that happened to an experiment."""

    number: int
    at: datetime
    kind: str
    attempt: int
    detail: dict[str, Any]

    @classmethod
    def of(cls, event: records.Event) -> Self:
        """``event`` as it travels."""
        return cls(**{**asdict(event), "at": instant(event.at)})


class StateNews(Answer):
    """What happened to an experiment, and the state that it is in since."""

    id: str
    state: State
    kind: str
    number: int
    at: datetime
    attempt: int
    detail: dict[str, Any]

    @classmethod
    def of(cls, experiment_id: str, event: records.Event) -> Self:
        """``event`` as it travels."""
        return cls(
            id=experiment_id, state=event.kind.state, **{**asdict(event), "at": instant(event.at)}
        )


class ProgressNews(Answer):
    """How far a running experiment is."""

    id: str
    step: int
    of: int
    steps_per_second: float | None
    eta_seconds: float | None

    @classmethod
    def told(cls, experiment_id: str, progress: records.Progress) -> Self:
        """``progress`` as it travels."""
        return cls(id=experiment_id, **asdict(progress))


class Log(Answer):
    """What the trainer of one attempt wrote, with the traceback if it ended in one."""

    attempt: int
    text: str

    @classmethod
    def of(cls, log: records.Log) -> Self:
        """``log`` as it travels."""
        return cls(**asdict(log))
