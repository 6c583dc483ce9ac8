"""A slot: one Celery child process with its trainer, which trains one experiment at a time."""

import contextlib
import logging
import os
import platform
import threading
import time
from pathlib import Path

from sqlalchemy import Connection

from store.db.database import Database, now
from store.errors import NotFound, StoreUnavailable
from store.ids import new_id
from store.queue import claims, scheduling, workers
from store.queue.dispatcher import Dispatcher
from store.records import Claim, WorkerRecord
from store.settings import Settings
from worker.attempt import POLL_SECONDS, Attempt
from worker.recorder import AttemptRecorder
from worker.settings import WorkerSettings
from worker.shutdown import ShutdownPipe
from worker.trainer_process import TrainerDied, TrainerProcess

HEARTBEAT_SECONDS = 2.0
"""Longest interval of heartbeats; a third of the lease if that is shorter."""

HAND_BACK_SECONDS = 8.0
"""Time allowed to hand back a training when the slot ends in the middle of it."""

logger = logging.getLogger(__name__)


def _not_ready(cpu_seconds: float, limit: float, log: str) -> str:
    """The message about a trainer that is stopped before it is ready."""
    return (
        f"The trainer was not ready after {cpu_seconds:.0f} s of CPU; the limit is {limit:g} s of "
        "CPU, or as long without any. It loads PyTorch and compiles a training loop, which is "
        "cached where the package's folder or NUMBA_CACHE_DIR can be written; if that really takes "
        f"so long, raise EXTRAPOLAB_START_SECONDS. Its output:\n{log}"
    )


class NoTrainer(Exception):
    """Trainers don't start on this machine; the message has the output of the last one."""


