"""A workplace: a real database and broker, and real ``celery worker`` processes that a test starts and does harm to."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import Connection, func, select

from core.result import ExperimentResult
from core.spec import ExperimentSpec
from store.db import tables
from store.db.database import Database
from store.experiments import repository as experiments
from store.experiments import results, submission
from store.experiments.draft import Draft, Options
from store.queue import workers
from store.records import Experiment, WorkerRecord
from tests.kit.redis import RedisServer

LEASE_SECONDS = 2.0
PATIENCE_SECONDS = 90.0


def until(answer: Callable[[], object], *, seconds: float = PATIENCE_SECONDS):
    """The first answer that is true, asked for again and again."""
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline, f"nothing in {seconds} s"
        time.sleep(0.01)
    return found


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, be it that nobody has buried it yet."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


class Worker:
    """One ``celery worker`` and what belongs to it."""

    def __init__(self, environment: dict[str, str], log: Path, slots: int, queue: str) -> None:
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "worker.app",
            "worker",
            "-c",
            str(slots),
            "-Q",
            queue,
        ]
        quiet = [
            "-l",
            "INFO",
            "-n",
            f"{log.stem}@%h",
            "--without-mingle",
            "--without-gossip",
            "--without-heartbeat",
        ]
        self._log = log
        with log.open("w") as output:
            self.process = psutil.Popen(
                [*command, *quiet], env=environment, stdout=output, stderr=output
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def everybody(self) -> list[psutil.Process]:
        """The Celery parent, its slots, and their trainers."""
        return [self.process, *self.process.children(recursive=True)]

    def end(self) -> None:
        if self.process.is_running():
            everybody = self.everybody
            for process in everybody:
                process.kill()
            self.process.wait()
            until(lambda: all(map(gone, everybody)))

    def freeze(self) -> None:
        for process in self.everybody:
            process.suspend()

    def thaw(self) -> None:
        for process in self.everybody:
            process.resume()


class Job:
    """A submitted experiment, as SQL knows it."""

    def __init__(self, database: Database, id: str) -> None:  # noqa: A002  # the store's word
        self.id, self._database = id, database

    def _read(self, look: Callable, *rest):
        with self._database.read() as tx:
            return look(tx, self.id, *rest)

    @property
    def now(self) -> Experiment:
        return self._read(experiments.get)

    @property
    def result(self) -> ExperimentResult:
        return self._read(results.result)

    @property
    def series(self) -> dict[str, np.ndarray]:
        return self._read(results.series, self.now.spec.evaluation.record)

    @property
    def log(self) -> str:
        return "".join(log.text for log in self._read(experiments.logs))

    @property
    def events(self) -> list[tuple[str, int]]:
        return [(event.kind.value, event.attempt) for event in self._read(experiments.events)]

    @property
    def began_at(self) -> list[int]:
        """The step that each attempt went on from."""
        return [
            event.detail["from_step"]
            for event in self._read(experiments.events)
            if event.kind == "started"
        ]

    @property
    def workers(self) -> list[str]:
        """The slot of each attempt."""
        return [
            event.detail["worker"]
            for event in self._read(experiments.events)
            if event.kind == "started"
        ]

    @property
    def slots(self) -> list[WorkerRecord]:
        """The slots that say that they work on it."""
        return [slot for slot in listing(self._database) if slot.experiment_id == self.id]

    @property
    def slot(self) -> WorkerRecord:
        """The slot that works on it, once one does."""
        return until(lambda: self.slots)[0]

    @property
    def trainer(self) -> psutil.Process:
        return psutil.Process(self.slot.trainer_pid)

    def cancel(self) -> None:
        self.do(experiments.request_cancel)

    def do(self, verb: Callable[[Connection, str], object]) -> None:
        with self._database.write() as tx:
            verb(tx, self.id)

    def until_trained(self, *, attempt: int = 1) -> "Job":
        """Waits for the first steps of an attempt."""
        until(
            lambda: (
                (e := self.now).attempts == attempt and e.progress and e.progress.steps_per_second
            )
        )
        return self

    @property
    def saved_at(self) -> int | None:
        """The step of its newest checkpoint."""
        newest = select(func.max(tables.checkpoints.c.step)).where(
            tables.checkpoints.c.experiment_id == self.id
        )
        return self._read(lambda tx, _: tx.scalar(newest))

    def until_saved(self) -> "Job":
        """Waits for a checkpoint in mid-training."""
        until(lambda: self.saved_at)
        return self

    def until_ended(self) -> Experiment:
        return until(lambda: (e := self.now).state.is_final and e)


def listing(database: Database) -> list[WorkerRecord]:
    """All slots."""
    with database.read() as tx:
        return workers.listing(tx)


class Workplace:
    """Where experiments are submitted and workers are hired."""

    def __init__(self, url: str, redis: RedisServer, folder: Path) -> None:
        self.database, self.redis, self._folder, self._workers = Database(url), redis, folder, []
        self._environment = os.environ | {
            "EXTRAPOLAB_DATABASE_URL": url,
            "EXTRAPOLAB_BROKER_URL": redis.url,
            "EXTRAPOLAB_LEASE_SECONDS": str(LEASE_SECONDS),
            "EXTRAPOLAB_REAPER_SECONDS": "0.2",
            "EXTRAPOLAB_CHECKPOINT_SECONDS": "0.1",
            "EXTRAPOLAB_THREADS": "1",
        }

    def hire(self, *, slots: int = 1, queue: str = "cpu", **environment: str) -> Worker:
        """Starts a worker; it takes a moment until it works."""
        log = self._folder / f"worker{len(self._workers)}.log"
        worker = Worker(self._environment | environment, log, slots, queue)
        self._workers.append(worker)
        return worker

    def submit(self, spec: ExperimentSpec, **options) -> Job:
        with self.database.write() as tx:
            submitted = submission.submit_one(
                tx,
                Draft.from_spec(spec),
                owner="ada",
                options=Options(**options),
                warnings=(),
                rerun=True,
            )
        return Job(self.database, submitted.id)

    def slots_are_idle(self) -> bool:
        """Whether there are slots, and none of them works."""
        slots = listing(self.database)
        return bool(slots) and all(slot.experiment_id is None for slot in slots)

    def dismiss(self) -> None:
        """Ends all workers."""
        for worker in self._workers:
            worker.end()

    def close(self) -> None:
        self.dismiss()
        self.database.dispose()
