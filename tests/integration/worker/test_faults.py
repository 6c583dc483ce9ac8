"""Workers that are killed, stopped or suspended during training, and others that take over."""

import re
import time
from pathlib import Path

import psutil
import pytest

from store.queue import workers
from store.records import WorkerRecord
from tests.integration.worker.cluster import LEASE_SECONDS, has_ended, wait_for, worker_slots
from tests.integration.worker.conftest import LONG
from tests.kit import sample_specs

SABOTAGE = Path(__file__).parents[2] / "kit/sabotage"
ON_SQLITE = pytest.mark.parametrize("cluster", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("cluster", ["postgresql"], indirect=True)

DISK_FULL = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$;
    CREATE CONSTRAINT TRIGGER full_disk AFTER UPDATE ON experiments DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION full_disk();
"""
"""Lets PostgreSQL accept a claim and fail its COMMIT."""


@pytest.fixture(autouse=True)
def _stop_workers(cluster):
    """Each test starts its own workers."""
    yield
    cluster.stop_workers()


def until_handed_back(stop_worker):
    """Repeats ``stop_worker`` until its job was still training; returns its values, job first."""
    return wait_for(lambda: (values := stop_worker())[0].experiment.state == "queued" and values)


@ON_SQLITE
def test_another_worker_resumes_the_training_of_a_killed_one(cluster, assert_same):
    worker = cluster.start_worker()
    job = cluster.submit(LONG).wait_for_checkpoint()
    processes = worker.processes
    assert len(processes) == 3, "the Celery parent, its slot and its trainer"
    worker.process.kill()
    wait_for(lambda: all(map(has_ended, processes)), seconds=1)
    cluster.start_worker()
    assert job.wait_for_end().attempts == 2
    assert job.start_steps[1] > 0
    assert_same(job)


@ON_POSTGRESQL
def test_a_stopped_worker_hands_its_training_back(cluster, assert_same):
    def stop_worker():
        worker = cluster.start_worker(EXTRAPOLAB_CHECKPOINT_SECONDS="60")
        job = cluster.submit(LONG).wait_for_checkpoint()
        checkpoint_step = job.checkpoint_step
        worker.process.terminate()
        assert worker.process.wait(10) == 0
        return job, checkpoint_step

    job, checkpoint_step = until_handed_back(stop_worker)
    assert job.events[1:] == [("started", 1), ("handed_back", 1)]
    assert worker_slots(cluster.database) == []
    cluster.start_worker()
    assert job.wait_for_end().attempts == 2
    assert job.start_steps[1] > checkpoint_step, "a last checkpoint was saved"
    assert_same(job)


@ON_SQLITE
def test_a_worker_that_receives_no_wake_ups_polls_for_work(cluster, assert_same):
    def stop_worker():
        worker = cluster.start_worker()
        wait_for(cluster.slots_are_idle)
        worker.process.suspend()  # only the Celery parent, as if it hung
        job = cluster.submit(LONG).wait_for_checkpoint()
        worker.process.resume()
        worker.process.terminate()
        assert worker.process.wait(60) == 0
        return (job,)

    (job,) = until_handed_back(stop_worker)
    assert job.events[1:] == [("started", 1), ("handed_back", 1)]
    cluster.start_worker()
    assert job.wait_for_end().attempts == 2
    assert_same(job)


@ON_SQLITE
def test_a_drained_slot_hands_back_its_work_while_the_other_slot_continues(cluster, assert_same):
    worker = cluster.start_worker(slots=2)
    job = cluster.submit(LONG).wait_for_checkpoint()
    drained = job.slot.id
    with cluster.database.write() as tx:
        assert workers.drain(tx, drained).draining
    wait_for(lambda: job.experiment.attempts == 2)
    assert job.events[1:3] == [("started", 1), ("handed_back", 1)]
    assert job.start_steps[1] > 0
    wait_for(lambda: job.slot.id != drained)  # updated by its next heartbeat
    others = [cluster.submit(sample_specs.spec()) for _ in range(3)]
    assert {other.wait_for_end().state for other in others} == {"completed"}
    assert job.wait_for_end().state == "completed"
    assert_same(job)
    idle = next(slot for slot in worker_slots(cluster.database) if slot.id == drained)
    assert (idle.draining, idle.experiment_id) == (True, None)
    assert all(drained not in other.workers for other in others)
    worker.process.terminate()
    assert worker.process.wait(10) == 0, "a drained slot doesn't block the shutdown"


@ON_SQLITE
def test_a_hung_trainer_is_replaced(cluster, assert_same):
    cluster.start_worker(EXTRAPOLAB_PROGRESS_SECONDS="3")
    job = cluster.submit(LONG).wait_for_checkpoint()
    trainer = job.trainer
    trainer.suspend()  # as if it hung in a library
    wait_for(lambda: has_ended(trainer))
    assert job.wait_for_end().state == "completed"
    assert job.events[1:4] == [("started", 1), ("attempt_failed", 1), ("started", 2)]
    assert job.start_steps[1] > 0
    assert_same(job)


@ON_SQLITE
def test_a_training_that_outlasts_its_lease_keeps_its_claim(cluster):
    cluster.start_worker()
    job = cluster.submit(
        sample_specs.spec(optimizer={"kind": "gd", "steps": 10**9})
    ).wait_for_steps()
    wait_for(lambda: time.time() > job.experiment.started_at + 3 * LEASE_SECONDS)
    assert (job.experiment.state, job.experiment.attempts) == ("running", 1)
    job.cancel()
    assert job.wait_for_end().attempts == 1


@ON_POSTGRESQL
def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(cluster, assert_same):
    zombie = cluster.start_worker()
    job = cluster.submit(LONG).wait_for_checkpoint()
    trainer = job.trainer
    zombie.suspend()
    cluster.start_worker()
    job.wait_for_steps(attempt=2)
    zombie.resume()
    wait_for(
        lambda: f"experiment={job.id} attempt=1 worker.attempt: dropping the attempt" in zombie.log
    )
    wait_for(lambda: has_ended(trainer))
    assert job.wait_for_end().state == "completed"
    assert job.events == [
        ("submitted", 0),
        ("started", 1),
        ("lease_expired", 1),
        ("started", 2),
        ("completed", 2),
    ]
    assert_same(job)


@ON_POSTGRESQL
def test_a_slot_whose_claim_was_not_committed_stays_idle_and_is_woken_again(cluster):
    worker = cluster.start_worker(EXTRAPOLAB_LEASE_SECONDS="0.9")

    def slots() -> list[WorkerRecord]:  # without the rows of workers of earlier tests
        pids = {child.pid for child in psutil.Process(worker.process.pid).children()}
        return [row for row in worker_slots(cluster.database) if row.pid in pids]

    (slot,) = wait_for(slots)
    with cluster.database.write() as tx:
        tx.exec_driver_sql(DISK_FULL)
    job = cluster.submit(sample_specs.spec())
    wait_for(lambda: "cannot claim" in worker.log)
    for _ in range(3):  # its heartbeats have updated its row
        heartbeat_at = slots()[0].heartbeat_at
        wait_for(lambda: slots()[0].heartbeat_at > heartbeat_at, seconds=10)  # noqa: B023  # called at once
    assert [(row.id, row.experiment_id) for row in slots()] == [(slot.id, None)]
    with cluster.database.write() as tx:
        tx.exec_driver_sql("DROP FUNCTION full_disk CASCADE")
    assert job.wait_for_end().state == "completed"


@ON_SQLITE
def test_an_experiment_that_kills_every_trainer_fails_and_blocks_no_other(cluster):
    poison = {"EXTRAPOLAB_TEST_SABOTAGE": "poison", "PYTHONPATH": str(SABOTAGE)}
    cluster.start_worker(EXTRAPOLAB_MAX_ATTEMPTS="2", **poison)
    job, other = (
        cluster.submit(sample_specs.spec(seeds=[13])),
        cluster.submit(sample_specs.spec()),
    )
    failed = job.wait_for_end()
    assert (failed.state, failed.failure.kind, failed.attempts) == ("failed", "worker_lost", 2)
    assert job.events[1:] == [("started", 1), ("lease_expired", 1), ("started", 2), ("failed", 2)]
    assert "was killed by SIGKILL" in job.log
    assert other.wait_for_end().state == "completed"


@ON_SQLITE
def test_a_checkpoint_above_the_limit_fails_the_experiment_with_a_remedy(cluster):
    cluster.start_worker(EXTRAPOLAB_TEST_SABOTAGE="narrow", PYTHONPATH=str(SABOTAGE))
    job, other = cluster.submit(LONG), cluster.submit(sample_specs.spec())
    failed = job.wait_for_end()
    assert (failed.state, failed.failure.kind, failed.attempts) == ("failed", "user", 1)
    assert re.fullmatch(
        r"A checkpoint of this experiment takes 0\.\d MB; the limit is 0\.02 MB\. Try .*",
        failed.failure.message,
    )
    assert other.wait_for_end().state == "completed"


@ON_SQLITE
def test_a_gpu_worker_without_a_gpu_claims_nothing_and_logs_why(cluster):
    worker = cluster.start_worker(queue="gpu", EXTRAPOLAB_DEVICE="cuda", CUDA_VISIBLE_DEVICES="")
    job = cluster.submit(sample_specs.spec())
    wait_for(lambda: "This machine has no CUDA device" in worker.log)
    assert job.experiment.state == "queued"


@ON_SQLITE
def test_a_worker_refuses_a_database_without_tables(cluster, tmp_path):
    worker = cluster.start_worker(EXTRAPOLAB_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert worker.process.wait(20) == 1
    assert "run 'extrapolab migrate'" in worker.log