class Slot:
    """Claims and trains experiments, with three threads beside: heartbeat, dispatcher and poller.

    The poller first waits for the trainer. Then it looks for work once per lease, without a
    wake-up: the worker may have lost its broker or its Celery parent may hang, and no other process
    can notice that.

    Created after the fork. It starts without database and broker, and survives their outages.
    """

    def __init__(
        self,
        shutdown: ShutdownPipe,
        settings: Settings,
        worker_settings: WorkerSettings,
        *,
        slots: int,
    ) -> None:
        """Starts the threads and the trainer, without waiting until it has loaded torch.

        Args:
            shutdown: The pipe from the Celery parent.
            settings: Settings that all processes share.
            worker_settings: Settings of the worker.
            slots: Number of slots that share this machine's cores.
        """
        shutdown.drop_parent_end()
        self._shutdown, self._settings = shutdown, settings
        self._device = worker_settings.device
        self._start_seconds = worker_settings.start_seconds
        self._alive_file: Path | None = None
        if folder := worker_settings.alive_folder:
            self._alive_file = folder / f"slot-{os.getpid()}"
        self._draining = False
        self._lease_seconds = settings.lease_seconds
        self._heartbeat_seconds = min(HEARTBEAT_SECONDS, self._lease_seconds / 3)
        self._id = new_id("worker")
        self._threads = worker_settings.threads_per_trainer(slots)
        self._trainer = TrainerProcess(self._threads)
        self._experiment_id: str | None = None
        self._database = Database(settings.database_url)
        self._dispatcher = Dispatcher(self._database, settings)
        self._dispatcher.start()
        self._work_lock = threading.Lock()
        self._closing = threading.Event()
        self._heartbeat = threading.Thread(
            target=self._send_heartbeats, name="heartbeat", daemon=True
        )
        self._heartbeat.start()
        self._poller = threading.Thread(target=self._poll_for_work, name="poller", daemon=True)
        self._poller.start()

    def work(self) -> None:
        """Claims and trains until nothing waits for this device, or the slot stops or is drained.

        A drained slot keeps its wake-up until the worker stops, so that Celery gives others to the
        other slots.

        Raises:
            NoTrainer: Trainers don't start here.
        """
        with self._work_lock:
            self._work()
        while self._draining and not self._shutdown.stop_requested:
            time.sleep(POLL_SECONDS)

    def _work(self) -> None:
        while not self._should_stop() and self._ensure_trainer():
            try:
                claim = self._claim()
            except StoreUnavailable as error:
                logger.warning("cannot claim: %s", error)
                return
            if claim is None:
                return
            try:
                self._attempt(claim).run()
            finally:
                self._experiment_id = None

    def _attempt(self, claim: Claim) -> Attempt:
        recorder = AttemptRecorder(
            self._database, claim, self._lease_seconds, self._settings.max_attempts
        )
        return Attempt(
            claim,
            self._trainer,
            recorder,
            should_stop=self._should_stop,
            progress_seconds=self._settings.progress_seconds,
        )

    def _should_stop(self) -> bool:
        return self._draining or self._shutdown.stop_requested or self._closing.is_set()

    def close(self) -> None:
        """Ends trainer and threads, and removes the slot from the list of workers."""
        self._closing.set()
        self._poller.join(timeout=HAND_BACK_SECONDS)
        self._trainer.kill()
        self._dispatcher.stop()
        self._heartbeat.join(timeout=5)
        if self._alive_file is not None:
            self._alive_file.unlink(missing_ok=True)
        try:
            with self._database.write() as tx:
                workers.remove(tx, self._id)
        except StoreUnavailable as error:
            logger.warning("worker %s stays listed until it expires: %s", self._id, error)
        self._database.dispose()

    def _ensure_trainer(self) -> bool:
        """Waits for a trainer, starting one if need be; returns False if the slot should stop."""
        if not self._trainer.reusable:
            self._trainer.kill()
            self._trainer = TrainerProcess(self._threads)
        limit, used, used_at = self._start_seconds, 0.0, time.monotonic()
        while not self._should_stop():
            try:
                if self._trainer.is_ready(within=0.2):
                    return True
            except TrainerDied as death:
                raise NoTrainer(f"{death} Its output:\n{self._trainer.take_log()}") from death
            if (cpu := self._trainer.cpu_seconds()) > used:
                used, used_at = cpu, time.monotonic()
            if used > limit or time.monotonic() - used_at > limit:
                self._trainer.kill()
                raise NoTrainer(_not_ready(used, limit, self._trainer.take_log()))
        return False

    def _claim(self) -> Claim | None:
        with self._database.write() as tx:
            claim = claims.claim(
                tx, worker_id=self._id, device=self._device, lease_seconds=self._lease_seconds
            )
            experiment_id = claim.experiment_id if claim else None
            with contextlib.suppress(NotFound):  # the heartbeat registers the slot soon
                self._beat(tx, experiment_id)
        self._experiment_id = experiment_id  # sent by the heartbeat, so only once it is committed
        return claim

    def _poll_for_work(self) -> None:
        pause = 0.0  # the trainer gets ready before there is work
        while not self._closing.wait(pause):
            pause = self._lease_seconds
            if not self._work_lock.acquire(blocking=False):
                continue
            try:
                if self._ensure_trainer() and self._has_work():
                    self._work()
            except Exception as error:  # the next poll tries again
                logger.warning(
                    "polling for work failed: %s",
                    error,
                    exc_info=not isinstance(error, StoreUnavailable),
                )
            finally:
                self._work_lock.release()

    def _has_work(self) -> bool:
        with self._database.read() as tx:
            return scheduling.count_waiting(tx, self._device, limit=1) > 0

    def _send_heartbeats(self) -> None:
        while True:
            try:
                with self._database.write() as tx:
                    self._send_heartbeat(tx)
                self._mark_alive()
            except (StoreUnavailable, OSError) as error:
                logger.warning("heartbeat failed: %s", error)
            if self._closing.wait(self._heartbeat_seconds):
                return

    def _mark_alive(self) -> None:
        if self._alive_file is not None and self._trainer.is_warm:
            self._alive_file.parent.mkdir(parents=True, exist_ok=True)
            self._alive_file.touch()

    def _send_heartbeat(self, tx: Connection) -> None:
        experiment_id = self._experiment_id
        try:
            self._beat(tx, experiment_id)
        except NotFound:
            record = WorkerRecord(
                id=self._id,
                host=platform.node(),
                pid=os.getpid(),
                trainer_pid=self._trainer.pid,
                device=self._device,
                threads=self._threads,
                heartbeat_at=now(tx),
                experiment_id=experiment_id,
                draining=self._draining,
            )
            workers.register(tx, record)

    def _beat(self, tx: Connection, experiment_id: str | None) -> None:
        trainer = self._trainer
        self._draining = workers.heartbeat(
            tx,
            self._id,
            experiment_id,
            trainer.pid,
            memory_mb=trainer.memory_mb() or None,
            peak_memory_mb=trainer.peak_mb or None,
        )
