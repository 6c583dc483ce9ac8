"""A lab's answers about notifications."""

from datetime import datetime

from extrapolab.models.base import Record


class Notification(Record):
    """The news of what ended, for one target.

    ``kind`` is ``experiment``, ``sweep``, ``study`` or ``test``, and ``of`` its id, or the name and
    size of a study. ``state`` is ``waiting`` (it has not ended), ``due``, ``sent`` or ``failed``;
    ``error`` is why the last attempt failed.
    """

    id: str
    kind: str
    of: str = ""
    target: str
    state: str
    attempts: int = 0
    error: str | None = None
    owner: str = ""
    created_at: datetime
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None
