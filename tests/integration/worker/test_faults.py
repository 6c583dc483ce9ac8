"""Whole workers that are killed, told to stop or frozen in mid-training, and others that go on."""

import re
import time
from pathlib import Path

import psutil
import pytest

from store.queue import workers
from store.records import WorkerRecord
from tests.integration.worker.conftest import LONG
from tests.integration.worker.workplace import LEASE_SECONDS, gone, listing, until
from tests.kit import sample_specs

SABOTAGE = Path(__file__).parents[2] / "kit/sabotage"
ON_SQLITE = pytest.mark.parametrize("workplace", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("workplace", ["postgresql"], indirect=True)

DISK_FULL = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$;
    CREATE CONSTRAINT TRIGGER full_disk AFTER UPDATE ON experiments DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION full_disk();
"""
"""Makes PostgreSQL accept a claim and refuse its COMMIT."""


@pytest.fixture(autouse=True)
def _dismissal(workplace):
    """Every test hires its own workers."""
    yield
    workplace.dismiss()


def handed_back(stopped):
    """What is told of a job that was stopped in mid-training; one that was quicker than the signal is tried again."""
    return until(lambda: (told := stopped())[0].now.state == "queued" and told)


@ON_SQLITE
def test_a_killed_worker_is_replaced_by_another_that_goes_on_from_the_checkpoint(
    workplace, assert_same
):
    worker = workplace.hire()
    job = workplace.submit(LONG).until_saved()
    everybody = worker.everybody
    assert len(everybody) == 3, "the Celery parent, its slot and its trainer"
    worker.process.kill()
    until(lambda: all(map(gone, everybody)), seconds=1)
    workplace.hire()
    assert job.until_ended().attempts == 2
    assert job.began_at[1] > 0
    assert_same(job)


@ON_POSTGRESQL
def test_a_worker_that_is_told_to_stop_hands_its_training_back(workplace, assert_same):
    def stopped():
        worker = workplace.hire(EXTRAPOLAB_CHECKPOINT_SECONDS="60")
        job = workplace.submit(LONG).until_saved()
        saved_at = job.saved_at
        worker.process.terminate()
        assert worker.process.wait(10) == 0
        return job, saved_at

    job, saved_at = handed_back(stopped)
    assert job.events[1:] == [("started", 1), ("handed_back", 1)]
    assert listing(workplace.database) == []
    workplace.hire()
    assert job.until_ended().attempts == 2
    assert job.began_at[1] > saved_at, "it was saved where it was"
    assert_same(job)


@ON_SQLITE
def test_a_worker_that_receives_no_wake_ups_works_all_the_same(workplace, assert_same):
    def stopped():
        worker = workplace.hire()
        until(workplace.slots_are_idle)
        worker.process.suspend()  # the Celery parent alone, as one that hangs over its connection
        job = workplace.submit(LONG).until_saved()
        worker.process.resume()
        worker.process.terminate()
        assert worker.process.wait(60) == 0
        return (job,)

    (job,) = handed_back(stopped)
    assert job.events[1:] == [("started", 1), ("handed_back", 1)]
    workplace.hire()
    assert job.until_ended().attempts == 2
    assert_same(job)


@ON_SQLITE
def test_a_drained_slot_hands_back_and_claims_no_more_while_its_sibling_goes_on(
    workplace, assert_same
):
    worker = workplace.hire(slots=2)
    job = workplace.submit(LONG).until_saved()
    drained = job.slot.id
    with workplace.database.write() as tx:
        assert workers.drain(tx, drained).draining
    until(lambda: job.now.attempts == 2)
    assert job.events[1:3] == [("started", 1), ("handed_back", 1)]
    assert job.began_at[1] > 0
    until(lambda: job.slot.id != drained)  # its row says so with its next beat
    others = [workplace.submit(sample_specs.spec()) for _ in range(3)]
    assert {other.until_ended().state for other in others} == {"completed"}
    assert job.until_ended().state == "completed"
    assert_same(job)
    idle = next(slot for slot in listing(workplace.database) if slot.id == drained)
    assert (idle.draining, idle.experiment_id) == (True, None)
    assert all(drained not in other.workers for other in others)
    worker.process.terminate()
    assert worker.process.wait(10) == 0, "a drained slot lets its worker go"


@ON_SQLITE
def test_a_trainer_that_hangs_is_replaced_though_its_slot_is_well(workplace, assert_same):
    workplace.hire(EXTRAPOLAB_PROGRESS_SECONDS="3")
    job = workplace.submit(LONG).until_saved()
    trainer = job.trainer
    trainer.suspend()  # as one that hangs inside a library
    until(lambda: gone(trainer))
    assert job.until_ended().state == "completed"
    assert job.events[1:4] == [("started", 1), ("attempt_failed", 1), ("started", 2)]
    assert job.began_at[1] > 0
    assert_same(job)


@ON_SQLITE
def test_a_training_that_outlasts_its_lease_keeps_it(workplace):
    workplace.hire()
    job = workplace.submit(
        sample_specs.spec(optimizer={"kind": "gd", "steps": 10**9})
    ).until_trained()
    until(lambda: time.time() > job.now.started_at + 3 * LEASE_SECONDS)
    assert (job.now.state, job.now.attempts) == ("running", 1)
    job.cancel()
    assert job.until_ended().attempts == 1


@ON_POSTGRESQL
def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(workplace, assert_same):
    zombie = workplace.hire()
    job = workplace.submit(LONG).until_saved()
    trainer = job.trainer
    zombie.freeze()
    workplace.hire()
    job.until_trained(attempt=2)
    zombie.thaw()
    until(
        lambda: f"experiment={job.id} attempt=1 worker.attempt: dropping the attempt" in zombie.said
    )
    until(lambda: gone(trainer))
    assert job.until_ended().state == "completed"
    assert job.events == [
        ("submitted", 0),
        ("started", 1),
        ("lease_expired", 1),
        ("started", 2),
        ("completed", 2),
    ]
    assert_same(job)


@ON_POSTGRESQL
def test_a_slot_whose_claim_was_not_committed_is_idle_and_is_woken_again(workplace):
    worker = workplace.hire(EXTRAPOLAB_LEASE_SECONDS="0.9")

    def own() -> list[WorkerRecord]:  # not the rows of a worker that an earlier test left behind
        pids = {child.pid for child in psutil.Process(worker.process.pid).children()}
        return [row for row in listing(workplace.database) if row.pid in pids]

    (slot,) = until(own)
    with workplace.database.write() as tx:
        tx.exec_driver_sql(DISK_FULL)
    job = workplace.submit(sample_specs.spec())
    until(lambda: "cannot claim" in worker.said)
    for _ in range(3):  # the heart has written what the slot works on
        beaten_at = own()[0].heartbeat_at
        until(lambda: own()[0].heartbeat_at > beaten_at, seconds=10)  # noqa: B023  # asked at once
    assert [(now.id, now.experiment_id) for now in own()] == [(slot.id, None)]
    with workplace.database.write() as tx:
        tx.exec_driver_sql("DROP FUNCTION full_disk CASCADE")
    assert job.until_ended().state == "completed"


@ON_SQLITE
def test_an_experiment_that_kills_every_trainer_fails_and_holds_up_nobody(workplace):
    poison = {"EXTRAPOLAB_TEST_SABOTAGE": "poison", "PYTHONPATH": str(SABOTAGE)}
    workplace.hire(EXTRAPOLAB_MAX_ATTEMPTS="2", **poison)
    job, other = (
        workplace.submit(sample_specs.spec(seeds=[13])),
        workplace.submit(sample_specs.spec()),
    )
    failed = job.until_ended()
    assert (failed.state, failed.failure.kind, failed.attempts) == ("failed", "worker_lost", 2)
    assert job.events[1:] == [("started", 1), ("lease_expired", 1), ("started", 2), ("failed", 2)]
    assert "was killed by SIGKILL" in job.log
    assert other.until_ended().state == "completed"


@ON_SQLITE
def test_a_checkpoint_that_is_too_large_fails_the_experiment_with_what_to_do(workplace):
    workplace.hire(EXTRAPOLAB_TEST_SABOTAGE="narrow", PYTHONPATH=str(SABOTAGE))
    job, other = workplace.submit(LONG), workplace.submit(sample_specs.spec())
    failed = job.until_ended()
    assert (failed.state, failed.failure.kind, failed.attempts) == ("failed", "user", 1)
    assert re.fullmatch(
        r"A checkpoint of this experiment takes 0\.\d MB; the limit is 0\.02 MB\. Try .*",
        failed.failure.message,
    )
    assert other.until_ended().state == "completed"


@ON_SQLITE
def test_a_gpu_worker_without_a_gpu_claims_nothing_and_says_so(workplace):
    worker = workplace.hire(queue="gpu", EXTRAPOLAB_DEVICE="cuda", CUDA_VISIBLE_DEVICES="")
    job = workplace.submit(sample_specs.spec())
    until(lambda: "This machine has no CUDA device" in worker.said)
    assert job.now.state == "queued"


@ON_SQLITE
def test_a_worker_refuses_a_database_without_tables(workplace, tmp_path):
    worker = workplace.hire(EXTRAPOLAB_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert worker.process.wait(20) == 1
    assert "run 'extrapolab migrate'" in worker.said
