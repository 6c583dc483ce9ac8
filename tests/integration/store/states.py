"""Experiments in every state, and what brings them there."""

from store.experiments import repository as experiments
from store.queue import reports
from store.records import Failure, FailureKind
from store.states import State

BROKEN = Failure(FailureKind.USER, "the loss\0 is not a number")


def submit_in_state(repo, state):
    """Submits an experiment and brings it to a state; all but a queued one have run to step 10."""
    if state is State.QUEUED:
        return repo.submit().id
    claim = repo.begin()
    repo.record(claim, 0, 10, checkpoint=b"at 10")
    with repo.database.write() as tx:
        if state is State.FAILED:
            reports.fail(tx, claim, BROKEN, "Traceback\n")
        elif state is State.CANCELLED:
            reports.mark_cancelled(tx, claim, None, None)
        elif state is State.PAUSED:
            experiments.request_pause(tx, claim.experiment_id)
            reports.hand_back(tx, claim)
    if state is State.COMPLETED:
        repo.complete(claim)
    assert repo.get(claim.experiment_id).state is state
    return claim.experiment_id


def apply(repo, action, experiment_id):
    with repo.database.write() as tx:
        return action(tx, experiment_id)


def fail(tx, claim, kind=FailureKind.INFRASTRUCTURE, max_attempts=3):
    reports.fail(tx, claim, Failure(kind, "no luck"), "log\n", max_attempts=max_attempts)
