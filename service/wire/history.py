"""What happened to an experiment, and what its trainers wrote."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from service.wire.answer import Answer, instant
from store import records


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


class Log(Answer):
    """What the trainer of one attempt wrote, with the traceback if it ended in one."""

    attempt: int
    text: str

    @classmethod
    def of(cls, log: records.Log) -> Self:
        """``log`` as it travels."""
        return cls(**asdict(log))
