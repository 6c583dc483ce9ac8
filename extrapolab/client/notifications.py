"""Notifications of a lab: whom it tells that something ended, and how that went."""

from collections.abc import Iterator

from extrapolab.client.reader import LabReader
from extrapolab.models.notifications import Notification

_PATH = "/v1/notifications"


class LabWithNotifications(LabReader):
    """A lab that tells others what ended."""

    def notify(self, *targets: str, of: str = "") -> list[Notification]:
        """Asks the lab to notify targets once something has ended; at once if it has already.

        Args:
            targets: Names of the lab's targets, or URLs: of a webhook that takes JSON, or of a
                message service, such as ``ntfys://ntfy.sh/my-topic``.
            of: Id of an experiment or a sweep. By default a test message is sent at once.

        Raises:
            Refused: The lab has no such target, experiment or sweep.
        """
        body = {"of": of, "targets": [*targets]}
        answer = self._transport.post(_PATH, body, repeatable=bool(of))
        return [Notification.read(item) for item in answer["items"]]

    def notifications(self, *, limit: int | None = None) -> Iterator[Notification]:
        """The notifications of the last 30 days with how they were delivered, newest first."""
        for item in self._transport.items(_PATH, limit=limit):
            yield Notification.read(item)
