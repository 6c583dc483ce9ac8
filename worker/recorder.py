"""Recording of an attempt in SQL; every write is one transaction behind the claim's fence.

While the database is unavailable, a write is retried until the lease ends. Then the claim is given
up, and the next attempt resumes from the last checkpoint.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from core.result import Outcome
from store.db.database import Database
from store.errors import Fenced, StoreUnavailable
from store.queue import reports
from store.records import Claim, Failure, Progress, StopRequests
from worker.messages import Advanced, Finished

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 1.0
"""Pauses between two tries of a write; each is twice the one before."""

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


class ClaimLost(Exception):
    """The experiment belongs, or may belong, to another attempt; this one no longer counts."""


class AttemptRecorder:
    """Writes the progress and the end of one attempt.

    Every method raises ClaimLost if this attempt may no longer hold the experiment. The ``log``
    arguments are what the trainer printed since the last write.

    Attributes:
        lease_seconds: Duration of a renewed lease.
        stop_requests: The cancel and pause requests seen by the last write.
        renewed_at: Monotonic time of the last lease renewal.
    """

    def __init__(
        self, database: Database, claim: Claim, lease_seconds: float, max_attempts: int
    ) -> None:
        self._database, self._claim, self._max_attempts = database, claim, max_attempts
        self.lease_seconds = lease_seconds
        self.stop_requests = StopRequests(cancel=False, pause=False)
        self._started_at = self.renewed_at = time.monotonic()

    def heartbeat(self) -> None:
        """Renews the lease and reads the stop requests."""
        self._renew(lambda _: None)

    def record(self, message: Advanced, log: str) -> None:
        """Stores progress, new points and the checkpoint, if there is one; renews the lease."""
        rate = message.steps_per_second
        remaining_seconds = (message.of - message.step) / rate if rate else None
        progress = Progress(message.step, message.of, rate, remaining_seconds)

        def write(tx: Connection) -> None:
            self._append_log(tx, log)
            reports.record(
                tx,
                self._claim,
                progress=progress,
                chunk=message.chunk,
                checkpoint=message.checkpoint,
                checkpoint_step=message.step,
            )

        self._renew(write)

    def finish(self, message: Finished, log: str) -> None:
        """Stores the result and ends the experiment as completed or cancelled."""
        result, chunk = message.result, message.chunk

        def write(tx: Connection) -> None:
            if any(run.outcome is Outcome.CANCELLED for run in result.runs):
                reports.mark_cancelled(tx, self._claim, result, chunk, log=log)
            else:
                reports.complete(tx, self._claim, result, chunk, message.provenance, log=log)

        self._write(write)

    def cancel(self, log: str) -> None:
        """Cancels the experiment without a result; points recorded so far are kept."""
        self._write(lambda tx: reports.mark_cancelled(tx, self._claim, None, None, log=log))

    def fail(self, failure: Failure, log: str) -> None:
        """Ends the attempt, and the experiment with it unless it is retried."""

        def write(tx: Connection) -> None:
            self._renew_lease(tx, self.lease_seconds)
            reports.fail(tx, self._claim, failure, log, max_attempts=self._max_attempts)

        self._write(write)

    def hand_back(self, log: str) -> None:
        """Releases the experiment: to the queue, or to its requested pause or cancellation."""

        def write(tx: Connection) -> None:
            self._renew_lease(tx, self.lease_seconds)
            reports.hand_back(tx, self._claim, log)

        self._write(write)

    def abandon(self, log: str) -> None:
        """Ends the lease now, so that the reaper requeues the experiment or fails it."""

        def write(tx: Connection) -> None:
            self._append_log(tx, log)
            self._renew_lease(tx, 0)

        self._write(write)

    def _append_log(self, tx: Connection, log: str) -> None:
        if log:
            reports.append_log(tx, self._claim, log)

    def _renew_lease(self, tx: Connection, lease_seconds: float) -> StopRequests:
        return reports.renew_lease(
            tx,
            self._claim,
            lease_seconds=lease_seconds,
            attempt_seconds=time.monotonic() - self._started_at,
        )

    def _renew(self, change: Callable[[Connection], None]) -> None:
        def write(tx: Connection) -> StopRequests:
            change(tx)
            return self._renew_lease(tx, self.lease_seconds)

        started_at = time.monotonic()
        self.stop_requests = self._write(write)
        self.renewed_at = started_at

    def _write(self, change: Callable[[Connection], Answer]) -> Answer:
        pause = FIRST_RETRY_SECONDS
        while True:
            try:
                with self._database.write() as tx:
                    return change(tx)
            except Fenced as error:
                raise ClaimLost(str(error)) from error
            except StoreUnavailable as error:
                if time.monotonic() + pause > self.renewed_at + self.lease_seconds:
                    raise ClaimLost(
                        f"the database was unavailable for longer than the lease: {error}"
                    ) from error
                logger.warning("retrying a write in %.2f s: %s", pause, error)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_RETRY_SECONDS)
