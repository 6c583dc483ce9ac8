"""The ledger of one claim: all that its attempt writes into SQL, each write in one transaction behind the fence.

While the database is away a write is tried again, for as long as the lease lasts. After that the
claim is given up: whoever holds the experiment next goes on from the last checkpoint.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from core.arrays import unpack
from core.result import ExperimentResult, Outcome
from store.db.database import Database
from store.errors import Fenced, StoreUnavailable
from store.queue import claims
from store.records import Claim, Failure, Progress, StopRequests
from worker.messages import Advanced, Finished

SHORTEST_WAIT, LONGEST_WAIT = 0.05, 1.0
"""Seconds between two tries to write."""

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


class ClaimLost(Exception):
    """Somebody else has the experiment now, or may have: what this attempt does no longer counts."""


class Ledger:
    """Writes for one claim.

    Every method raises ClaimLost where the claim is no longer, or not surely, ours.

    ``log`` is what the trainer printed since the last write.

    Attributes:
        lease_seconds: For how long a renewed lease lasts.
        wishes: What the last write found to be asked for.
        renewed_at: When the lease was last extended, on the monotonic clock.
    """

    def __init__(
        self, database: Database, claim: Claim, lease_seconds: float, max_attempts: int
    ) -> None:
        self._database, self._claim, self._max_attempts = database, claim, max_attempts
        self.lease_seconds = lease_seconds
        self.wishes = StopRequests(cancel=False, pause=False)
        self.renewed_at = time.monotonic()

    def beat(self) -> None:
        """Extends the lease and looks for what is asked for."""
        self._renew(lambda _: None)

    def record(self, news: Advanced, log: str) -> None:
        """Keeps progress, points and the checkpoint, if there is one; extends the lease."""
        rate = news.steps_per_second
        progress = Progress(
            news.step, news.of, rate, (news.of - news.step) / rate if rate else None
        )
        points = unpack(news.points)

        def write(tx: Connection) -> None:
            self._append(tx, log)
            claims.record(
                tx,
                self._claim,
                progress=progress,
                points=points,
                checkpoint=news.checkpoint,
                checkpoint_step=news.step,
            )

        self._renew(write)

    def finish(self, news: Finished, log: str) -> None:
        """Keeps the result: of a completed experiment, or of one that was cancelled on the way."""
        result = ExperimentResult.model_validate_json(news.result)
        points = unpack(news.points)

        def write(tx: Connection) -> None:
            if any(run.outcome is Outcome.CANCELLED for run in result.runs):
                claims.mark_cancelled(tx, self._claim, result, points, log=log)
            else:
                claims.complete(tx, self._claim, result, points, news.provenance, log=log)

        self._write(write)

    def cancel(self, log: str) -> None:
        """Cancels without a result; the points recorded so far stay."""
        self._write(lambda tx: claims.mark_cancelled(tx, self._claim, None, {}, log=log))

    def fail(self, failure: Failure, log: str) -> None:
        """Ends the attempt, and the experiment with it unless it is tried again."""
        self._write(
            lambda tx: claims.fail(tx, self._claim, failure, log, max_attempts=self._max_attempts)
        )

    def hand_back(self, log: str) -> None:
        """Lets go of the experiment, for any worker to go on with, unless it is to be paused or cancelled."""
        self._write(lambda tx: claims.hand_back(tx, self._claim, log))

    def abandon(self, log: str) -> None:
        """Ends the lease now: the reaper queues the experiment again, or fails it where that happened too often."""

        def write(tx: Connection) -> None:
            self._append(tx, log)
            claims.beat(tx, self._claim, lease_seconds=0)

        self._write(write)

    def _append(self, tx: Connection, log: str) -> None:
        if log:
            claims.append_log(tx, self._claim, log)

    def _renew(self, change: Callable[[Connection], None]) -> None:
        def write(tx: Connection) -> StopRequests:
            change(tx)
            return claims.beat(tx, self._claim, lease_seconds=self.lease_seconds)

        asked_at = time.monotonic()
        self.wishes = self._write(write)
        self.renewed_at = asked_at

    def _write(self, change: Callable[[Connection], Answer]) -> Answer:
        wait = SHORTEST_WAIT
        while True:
            try:
                with self._database.write() as tx:
                    return change(tx)
            except Fenced as error:
                raise ClaimLost(str(error)) from error
            except StoreUnavailable as error:
                if time.monotonic() + wait > self.renewed_at + self.lease_seconds:
                    raise ClaimLost(
                        f"the database was away for longer than the lease: {error}"
                    ) from error
                logger.warning("will write again in %.2f s: %s", wait, error)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
