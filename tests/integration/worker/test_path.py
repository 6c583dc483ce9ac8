"""The path of an experiment through one worker of one slot, which serves all tests of this file."""

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
from tests.integration.worker.conftest import LONG
from tests.integration.worker.workplace import Worker, gone, until
from tests.kit import sample_specs

ENDLESS = sample_specs.spec(optimizer={"kind": "gd", "steps": 10**9})
ON_SQLITE = pytest.mark.parametrize("workplace", ["sqlite"], indirect=True)


@pytest.fixture(scope="module", autouse=True)
def worker(workplace) -> Worker:
    return workplace.hire(EXTRAPOLAB_MAX_ATTEMPTS="2")


def test_an_experiment_comes_to_its_end_with_the_right_numbers(workplace):
    spec = sample_specs.spec(seeds=[3, 2**63 - 1])
    job = workplace.submit(spec)
    experiment = job.until_ended()
    assert (experiment.state, experiment.failure) == ("completed", None)
    expected, found = run(spec), job.result
    assert [r.seed for r in found.runs] == [3, 2**63 - 1]
    np.testing.assert_allclose(
        [r.response for r in found.runs], [r.response for r in expected.runs], rtol=1e-9
    )
    assert [(r.outcome, r.steps) for r in experiment.runs] == [
        (r.outcome, r.steps) for r in expected.runs
    ]
    assert job.series["step"].tolist() == [*range(101), *range(101)]
    assert [r.summary.keys() for r in experiment.runs] == [r.summary.keys() for r in expected.runs]
    assert job.events == [("submitted", 0), ("started", 1), ("completed", 1)]
    assert "training on cpu from step 0 of 100" in job.log
    made_with = experiment.provenance
    assert (made_with["device"], made_with["dtype"], made_with["threads"]) == (
        "cpu",
        "float64",
        "1",
    )
    assert all(
        made_with[name]
        for name in ("extrapolab", "results_version", "python", "torch", "numpy", "host", "cpu")
    )


def test_two_trainings_that_follow_each_other_are_one(workplace):
    student = {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": 0.3}}
    evaluation = {"horizon": 8, "record": ["response"]}
    whole = workplace.submit(
        sample_specs.spec(student=student, optimizer={"kind": "gd", "steps": 200})
    )
    first = workplace.submit(sample_specs.spec(student=student, evaluation=evaluation))
    whole.until_ended()
    first.until_ended()
    heir = {**student, "start": {"kind": "from_experiment", "id": first.id}}
    second = workplace.submit(sample_specs.spec(student=heir, evaluation=evaluation))
    assert second.until_ended().failure is None
    at_once, in_two = whole.result.runs, second.result.runs
    assert [run.parameters for run in in_two] == [run.parameters for run in at_once]
    assert [run.parameters for run in first.result.runs] != [run.parameters for run in at_once]
    np.testing.assert_array_equal(
        second.series["response"][0].ravel(), first.result.runs[0].response
    )


def test_all_seeds_may_go_on_from_one_of_another_experiment(workplace):
    first = workplace.submit(sample_specs.spec())
    first.until_ended()
    heir = {
        "kind": "linear",
        "dim": 3,
        "start": {"kind": "from_experiment", "id": first.id, "seed": 1},
    }
    job = workplace.submit(sample_specs.spec(student=heir, seeds=[5, 6]))
    assert job.until_ended().failure is None
    runs = job.result.runs
    assert runs[0].parameters == runs[1].parameters != first.result.runs[1].parameters


def test_experiments_of_a_slot_share_one_warm_trainer(workplace, worker):
    trainers = set()
    for _ in range(3):
        assert workplace.submit(sample_specs.spec()).until_ended().state == "completed"
        trainers.add(worker.everybody[-1])
    assert len(trainers) == 1


@ON_SQLITE
def test_only_the_trainer_loads_torch(workplace, worker):
    job = workplace.submit(ENDLESS).until_trained()
    parent, slot, trainer = worker.process.pid, job.slot.pid, job.slot.trainer_pid
    loads_torch = [
        pid
        for pid in (parent, slot, trainer)
        if "libtorch" in Path(f"/proc/{pid}/maps").read_text()
    ]
    job.cancel()
    job.until_ended()
    assert loads_torch == [trainer]


def test_a_training_is_cancelled_within_two_seconds_and_keeps_what_it_has(workplace):
    job = workplace.submit(ENDLESS).until_trained()
    trainer = job.trainer
    asked = time.monotonic()
    job.cancel()
    experiment = job.until_ended()
    assert time.monotonic() - asked < 2.0
    assert experiment.state == "cancelled"
    assert [r.outcome for r in experiment.runs] == ["cancelled", "cancelled"]
    assert all(r.steps > 0 for r in experiment.runs)
    assert not gone(trainer), "a trainer that answers is kept"


def test_a_paused_training_goes_on_to_the_same_bits(workplace, assert_same):
    job = workplace.submit(LONG).until_trained()
    trainer = job.trainer
    job.do(experiments.request_pause)
    until(lambda: job.now.state == "paused", seconds=10)
    assert not gone(trainer), "a trainer that answers is kept"
    assert job.saved_at == job.now.progress.step, "it was saved where it was"
    other = workplace.submit(sample_specs.spec())
    assert other.until_ended().state == "completed", "the slot is free for others"
    assert job.now.state == "paused"
    job.do(experiments.resume)
    assert job.until_ended().attempts == 2
    assert job.began_at[1] > 0
    assert [kind for kind, _ in job.events][2:5] == ["pause_requested", "paused", "resumed"]
    assert_same(job)


@ON_SQLITE
def test_a_cancellation_that_races_with_completion_leaves_one_end(workplace):
    draw = random.Random(7)
    for _ in range(15):
        job = workplace.submit(sample_specs.spec(optimizer={"kind": "gd", "steps": 20}))
        until(lambda: job.now.state != "queued")  # noqa: B023  # asked at once
        time.sleep(draw.uniform(0, 0.05))
        with contextlib.suppress(IllegalMove):
            job.cancel()
        ended = job.until_ended()
        final = [kind for kind, _ in job.events if kind in {"completed", "cancelled"}]
        assert final == [ended.state]
        assert not ended.cancel_requested


@ON_SQLITE
def test_a_trainer_that_does_not_answer_is_killed_for_a_cancel(workplace):
    job = workplace.submit(ENDLESS).until_trained()
    trainer = job.trainer
    trainer.suspend()
    asked = time.monotonic()
    job.cancel()
    assert job.until_ended().state == "cancelled"
    assert time.monotonic() - asked < 2.0
    assert gone(trainer)


@ON_SQLITE
def test_a_training_that_breaks_says_why_and_where(workplace):
    """Here because of a checkpoint that is whole, as far as SQL can see, but is none."""
    job = workplace.submit(sample_specs.spec(numerics={"device": "cuda"}))
    with workplace.database.write() as tx:
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
    failure = job.until_ended().failure
    assert failure.kind == FailureKind.INFRASTRUCTURE
    assert "ValueError" in failure.message
    assert "This happened 2 times in a row" in failure.message
    assert job.events[3:] == [("started", 2), ("attempt_failed", 2), ("started", 3), ("failed", 3)]
    assert "Traceback" in job.log
    assert "core/arrays.py" in job.log


@ON_SQLITE
def test_a_result_that_cannot_be_stored_is_computed_again_and_then_fails_the_experiment(workplace):
    with workplace.database.write() as tx:
        tx.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no more runs'); END"
        )
    job = workplace.submit(sample_specs.spec())
    ended = job.until_ended()
    with workplace.database.write() as tx:
        tx.exec_driver_sql("DROP TRIGGER full")
    assert ended.attempts >= 2, "more where an attempt gained a checkpoint"
    assert ended.failure.kind == FailureKind.INFRASTRUCTURE
    assert "IntegrityError" in ended.failure.message
    assert "no more runs" in ended.failure.message
    assert "Traceback" in job.log


