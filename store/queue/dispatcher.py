"""The dispatcher: a thread that wakes idle workers while experiments wait, and runs the reaper.

It runs in the API and in every worker slot. One is enough, and several do no more than one.
"""

import logging
import threading
import time

from store.db.database import Database
from store.experiments import idempotency, staging
from store.queue import reaper, scheduling, workers
from store.queue.celery_app import WORK, celery_app
from store.queue.devices import QUEUES
from store.settings import Settings

logger = logging.getLogger(__name__)

KEEP_ANSWERS_SECONDS = 24 * 3600.0
"""The answer to a request with an Idempotency-Key is removed after this."""

KEEP_SILENT_WORKERS_SECONDS, KEEP_SILENT_WORKERS_LEASES = 60.0, 10
"""A silent worker is removed after the longer of the two; if it returns, it registers again."""

KEEP_SILENT_BATCHES_SECONDS = 60.0
"""A staged batch without a write for this long is abandoned; a live one has several a second."""

DEBOUNCE_SECONDS = 0.02
"""Pause between two passes, so that one pass answers many notifications."""


class Dispatcher:
    """Sends wake-ups when the database queues an experiment, and every ``reaper_seconds``.

    A pass sends one wake-up for each waiting experiment that an idle worker could start, less those
    that are still unread in the broker. An error, such as an unreachable broker, is logged, and the
    next pass tries again.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._app = celery_app(settings)
        self._notified = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._healthy = True

    def start(self) -> None:
        """Starts the thread and subscribes it to the database; call it once, after any fork."""
        self._thread.start()
        self._database.on_work.append(self.notify)

    def notify(self) -> None:
        """Requests a pass, and returns at once."""
        self._notified.set()

    def stop(self) -> None:
        """Stops the thread, waiting up to 5 s for a pass that is under way."""
        self._database.on_work.remove(self.notify)
        self._stopped.set()
        self._notified.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            reap = time.monotonic() >= due
            if reap:
                due = time.monotonic() + self._settings.reaper_seconds
            self._pass(reap=reap)
            self._stopped.wait(DEBOUNCE_SECONDS)
            self._notified.wait(max(0.0, due - time.monotonic()))
            self._notified.clear()
        self._app.close()

    def _pass(self, *, reap: bool) -> None:
        try:
            if reap:
                self._reap()
            self._wake()
        except Exception as error:  # of any kind: the next pass tries again
            level = logging.WARNING if self._healthy else logging.DEBUG
            logger.log(level, "cannot wake workers, will retry: %s", error, exc_info=True)
            self._healthy = False
        else:
            if not self._healthy:
                logger.warning("waking workers again")
            self._healthy = True

    def _reap(self) -> None:
        worker_timeout = max(
            KEEP_SILENT_WORKERS_SECONDS, KEEP_SILENT_WORKERS_LEASES * self._settings.lease_seconds
        )
        with self._database.write() as tx:
            if expired := reaper.reap(tx, max_attempts=self._settings.max_attempts):
                logger.warning("took %d experiments from lost workers", expired)
            idempotency.remove_old(tx, KEEP_ANSWERS_SECONDS)
            staging.remove_abandoned(tx, KEEP_SILENT_BATCHES_SECONDS)
            workers.remove_silent(tx, worker_timeout)
        self._database.checkpoint_wal()

    def _wake(self) -> None:
        with self._database.read() as tx:
            wake_ups = {}
            for device in QUEUES:
                idle = workers.count_idle(tx, device, self._settings.lease_seconds)
                wake_ups[device] = scheduling.count_waiting(tx, device, limit=idle)
        if not any(wake_ups.values()):
            return
        with self._app.connection_for_write() as connection:
            # without limits, Kombu retries for seconds
            connection.ensure_connection(max_retries=1, interval_start=0)
            for device, count in wake_ups.items():
                name = QUEUES[device]
                unread = connection.default_channel.queue_declare(queue=name).message_count  # type: ignore[attr-defined]  # not in its stub
                for _ in range(count - unread):
                    self._app.send_task(WORK, queue=name, connection=connection)
