"""The path of an experiment through a worker with one slot, shared by the tests of this module."""

import contextlib
import random
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.run import run
from store.errors import IllegalMove
from store.experiments import repository as experiments
from store.queue import claims, reports
from store.records import Failure, FailureKind, Progress
from tests.integration.worker.cluster import Worker, has_ended, wait_for
from tests.integration.worker.conftest import LONG
from tests.kit import sample_specs

ENDLESS = sample_specs.spec(optimizer={"kind": "gd", "steps": 10**9})
ON_SQLITE = pytest.mark.parametrize("cluster", ["sqlite"], indirect=True)


@pytest.fixture(scope="module", autouse=True)
def worker(cluster) -> Worker:
    return cluster.start_worker(EXTRAPOLAB_MAX_ATTEMPTS="2")


def test_an_experiment_completes_with_the_right_numbers(cluster):
    spec = sample_specs.spec(seeds=[3, 2**63 - 1])
    job = cluster.submit(spec)
    experiment = job.wait_for_end()
    assert (experiment.state, experiment.failure) == ("completed", None)
    expected, result = run(spec), job.result
    assert [r.seed for r in result.runs] == [3, 2**63 - 1]
    np.testing.assert_allclose(
        [r.response for r in result.runs], [r.response for r in expected.runs], rtol=1e-9
    )
    assert [(r.outcome, r.steps) for r in experiment.runs] == [
        (r.outcome, r.steps) for r in expected.runs
    ]
    assert job.series["step"].tolist() == [*range(101), *range(101)]
    assert [r.summary.keys() for r in experiment.runs] == [r.summary.keys() for r in expected.runs]
    assert job.events == [("submitted", 0), ("started", 1), ("completed", 1)]
    assert "training on cpu from step 0 of 100" in job.log
    provenance = experiment.provenance
    assert (provenance["device"], provenance["dtype"], provenance["threads"]) == (
        "cpu",
        "float64",
        "1",
    )
    assert all(
        provenance[name]
        for name in (
            "extrapolab",
            "results_version",
            "python",
            "torch",
            "numpy",
            "training",
            "host",
            "cpu",
        )
    )


def test_a_warm_start_continues_the_training_exactly(cluster):
    student = {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": 0.3}}
    evaluation = {"horizon": 8, "record": ["response"]}
    single = cluster.submit(
        sample_specs.spec(student=student, optimizer={"kind": "gd", "steps": 200})
    )
    first = cluster.submit(sample_specs.spec(student=student, evaluation=evaluation))
    single.wait_for_end()
    first.wait_for_end()
    warm_started = {**student, "start": {"kind": "from_experiment", "id": first.id}}
    second = cluster.submit(sample_specs.spec(student=warm_started, evaluation=evaluation))
    assert second.wait_for_end().failure is None
    single_runs, continued_runs = single.result.runs, second.result.runs
    assert [run.parameters for run in continued_runs] == [run.parameters for run in single_runs]
    assert [run.parameters for run in first.result.runs] != [run.parameters for run in single_runs]
    np.testing.assert_array_equal(
        second.series["response"][0].ravel(), first.result.runs[0].response
    )


def test_all_seeds_can_start_from_one_seed_of_another_experiment(cluster):
    first = cluster.submit(sample_specs.spec())
    first.wait_for_end()
    warm_started = {
        "kind": "linear",
        "dim": 3,
        "start": {"kind": "from_experiment", "id": first.id, "seed": 1},
    }
    job = cluster.submit(sample_specs.spec(student=warm_started, seeds=[5, 6]))
    assert job.wait_for_end().failure is None
    runs = job.result.runs
    assert runs[0].parameters == runs[1].parameters != first.result.runs[1].parameters


def test_experiments_of_a_slot_share_one_trainer(cluster, worker):
    trainers = set()
    for _ in range(3):
        assert cluster.submit(sample_specs.spec()).wait_for_end().state == "completed"
        trainers.add(worker.processes[-1])
    assert len(trainers) == 1


@ON_SQLITE
def test_only_the_trainer_loads_torch(cluster, worker):
    job = cluster.submit(ENDLESS).wait_for_steps()
    parent, slot, trainer = worker.process.pid, job.slot.pid, job.slot.trainer_pid
    loads_torch = [
        pid
        for pid in (parent, slot, trainer)
        if "libtorch" in Path(f"/proc/{pid}/maps").read_text()
    ]
    job.cancel()
    job.wait_for_end()
    assert loads_torch == [trainer]


def test_a_training_is_cancelled_in_two_seconds_and_keeps_its_results(cluster):
    job = cluster.submit(ENDLESS).wait_for_steps()
    trainer = job.trainer
    requested = time.monotonic()
    job.cancel()
    experiment = job.wait_for_end()
    assert time.monotonic() - requested < 2.0
    assert experiment.state == "cancelled"
    assert [r.outcome for r in experiment.runs] == ["cancelled", "cancelled"]
    assert all(r.steps > 0 for r in experiment.runs)
    assert not has_ended(trainer), "a responsive trainer is kept"


def test_a_paused_training_resumes_bit_for_bit(cluster, assert_same):
    job = cluster.submit(LONG).wait_for_steps()
    trainer = job.trainer
    job.change(experiments.request_pause)
    wait_for(lambda: job.experiment.state == "paused", seconds=10)
    assert not has_ended(trainer), "a responsive trainer is kept"
    assert job.checkpoint_step == job.experiment.progress.step, "a last checkpoint was saved"
    other = cluster.submit(sample_specs.spec())
    assert other.wait_for_end().state == "completed", "the slot is free"
    assert job.experiment.state == "paused"
    job.change(experiments.resume)
    assert job.wait_for_end().attempts == 2
    assert job.start_steps[1] > 0
    assert [kind for kind, _ in job.events][2:5] == ["pause_requested", "paused", "resumed"]
    assert_same(job)


@ON_SQLITE
def test_a_cancellation_that_races_with_completion_has_one_outcome(cluster):
    draw = random.Random(7)
    for _ in range(15):
        job = cluster.submit(sample_specs.spec(optimizer={"kind": "gd", "steps": 20}))
        wait_for(lambda: job.experiment.state != "queued")  # noqa: B023  # called at once
        time.sleep(draw.uniform(0, 0.05))
        with contextlib.suppress(IllegalMove):
            job.cancel()
        ended = job.wait_for_end()
        final = [kind for kind, _ in job.events if kind in {"completed", "cancelled"}]
        assert final == [ended.state]
        assert not ended.cancel_requested


@ON_SQLITE
def test_an_unresponsive_trainer_is_killed_to_cancel(cluster):
    job = cluster.submit(ENDLESS).wait_for_steps()
    trainer = job.trainer
    trainer.suspend()
    requested = time.monotonic()
    job.cancel()
    assert job.wait_for_end().state == "cancelled"
    assert time.monotonic() - requested < 2.0
    assert has_ended(trainer)


@ON_SQLITE
def test_a_failed_training_records_its_error_and_traceback(cluster):
    """It fails on a checkpoint with a valid checksum and invalid content."""
    job = cluster.submit(sample_specs.spec(numerics={"device": "cuda"}))
    with cluster.database.write() as tx:
        claim = claims.claim(tx, worker_id="w", device="cuda", lease_seconds=60)
        reports.record(
            tx,
            claim,
            progress=Progress(1, 100),
            chunk=None,
            checkpoint=b"no arrays",
            checkpoint_step=1,
        )
        reports.hand_back(tx, claim)
        tx.exec_driver_sql("UPDATE experiments SET device = 'cpu' WHERE state = 'queued'")
    failure = job.wait_for_end().failure
    assert failure.kind == FailureKind.INFRASTRUCTURE
    assert "ValueError" in failure.message
    assert "This happened 2 times in a row" in failure.message
    assert job.events[3:] == [("started", 2), ("attempt_failed", 2), ("started", 3), ("failed", 3)]
    assert "Traceback" in job.log
    assert "core/arrays.py" in job.log


@ON_SQLITE
def test_a_result_that_cannot_be_stored_is_retried_then_fails_the_experiment(cluster):
    with cluster.database.write() as tx:
        tx.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON runs "
            "BEGIN SELECT RAISE(ABORT, 'no more runs'); END"
        )
    job = cluster.submit(sample_specs.spec())
    ended = job.wait_for_end()
    with cluster.database.write() as tx:
        tx.exec_driver_sql("DROP TRIGGER full")
    assert ended.attempts >= 2, "more if an attempt saved a checkpoint"
    assert ended.failure.kind == FailureKind.INFRASTRUCTURE
    assert "IntegrityError" in ended.failure.message
    assert "no more runs" in ended.failure.message
    assert "Traceback" in job.log