@ON_SQLITE
def test_too_much_time_is_a_timeout(workplace):
    job = workplace.submit(ENDLESS, max_seconds=1.0)
    failure = job.until_ended().failure
    assert failure == Failure(
        FailureKind.TIMEOUT, "Training was stopped after 1 s, the limit max_seconds."
    )
    assert job.series["step"].max() > 0, "the points until then are kept"


@ON_SQLITE
def test_too_much_memory_is_out_of_memory(workplace):
    failure = workplace.submit(ENDLESS, max_memory_mb=64).until_ended().failure
    assert failure.kind == FailureKind.OUT_OF_MEMORY
    assert "max_memory_mb is 64" in failure.message


@ON_SQLITE
def test_a_training_that_goes_on_from_another_survives_its_trainer(workplace):
    """A checkpoint doesn't hold what was inherited: the second attempt is given it again."""
    source = workplace.submit(sample_specs.spec(student={"kind": "linear", "dim": 60}))
    source.until_ended()
    heir = {"kind": "linear", "dim": 60, "start": {"kind": "from_experiment", "id": source.id}}
    job = workplace.submit(
        sample_specs.spec(student=heir, optimizer={"kind": "gd", "steps": 100_000})
    )
    job.until_saved().trainer.kill()
    assert (job.until_ended().attempts, job.now.state) == (2, "completed")
    assert job.began_at[1] > 0


def test_a_killed_trainer_costs_nothing_but_time(workplace, assert_same):
    job = workplace.submit(LONG).until_saved()
    job.trainer.kill()
    assert job.until_ended().attempts == 2
    assert job.began_at[1] > 0
    assert "was killed by SIGKILL" in job.log
    assert_same(job)


@ON_SQLITE
def test_a_killed_slot_takes_its_trainer_along_and_costs_nothing_but_time(workplace, assert_same):
    job = workplace.submit(LONG).until_saved()
    trainer = job.trainer
    psutil.Process(job.slot.pid).kill()
    until(lambda: gone(trainer), seconds=1)
    assert job.until_ended().attempts == 2
    assert job.began_at[1] > 0
    assert_same(job)
