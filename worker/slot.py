"""A slot: one Celery child process with its warm trainer. It works on one experiment at a time."""

import contextlib
import logging
import os
import platform
import threading
import time

from sqlalchemy import Connection
from uuid_utils import uuid7

from store.db.database import Database, now
from store.errors import NotFound, StoreUnavailable
from store.queue import claims, scheduling, workers
from store.queue.dispatcher import Dispatcher
from store.records import Claim, WorkerRecord
from store.settings import Settings
from worker.attempt import LOOK_SECONDS, Attempt
from worker.recorder import Ledger
from worker.settings import WorkerSettings
from worker.shutdown import Leash
from worker.trainer_process import TrainerDied, TrainerProcess

HEARTBEAT_SECONDS = 2.0
"""Or a third of the lease, if that is less: a slot that lives is heard of several times in a lease.
"""

READY_SECONDS = 120.0
"""A trainer that hasn't loaded torch by then is broken."""

HAND_BACK_SECONDS = 8.0
"""In which a training is handed back where the slot ends in the middle of it."""

logger = logging.getLogger(__name__)


class NoTrainer(Exception):
    """Trainers don't start on this machine; the message has what the last one said."""


class Slot:
    """Claims and trains in this process, with three threads beside: the heartbeat of its row in SQL, a dispatcher, an eye.

    The eye looks for work once in a lease, also where nothing wakes this slot: its worker may have
    lost the broker, or hang where it would receive messages, and nobody else can see that.

    Make it after the fork. It needs neither database nor broker to start, and gets by without
    either for a while.
    """

    def __init__(
        self, leash: Leash, settings: Settings, own: WorkerSettings, *, slots: int
    ) -> None:
        """Starts the trainer, which takes its time to load torch; nothing is waited for.

        Args:
            leash: Held by the Celery parent; when it breaks, work is handed back.
            settings: What all rooms share.
            own: The worker's.
            slots: How many slots share this machine's cores.
        """
        leash.take()
        self._leash, self._settings, self._device = leash, settings, own.device
        self._draining = False
        self._lease_seconds = settings.lease_seconds
        self._heartbeat_seconds = min(HEARTBEAT_SECONDS, self._lease_seconds / 3)
        self._id = f"worker_{uuid7().hex}"
        self._threads = own.threads_of_one(slots)
        self._trainer = TrainerProcess(self._threads)
        self._experiment_id: str | None = None
        self._database = Database(settings.database_url)
        self._dispatcher = Dispatcher(self._database, settings)
        self._dispatcher.start()
        self._at_work = threading.Lock()
        self._closing = threading.Event()
        self._heart = threading.Thread(target=self._beat_until_closing, name="heart", daemon=True)
        self._heart.start()
        self._eye = threading.Thread(target=self._look_until_closing, name="eye", daemon=True)
        self._eye.start()

    def work(self) -> None:
        """Claims and trains until nothing waits for this device, the leash breaks or the slot is drained.

        A drained slot holds on to its wake-up until the leash breaks, so that Celery gives others
        to its siblings.

        Raises:
            NoTrainer: Trainers don't start here.
        """
        with self._at_work:
            self._work()
        while self._draining and not self._leash.broken:
            time.sleep(LOOK_SECONDS)

    def _work(self) -> None:
        while not self._is_to_stop() and self._trainer_is_warm():
            try:
                claim = self._claim()
            except StoreUnavailable as error:
                logger.warning("claiming nothing: %s", error)
                return
            if claim is None:
                return
            try:
                self._attempt(claim).run()
            finally:
                self._experiment_id = None

    def _attempt(self, claim: Claim) -> Attempt:
        ledger = Ledger(self._database, claim, self._lease_seconds, self._settings.max_attempts)
        progress_seconds = self._settings.progress_seconds
        return Attempt(
            claim,
            self._trainer,
            ledger,
            is_to_stop=self._is_to_stop,
            progress_seconds=progress_seconds,
        )

    def _is_to_stop(self) -> bool:
        return self._draining or self._leash.broken or self._closing.is_set()

    def close(self) -> None:
        """Ends trainer and threads, and takes the slot off the list of workers."""
        self._closing.set()
        self._eye.join(timeout=HAND_BACK_SECONDS)
        self._trainer.kill()
        self._dispatcher.stop()
        self._heart.join(timeout=5)
        try:
            with self._database.write() as tx:
                workers.remove(tx, self._id)
        except StoreUnavailable as error:
            logger.warning("worker %s stays on the list until it is forgotten: %s", self._id, error)
        self._database.dispose()

    def _trainer_is_warm(self) -> bool:
        """Replaces the trainer if need be and waits until there is one to claim for; False where the leash breaks."""
        if not self._trainer.fit:
            self._trainer.kill()
            self._trainer = TrainerProcess(self._threads)
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_to_stop():
            try:
                if self._trainer.is_ready(within=0.2):
                    return True
            except TrainerDied as death:
                raise NoTrainer(f"{death} It said:\n{self._trainer.take_log()}") from death
            if time.monotonic() > deadline:
                self._trainer.kill()
                raise NoTrainer(
                    f"torch was not loaded in {READY_SECONDS:g} s.\n{self._trainer.take_log()}"
                )
        return False

    def _claim(self) -> Claim | None:
        with self._database.write() as tx:
            claim = claims.claim(
                tx, worker_id=self._id, device=self._device, lease_seconds=self._lease_seconds
            )
            experiment_id = claim.experiment_id if claim else None
            with contextlib.suppress(
                NotFound
            ):  # the heart has not registered it yet, and soon will
                self._draining = workers.beat(tx, self._id, experiment_id, self._trainer.pid)
        self._experiment_id = experiment_id  # the heart repeats it, so not before it is committed
        return claim

    def _look_until_closing(self) -> None:
        while not self._closing.wait(self._lease_seconds):
            if not self._at_work.acquire(blocking=False):
                continue
            try:
                if self._something_waits():
                    self._work()
            except Exception as error:  # whatever it is, the next look tries again
                logger.warning(
                    "no work without a wake-up: %s",
                    error,
                    exc_info=not isinstance(error, StoreUnavailable),
                )
            finally:
                self._at_work.release()

    def _something_waits(self) -> bool:
        with self._database.read() as tx:
            return scheduling.waiting_for(tx, self._device, most=1) > 0

    def _beat_until_closing(self) -> None:
        while True:
            try:
                with self._database.write() as tx:
                    self._beat(tx)
            except StoreUnavailable as error:
                logger.warning("no heartbeat: %s", error)
            if self._closing.wait(self._heartbeat_seconds):
                return

    def _beat(self, tx: Connection) -> None:
        experiment_id, trainer_pid = self._experiment_id, self._trainer.pid
        try:
            self._draining = workers.beat(tx, self._id, experiment_id, trainer_pid)
        except NotFound:
            me = WorkerRecord(
                id=self._id,
                host=platform.node(),
                pid=os.getpid(),
                trainer_pid=trainer_pid,
                device=self._device,
                threads=self._threads,
                heartbeat_at=now(tx),
                experiment_id=experiment_id,
                draining=self._draining,
            )
            workers.register(tx, me)