@ON_SQLITE
def test_exceeding_max_seconds_is_a_timeout(cluster):
    job = cluster.submit(ENDLESS, max_seconds=1.0)
    failure = job.wait_for_end().failure
    assert failure == Failure(
        FailureKind.TIMEOUT, "Training was stopped at the limit max_seconds = 1."
    )
    assert job.series["step"].max() > 0, "earlier points are kept"


@ON_SQLITE
def test_max_seconds_counts_all_attempts(cluster):
    job = cluster.submit(ENDLESS, max_seconds=1000.0, not_before=2e9)
    with cluster.database.write() as tx:
        tx.exec_driver_sql("UPDATE experiments SET trained_seconds = 999.5, not_before = NULL")
    failure = job.wait_for_end().failure
    assert failure.kind is FailureKind.TIMEOUT
    assert failure.message.endswith("It counts all attempts; earlier ones took 999.5 s.")


@ON_SQLITE
def test_exceeding_max_memory_mb_is_out_of_memory(cluster):
    failure = cluster.submit(ENDLESS, max_memory_mb=64).wait_for_end().failure
    assert failure.kind == FailureKind.OUT_OF_MEMORY
    assert "max_memory_mb is 64" in failure.message


@ON_SQLITE
def test_a_warm_started_training_survives_its_trainer(cluster):
    """Checkpoints lack the initial parameters; the second attempt gets them again."""
    source = cluster.submit(sample_specs.spec(student={"kind": "linear", "dim": 60}))
    source.wait_for_end()
    warm_started = {
        "kind": "linear",
        "dim": 60,
        "start": {"kind": "from_experiment", "id": source.id},
    }
    job = cluster.submit(
        sample_specs.spec(student=warm_started, optimizer={"kind": "gd", "steps": 100_000})
    )
    job.wait_for_checkpoint().trainer.kill()
    assert (job.wait_for_end().attempts, job.experiment.state) == (2, "completed")
    assert job.start_steps[1] > 0


def test_a_killed_trainer_costs_only_time(cluster, assert_same):
    job = cluster.submit(LONG).wait_for_checkpoint()
    job.trainer.kill()
    assert job.wait_for_end().attempts == 2
    assert job.start_steps[1] > 0
    assert "was killed by SIGKILL" in job.log
    assert_same(job)


@ON_SQLITE
def test_a_killed_slot_ends_its_trainer_and_costs_only_time(cluster, assert_same):
    job = cluster.submit(LONG).wait_for_checkpoint()
    trainer = job.trainer
    psutil.Process(job.slot.pid).kill()
    wait_for(lambda: has_ended(trainer), seconds=1)
    assert job.wait_for_end().attempts == 2
    assert job.start_steps[1] > 0
    assert_same(job)
