"""Pause and resume, in every state."""

import pytest

from store.errors import IllegalMove
from store.experiments import repository as experiments
from store.queue import reports
from store.records import StopRequests
from store.states import State
from tests.integration.store.states import apply, fail, submit_in_state


@pytest.mark.parametrize("state", State)
def test_pause_in_every_state(repo, state):
    experiment_id = submit_in_state(repo, state)
    if state not in {State.QUEUED, State.RUNNING}:
        with pytest.raises(IllegalMove, match=f"cannot pause an experiment that is {state}"):
            apply(repo, experiments.request_pause, experiment_id)
        return
    for _ in range(1 if state is State.QUEUED else 2):  # the second request changes nothing
        reached = apply(repo, experiments.request_pause, experiment_id)
    experiment = repo.get(experiment_id)
    assert reached is experiment.state is (State.PAUSED if state is State.QUEUED else State.RUNNING)
    assert experiment.pause_requested == (state is State.RUNNING)
    assert repo.kinds(experiment_id)[-1] == (
        "paused" if state is State.QUEUED else "pause_requested"
    )
    assert repo.kinds(experiment_id).count("pause_requested") == (state is State.RUNNING)
    assert repo.claim() is None


@pytest.mark.parametrize("state", State)
def test_resume_in_every_state(repo, state):
    experiment_id = submit_in_state(repo, state)
    if state is not State.PAUSED:
        with pytest.raises(
            IllegalMove, match=f"cannot resume an experiment that is {state}: it is not paused"
        ):
            apply(repo, experiments.resume, experiment_id)
        return
    assert apply(repo, experiments.resume, experiment_id) is State.QUEUED
    claim = repo.claim()
    assert (claim.experiment_id, claim.attempt, claim.checkpoint) == (experiment_id, 2, b"at 10")


def test_pause_request_can_be_withdrawn(repo):
    claim = repo.begin()
    apply(repo, experiments.request_pause, claim.experiment_id)
    assert apply(repo, experiments.resume, claim.experiment_id) is State.RUNNING
    with repo.database.write() as tx:
        assert reports.renew_lease(tx, claim, lease_seconds=60) == StopRequests(
            cancel=False, pause=False
        )
        reports.hand_back(tx, claim)  # the trainer had stopped already
    assert repo.get(claim.experiment_id).state is State.QUEUED
    assert repo.kinds(claim.experiment_id)[2:] == [
        "pause_requested",
        "pause_withdrawn",
        "handed_back",
    ]


def test_requested_pause_happens_when_the_worker_releases_or_is_lost(repo):
    for release in (reports.hand_back, fail):
        claim = repo.begin()
        with repo.database.write() as tx:
            experiments.request_pause(tx, claim.experiment_id)
            assert reports.renew_lease(tx, claim, lease_seconds=60) == StopRequests(
                cancel=False, pause=True
            )
            release(tx, claim)
        experiment = repo.get(claim.experiment_id)
        assert (experiment.state, experiment.pause_requested) == (State.PAUSED, False)
        assert repo.kinds(experiment.id)[-1] == "paused"
    lost = repo.begin()
    apply(repo, experiments.request_pause, lost.experiment_id)
    repo.lose(lost)
    repo.reap()
    assert repo.get(lost.experiment_id).state is State.PAUSED


def test_cancellation_wins_over_a_pause(repo):
    claim = repo.begin()
    apply(repo, experiments.request_pause, claim.experiment_id)
    apply(repo, experiments.request_cancel, claim.experiment_id)
    with pytest.raises(IllegalMove, match="about to be cancelled"):
        apply(repo, experiments.request_pause, claim.experiment_id)
    with repo.database.write() as tx:
        reports.hand_back(tx, claim)
    assert repo.get(claim.experiment_id).state is State.CANCELLED


def test_completion_wins_over_a_late_pause(repo):
    claim = repo.begin()
    apply(repo, experiments.request_pause, claim.experiment_id)
    repo.complete(claim)
    experiment = repo.get(claim.experiment_id)
    assert (experiment.state, experiment.pause_requested) == (State.COMPLETED, False)


def test_paused_experiment_is_not_reused(repo):
    paused = submit_in_state(repo, State.PAUSED)
    submitted = repo.submit(rerun=False)
    assert submitted.id != paused
    assert not submitted.reused
