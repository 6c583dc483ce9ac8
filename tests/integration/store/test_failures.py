"""Failed attempts and experiments, and retries in every state."""

import pytest

from store.errors import IllegalMove
from store.experiments import repository as experiments
from store.records import Failure, FailureKind
from store.states import State
from tests.integration.store.states import BROKEN, apply, fail, submit_in_state


def test_failure_has_kind_sentence_and_log(repo):
    experiment_id = submit_in_state(repo, State.FAILED)
    experiment = repo.get(experiment_id)
    assert experiment.failure == Failure(
        FailureKind.USER, BROKEN.message.replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
    assert experiment.finished_at is not None
    with repo.database.read() as tx:
        assert [(log.attempt, log.text) for log in experiments.logs(tx, experiment_id)] == [
            (1, "Traceback\n")
        ]


@pytest.mark.parametrize("kind", FailureKind)
def test_only_transient_failures_are_tried_again(repo, kind):
    claim = repo.begin()
    with repo.database.write() as tx:
        fail(tx, claim, kind)
    experiment = repo.get(claim.experiment_id)
    is_transient = kind in {FailureKind.WORKER_LOST, FailureKind.INFRASTRUCTURE}
    assert experiment.state is (State.QUEUED if is_transient else State.FAILED)
    assert repo.kinds(experiment.id)[-1] == ("attempt_failed" if is_transient else "failed")
    assert repo.claim() is None, "it backs off for a moment"


def test_transient_failures_in_a_row_end_the_experiment_without_progress(repo):
    experiment_id = repo.submit().id
    for has_progress in (False, False, True, False, False):
        with repo.database.write() as tx:
            tx.exec_driver_sql("UPDATE experiments SET not_before = NULL")
        claim = repo.claim()
        if has_progress:
            repo.record(claim, 5, checkpoint=b"at 5")
        with repo.database.write() as tx:
            fail(tx, claim)
        assert repo.get(experiment_id).state is State.QUEUED
    with repo.database.write() as tx:
        tx.exec_driver_sql("UPDATE experiments SET not_before = NULL")
    last = repo.claim()
    with repo.database.write() as tx:
        fail(tx, last)
    failed = repo.get(experiment_id)
    assert (failed.state, failed.failure.kind) == (State.FAILED, FailureKind.INFRASTRUCTURE)
    assert failed.failure.message.startswith("no luck This happened 3 times in a row")


@pytest.mark.parametrize("state", State)
def test_retry_in_every_state(repo, state):
    experiment_id = submit_in_state(repo, state)
    if state not in {State.FAILED, State.CANCELLED}:
        with pytest.raises(IllegalMove, match=f"cannot retry an experiment that is {state}"):
            apply(repo, experiments.retry, experiment_id)
        return
    assert apply(repo, experiments.retry, experiment_id) is State.QUEUED
    experiment = repo.get(experiment_id)
    assert not experiment.cancel_requested
    assert (experiment.failure, experiment.started_at, experiment.finished_at) == (None, None, None)
    assert all(run.outcome is None for run in experiment.runs)
    claim = repo.claim()
    assert (claim.experiment_id, claim.attempt, claim.checkpoint) == (experiment_id, 2, b"at 10")
