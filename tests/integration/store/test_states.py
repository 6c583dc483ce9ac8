"""Cancel, retry, edit and remove, in every state."""

import pytest

from core.result import Outcome
from store import experiments, queue, results
from store.errors import IllegalMove, NotFound, VersionConflict
from store.records import Failure, FailureKind
from store.states import State
from tests.kit import specimens

BROKEN = Failure(FailureKind.USER, "the loss\0 is not a number")


def bring_to(desk, state):
    """The id of an experiment in the given state; all but a queued one have run to step 10."""
    if state is State.QUEUED:
        return desk.submit().id
    claim = desk.begin()
    desk.record(claim, 0, 10, checkpoint=b"at 10")
    with desk.database.write() as tx:
        if state is State.FAILED:
            queue.fail(tx, claim, BROKEN, "Traceback\n")
        elif state is State.CANCELLED:
            queue.mark_cancelled(tx, claim, None, {})
    if state is State.COMPLETED:
        desk.complete(claim)
    assert desk.get(claim.experiment_id).state is state
    return claim.experiment_id


def attempt(desk, verb, experiment_id):
    with desk.database.write() as tx:
        return verb(tx, experiment_id)


@pytest.mark.parametrize("state", State)
def test_cancel_in_every_state(desk, state):
    experiment_id = bring_to(desk, state)
    if state.is_final:
        with pytest.raises(IllegalMove, match=f"cannot cancel an experiment that is {state}"):
            attempt(desk, experiments.request_cancel, experiment_id)
        assert desk.get(experiment_id).state is state
        return
    assert attempt(desk, experiments.request_cancel, experiment_id) is (
        State.CANCELLED if state is State.QUEUED else state
    )
    found = desk.get(experiment_id)
    assert found.cancel_requested == (state is State.RUNNING)
    assert (found.finished_at is None) == (state is State.RUNNING)


def test_cancelling_twice_asks_once(desk):
    claim = desk.begin()
    for _ in range(2):
        assert attempt(desk, experiments.request_cancel, claim.experiment_id) is State.RUNNING
    assert desk.kinds(claim.experiment_id).count("cancel_requested") == 1


def test_the_worker_hears_of_a_cancellation_with_its_next_beat(desk):
    claim = desk.begin()
    with desk.database.write() as tx:
        assert queue.beat(tx, claim, lease_seconds=60) is False
        experiments.request_cancel(tx, claim.experiment_id)
        assert queue.beat(tx, claim, lease_seconds=60) is True


def test_a_cancelled_experiment_keeps_how_far_its_runs_came(desk):
    claim = desk.begin()
    runs = [specimens.run(seed, outcome=Outcome.CANCELLED, steps=12) for seed in (0, 1)]
    with desk.database.write() as tx:
        queue.mark_cancelled(tx, claim, specimens.result(*runs), specimens.points([0, 12]))
    found = desk.get(claim.experiment_id)
    assert found.state is State.CANCELLED
    assert [(run.outcome, run.steps) for run in found.runs] == [(Outcome.CANCELLED, 12)] * 2
    assert found.progress.step == 12
    with desk.database.read() as tx:
        assert results.series(tx, claim.experiment_id)["step"].tolist() == [0, 12, 0, 12]


def test_completion_wins_over_a_cancellation_that_comes_too_late(desk):
    claim = desk.begin()
    attempt(desk, experiments.request_cancel, claim.experiment_id)
    desk.complete(claim)
    found = desk.get(claim.experiment_id)
    assert (found.state, found.cancel_requested) == (State.COMPLETED, False)
    assert desk.submit(rerun=False).id == claim.experiment_id


def test_handing_back_what_should_be_cancelled_cancels_it(desk):
    claim = desk.begin()
    attempt(desk, experiments.request_cancel, claim.experiment_id)
    with desk.database.write() as tx:
        queue.hand_back(tx, claim)
    assert desk.get(claim.experiment_id).state is State.CANCELLED


