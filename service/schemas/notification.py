"""Schemas of notifications."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from core.spec.bounds import ClientModel
from core.spec.part import Line
from service.schemas.base import Answer, Time
from store import notifications
from store.notifications import NotificationState, SubjectKind


class NewNotifications(ClientModel):
    """Whom to notify, and of the end of what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Annotated[
        Line,
        Field(
            max_length=300,
            description="Id of an experiment or a sweep, or a unique prefix; an experiment's "
            "name or `@latest`. Empty: a test message is sent at once.",
        ),
    ] = ""
    targets: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=2000)]],
        Field(
            min_length=1,
            max_length=10,
            description="Names of the lab's targets, or URLs of others.",
        ),
    ]


class Notification(Answer):
    """A notification: the news of what ended, for one target."""

    id: str
    kind: SubjectKind
    of: str = Field(
        description="Id of the experiment or sweep, or the name of the study, a slash and its "
        "size; empty for a test."
    )
    target: str = Field(description="The target without its secrets.")
    state: NotificationState = Field(
        description="`waiting`: what it is about has not ended. `due`: it is sent, or sent again."
    )
    attempts: int
    error: str | None = Field(description="Why the last attempt failed.")
    owner: str
    created_at: Time
    next_attempt_at: Time | None
    ended_at: Time | None = Field(description="When it was sent or given up.")

    @classmethod
    def from_record(cls, notification: notifications.Notification) -> Self:
        """The answer for a stored notification."""
        return cls(
            id=str(notification.number),
            kind=notification.subject.kind,
            of=notification.subject.id,
            target=notification.target.shown,
            state=notification.state,
            attempts=notification.attempts,
            error=notification.error,
            owner=notification.owner,
            created_at=notification.created_at,
            next_attempt_at=notification.next_at,
            ended_at=notification.ended_at,
        )


class Notifications(Answer):
    """Notifications that were asked for."""

    items: list[Notification]
