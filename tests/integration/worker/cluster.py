"""A real database and broker, with real ``celery worker`` processes for tests to disturb."""

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
WAIT_SECONDS = 90.0


def wait_for(condition: Callable[[], object], *, seconds: float = WAIT_SECONDS):
    """Polls ``condition`` until its value is true; returns the value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out after {seconds} s"
        time.sleep(0.01)
    return value


def has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended, reaped or not."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


class Worker:
    """A ``celery worker`` with its slots and trainers."""

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
        options = [
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
                [*command, *options], env=environment, stdout=output, stderr=output
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def processes(self) -> list[psutil.Process]:
        """The Celery parent, its slots, and their trainers."""
        return [self.process, *self.process.children(recursive=True)]

    def kill(self) -> None:
        if self.process.is_running():
            processes = self.processes
            for process in processes:
                process.kill()
            self.process.wait()
            wait_for(lambda: all(map(has_ended, processes)))

    def suspend(self) -> None:
        for process in self.processes:
            process.suspend()

    def resume(self) -> None:
        for process in self.processes:
            process.resume()


class Job:
    """A submitted experiment, read from SQL."""

    def __init__(self, database: Database, id: str) -> None:  # noqa: A002  # as in the store
        self.id, self._database = id, database

    def _read(self, query: Callable, *arguments):
        with self._database.read() as tx:
            return query(tx, self.id, *arguments)

    @property
    def experiment(self) -> Experiment:
        return self._read(experiments.get)

    @property
    def result(self) -> ExperimentResult:
        return self._read(results.result)

    @property
    def series(self) -> dict[str, np.ndarray]:
        return self._read(results.series, self.experiment.spec.evaluation.record)

    @property
    def log(self) -> str:
        return "".join(log.text for log in self._read(experiments.logs))

    @property
    def events(self) -> list[tuple[str, int]]:
        return [(event.kind.value, event.attempt) for event in self._read(experiments.events)]

    @property
    def start_steps(self) -> list[int]:
        """The step that each attempt started from."""
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
        """The slots that are registered as working on it."""
        return [slot for slot in worker_slots(self._database) if slot.experiment_id == self.id]

    @property
    def slot(self) -> WorkerRecord:
        """Waits for a slot to work on it."""
        return wait_for(lambda: self.slots)[0]

    @property
    def trainer(self) -> psutil.Process:
        return psutil.Process(self.slot.trainer_pid)

    def cancel(self) -> None:
        self.change(experiments.request_cancel)

    def change(self, action: Callable[[Connection, str], object]) -> None:
        with self._database.write() as tx:
            action(tx, self.id)

    def wait_for_steps(self, *, attempt: int = 1) -> "Job":
        """Waits for the first steps of an attempt."""
        wait_for(
            lambda: (
                (e := self.experiment).attempts == attempt
                and e.progress
                and e.progress.steps_per_second
            )
        )
        return self

    @property
    def checkpoint_step(self) -> int | None:
        """The step of its newest checkpoint."""
        newest = select(func.max(tables.checkpoints.c.step)).where(
            tables.checkpoints.c.experiment_id == self.id
        )
        return self._read(lambda tx, _: tx.scalar(newest))

    def wait_for_checkpoint(self) -> "Job":
        """Waits for its first checkpoint."""
        wait_for(lambda: self.checkpoint_step)
        return self

    def wait_for_end(self) -> Experiment:
        return wait_for(lambda: (e := self.experiment).state.is_final and e)


def worker_slots(database: Database) -> list[WorkerRecord]:
    """All registered slots."""
    with database.read() as tx:
        return workers.listing(tx)


class Cluster:
    """A database and a broker, with workers that tests start."""

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

    def start_worker(self, *, slots: int = 1, queue: str = "cpu", **environment: str) -> Worker:
        """Starts a worker, without waiting until it is ready."""
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
        """Whether there are slots, all of them idle."""
        slots = worker_slots(self.database)
        return bool(slots) and all(slot.experiment_id is None for slot in slots)

    def stop_workers(self) -> None:
        """Kills all workers."""
        for worker in self._workers:
            worker.kill()

    def close(self) -> None:
        self.stop_workers()
        self.database.dispose()