def test_a_failure_tells_kind_sentence_and_log(desk):
    experiment_id = bring_to(desk, State.FAILED)
    found = desk.get(experiment_id)
    assert found.failure == Failure(FailureKind.USER, BROKEN.message.replace("\0", "\N{REPLACEMENT CHARACTER}"))
    assert found.finished_at is not None
    with desk.database.read() as tx:
        assert [(log.attempt, log.text) for log in experiments.logs(tx, experiment_id)] == [(1, "Traceback\n")]


@pytest.mark.parametrize("state", State)
def test_retry_in_every_state(desk, state):
    experiment_id = bring_to(desk, state)
    if state not in {State.FAILED, State.CANCELLED}:
        with pytest.raises(IllegalMove, match=f"cannot retry an experiment that is {state}"):
            attempt(desk, experiments.retry, experiment_id)
        return
    assert attempt(desk, experiments.retry, experiment_id) is State.QUEUED
    found = desk.get(experiment_id)
    assert (found.failure, found.cancel_requested, found.started_at, found.finished_at) == (None, False, None, None)
    assert all(run.outcome is None for run in found.runs)
    claim = desk.claim()
    assert (claim.experiment_id, claim.attempt, claim.checkpoint) == (experiment_id, 2, b"at 10")


@pytest.mark.parametrize("state", State)
def test_remove_in_every_state(desk, state):
    experiment_id = bring_to(desk, state)
    if not state.is_final:
        with pytest.raises(IllegalMove, match="cancel it first"):
            attempt(desk, experiments.remove, experiment_id)
        assert desk.get(experiment_id).state is state
        return
    attempt(desk, experiments.remove, experiment_id)
    with pytest.raises(NotFound):
        desk.get(experiment_id)
    with desk.database.read() as tx, pytest.raises(NotFound):
        results.series(tx, experiment_id)


def test_edit_changes_what_is_given_and_nothing_else(desk):
    experiment_id = desk.submit(changes={"name": "old", "tags": ["a", "b"], "notes": "old notes"}).id
    before = desk.get(experiment_id)
    with desk.database.write() as tx:
        edited = experiments.edit(tx, experiment_id, version=1, name="new", tags=["c", "a"])
    assert edited == desk.get(experiment_id)
    assert (edited.spec.name, edited.spec.tags, edited.spec.notes, edited.version) == (
        "new",
        ("c", "a"),
        "old notes",
        2,
    )
    assert edited.spec_hash == before.spec_hash
    with desk.database.write() as tx:
        assert experiments.edit(tx, experiment_id, version=2, name="", tags=[], notes="").spec.tags == ()


def test_edit_of_what_somebody_else_has_edited_is_refused(desk):
    experiment_id = desk.submit().id
    with desk.database.write() as tx:
        experiments.edit(tx, experiment_id, version=1, notes="first")
    with pytest.raises(VersionConflict, match="version 2"), desk.database.write() as tx:
        experiments.edit(tx, experiment_id, version=1, notes="second")
    assert desk.get(experiment_id).spec.notes == "first"


def test_running_does_not_change_the_version_that_an_edit_needs(desk):
    claim = desk.begin()
    desk.record(claim, 0, 10)
    desk.complete(claim)
    assert desk.get(claim.experiment_id).version == 1


@pytest.mark.parametrize("verb", [experiments.request_cancel, experiments.retry, experiments.remove])
def test_verbs_on_an_unknown_experiment_find_nothing(desk, verb):
    with pytest.raises(NotFound):
        attempt(desk, verb, "exp_" + "0" * 32)


def test_the_history_tells_the_whole_life(desk):
    claim = desk.begin()
    with desk.database.write() as tx:
        queue.hand_back(tx, claim)
    second = desk.claim()
    desk.lose(second)
    desk.reap()
    desk.complete(desk.claim())
    with desk.database.read() as tx:
        history = experiments.events(tx, claim.experiment_id)
    assert [(event.kind, event.attempt) for event in history] == [
        ("submitted", 0),
        ("started", 1),
        ("handed_back", 1),
        ("started", 2),
        ("lease_expired", 2),
        ("started", 3),
        ("completed", 3),
    ]
    assert [event.number for event in history] == sorted({event.number for event in history})
    assert [event.at for event in history] == sorted(event.at for event in history)
