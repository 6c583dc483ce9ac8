"""The bell: a thread that wakes idle workers while experiments wait, and takes experiments from lost ones.

It runs in the API and in every worker slot; any number of bells do no more than one, and one is
enough.
"""

import logging
import threading
import time

from store.db.database import Database
from store.experiments import idempotency, staging
from store.queue import claims, scheduling, workers
from store.queue.celery_app import QUEUES, WORK, celery_app
from store.settings import Settings

logger = logging.getLogger(__name__)

KEEP_ANSWERS_SECONDS = 24 * 3600.0
KEEP_SILENT_WORKERS_SECONDS, KEEP_SILENT_WORKERS_LEASES = 60.0, 10
"""Whichever is longer. A worker that comes back after that registers again."""
KEEP_SILENT_ARRIVALS_SECONDS = 60.0
"""A submission of very many writes several times a second; one whose process waits longer for its
turn fails."""

BREATH_SECONDS = 0.02
"""Between two passes: many rings in a short time are answered by one."""


class Dispatcher:
    """Sends wake-ups as soon as it is rung, and once every ``reaper_seconds`` by itself, after a look for lost workers.

    A pass sends as many wake-ups as there are experiments that wait and workers that idle, less
    those that still lie unread in the broker. An error, such as a broker that is away, is logged,
    and the next pass tries again.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._app = celery_app(settings)
        self._rung = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._well = True

    def start(self) -> None:
        """Starts the thread, which the database notifies from now on; once only, and after any fork."""
        self._thread.start()
        self._database.on_work.append(self.notify)

    def notify(self) -> None:
        """Says that something may wait now. Returns at once, whatever broker and database do."""
        self._rung.set()

    def stop(self) -> None:
        """Ends the thread and waits a moment for it: it may be in the middle of a pass."""
        self._database.on_work.remove(self.notify)
        self._stopped.set()
        self._rung.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            reap = time.monotonic() >= due
            if reap:
                due = time.monotonic() + self._settings.reaper_seconds
            self._pass(reap=reap)
            self._stopped.wait(BREATH_SECONDS)
            self._rung.wait(max(0.0, due - time.monotonic()))
            self._rung.clear()
        self._app.close()

    def _pass(self, *, reap: bool) -> None:
        try:
            if reap:
                self._reap()
            self._wake()
        except Exception as error:  # whatever it is, the next pass tries again
            logger.log(
                logging.WARNING if self._well else logging.DEBUG,
                "no wake-ups for now: %s",
                error,
                exc_info=True,
            )
            self._well = False
        else:
            if not self._well:
                logger.warning("wake-ups are sent again")
            self._well = True

    def _reap(self) -> None:
        with self._database.write() as tx:
            if lost := claims.reap(tx, max_attempts=self._settings.max_attempts):
                logger.warning("took %d experiments from lost workers", lost)
            idempotency.forget_old(tx, KEEP_ANSWERS_SECONDS)
            leases = KEEP_SILENT_WORKERS_LEASES * self._settings.lease_seconds
            staging.clear(tx, KEEP_SILENT_ARRIVALS_SECONDS)
            workers.forget_silent(tx, max(KEEP_SILENT_WORKERS_SECONDS, leases))
        self._database.checkpoint_wal()

    def _wake(self) -> None:
        with self._database.read() as tx:
            fresh = self._settings.lease_seconds
            idle = {device: workers.idle(tx, device, fresh) for device in QUEUES}
            wanted = {
                device: scheduling.waiting_for(tx, device, most=count)
                for device, count in idle.items()
            }
        if not any(wanted.values()):
            return
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(
                max_retries=1, interval_start=0
            )  # or Kombu tries for seconds
            for device, count in wanted.items():
                name = QUEUES[device]
                unread = connection.default_channel.queue_declare(queue=name).message_count  # type: ignore[attr-defined]  # not in its stub
                for _ in range(count - unread):
                    self._app.send_task(WORK, queue=name, connection=connection)
