"""The notifier: a thread that finds what has ended, and sends the news of it.

It runs in every API process. One is enough, and several do no more than one.
"""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict

from service.notifications import news as words
from service.notifications.delivery import MAX_SECONDS, Fate, Message
from service.settings import Settings
from store import notifications
from store.db.database import Database
from store.notifications import Notification

logger = logging.getLogger(__name__)

MAX_LOAD = 0.05
"""Share of the time that passes take at most, even if very many notifications wait..."""

MAX_PAUSE_SECONDS = 30.0
"""...unless they take so long that the pause between two would be longer than this."""

REMOVE_SECONDS = 3600.0
"""Interval of the removal of old notifications."""


class Notifier:
    """Sends notifications, about every ``reaper_seconds``.

    An error, such as a database that is away, is logged, and the next pass tries again.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._healthy = True
        self._removal_due = time.monotonic()

    def start(self) -> None:
        """Starts the thread; call it once, after any fork."""
        self._thread.start()

    def stop(self) -> None:
        """Stops the thread, waiting up to 5 s for a message that is being sent."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def run_once(self) -> int:
        """Sends everything that is due now, and returns the number of messages."""
        with self._database.read() as tx:
            ended = notifications.find_ended(tx)
        if ended:
            with self._database.write() as tx:
                notifications.mark_due(tx, ended)
        count = 0
        while not self._stopped.is_set() and self._send_next():
            count += 1
        return count

    def _run(self) -> None:
        pause = self._settings.reaper_seconds
        while not self._stopped.wait(pause):
            began = time.monotonic()
            self._pass()
            took = time.monotonic() - began
            pause = max(self._settings.reaper_seconds, min(took / MAX_LOAD, MAX_PAUSE_SECONDS))

    def _pass(self) -> None:
        try:
            self.run_once()
            if time.monotonic() >= self._removal_due:
                self._removal_due = time.monotonic() + REMOVE_SECONDS
                with self._database.write() as tx:
                    notifications.remove_old(tx)
        except Exception as error:  # of any kind: the next pass tries again
            level = logging.WARNING if self._healthy else logging.DEBUG
            logger.log(level, "cannot send notifications, will retry: %s", error, exc_info=True)
            self._healthy = False
        else:
            self._healthy = True

    def _send_next(self) -> bool:
        """Claims and sends one message, if there is one."""
        with self._database.read() as tx:
            if not notifications.is_any_due(tx):
                return False
        with self._database.write() as tx:
            claimed = notifications.claim(tx)
        if not claimed:  # another process was faster
            return False
        fate = self._deliver(claimed)
        with self._database.write() as tx:
            notifications.settle(tx, claimed, fate.error, final=fate.is_final)
        shown = claimed[0].target.shown
        if fate.error is None:
            logger.info("sent %d notifications to %s", len(claimed), shown)
        else:
            logger.warning("could not notify %s: %s", shown, fate.error)
        return True

    def _deliver(self, claimed: Sequence[Notification]) -> Fate:
        address = claimed[0].target.address
        is_own = "://" in address
        url = address if is_own else self._settings.notify_targets.get(address)
        if url is None:
            return Fate(f"the lab has no target {address!r} any more", is_final=True)
        with self._database.read() as tx:
            news = [words.read(tx, notification) for notification in claimed]
        return deliver(
            Message(
                url=url,
                title=words.title_of(news),
                text=words.text_of(news),
                content=words.content_of(news, (claim.number for claim in claimed)),
                allow_private=self._settings.notify_private,
            )
        )


def deliver(message: Message) -> Fate:
    """Sends a message in a process of its own, which leaves nothing of its libraries here."""
    command = (sys.executable, "-P", "-m", "service.notifications.delivery")
    try:
        sent = subprocess.run(
            command,
            input=json.dumps(asdict(message)).encode(),
            stdout=subprocess.PIPE,
            timeout=MAX_SECONDS + 5,
            check=False,
        )
        return Fate(**json.loads(sent.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return Fate(f"it took longer than {MAX_SECONDS} s, or the sending process was killed")
