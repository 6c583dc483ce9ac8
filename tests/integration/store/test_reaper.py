"""The reaper takes experiments from lost workers, and from no others."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from store.experiments import repository as experiments
from store.queue import claims, reports
from store.records import Claim, FailureKind
from store.states import State


def test_running_lease_is_left_alone(repo):
    claim = repo.begin()
    repo.lose(claim, over_by=-2.0)
    assert repo.reap() == 0
    assert repo.get(claim.experiment_id).state is State.RUNNING


def test_expired_lease_queues_the_experiment(repo):
    claim = repo.begin()
    repo.lose(claim, over_by=0.001)
    assert repo.reap() == 1
    assert repo.get(claim.experiment_id).state is State.QUEUED
    assert repo.kinds(claim.experiment_id) == ["submitted", "started", "lease_expired"]
    assert repo.claim().attempt == 2


def test_renewed_lease_is_left_alone(repo):
    claim = repo.begin()
    repo.lose(claim)
    with repo.database.write() as tx:
        reports.renew_lease(tx, claim, lease_seconds=60)
    assert repo.reap() == 0


def test_final_and_queued_experiments_are_left_alone(repo):
    completed = repo.begin()
    repo.complete(completed)
    queued = repo.submit()
    for experiment_id in (completed.experiment_id, queued.id):
        before = repo.get(experiment_id)
        assert repo.reap() == 0
        assert repo.get(experiment_id) == before


def lose_attempt(repo, *, checkpoint_at=None, max_attempts=3):
    claim = repo.claim()
    if checkpoint_at is not None:
        repo.record(claim, checkpoint_at, checkpoint=b"state")
    repo.lose(claim)
    repo.reap(max_attempts)
    return repo.get(claim.experiment_id)


def test_attempts_without_a_checkpoint_end_in_failure(repo):
    repo.submit()
    states = [lose_attempt(repo).state for _ in range(3)]
    assert states == [State.QUEUED, State.QUEUED, State.FAILED]
    assert repo.claim() is None


def test_failure_says_that_the_worker_was_lost(repo):
    repo.submit()
    failed = lose_attempt(repo, max_attempts=1)
    assert failed.failure.kind is FailureKind.WORKER_LOST
    assert "worker or trainer was lost" in failed.failure.message
    assert failed.finished_at >= failed.started_at
    assert repo.kinds(failed.id)[-1] == "failed"


def test_checkpoint_resets_the_count(repo):
    repo.submit()
    steps = [None, None, 10, None, None, None]
    states = [lose_attempt(repo, checkpoint_at=step).state for step in steps]
    assert states == [State.QUEUED] * 5 + [State.FAILED]


def test_checkpoint_without_progress_does_not_reset_the_count(repo):
    repo.submit()
    states = [lose_attempt(repo, checkpoint_at=10).state for _ in range(4)]
    assert states == [State.QUEUED] * 3 + [State.FAILED]


def test_handed_back_attempt_does_not_count(repo):
    repo.submit()
    for _ in range(5):
        with repo.database.write() as tx:
            reports.hand_back(tx, claims.claim(tx, worker_id="w", device="cpu", lease_seconds=60))
    states = [lose_attempt(repo).state for _ in range(3)]
    assert states == [State.QUEUED, State.QUEUED, State.FAILED]


def test_lost_experiment_about_to_be_cancelled_is_cancelled(repo):
    claim = repo.begin()
    with repo.database.write() as tx:
        experiments.request_cancel(tx, claim.experiment_id)
    repo.lose(claim)
    assert repo.reap() == 1
    assert repo.get(claim.experiment_id).state is State.CANCELLED


@pytest.mark.parametrize("rounds", range(3))
def test_racing_reapers_take_each_experiment_once(repo, rounds):
    ids = [repo.begin().experiment_id for _ in range(12)]
    for experiment_id in ids:
        repo.lose(Claim(experiment_id, 1, None, "cpu", None, None, None))
    with ThreadPoolExecutor(6) as threads:
        taken = sum(threads.map(lambda _: repo.reap(), range(6)))
    assert taken == 12
    assert all(repo.kinds(experiment_id).count("lease_expired") == 1 for experiment_id in ids)
