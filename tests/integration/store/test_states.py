"""Cancel, edit and remove, in every state, and the history of all moves."""

import pytest

from core.result import Outcome
from store.arrays.packed import pack_points, pack_result
from store.errors import IllegalMove, NotFound, VersionConflict
from store.experiments import repository as experiments
from store.experiments import results
from store.queue import reports
from store.records import StopRequests
from store.states import State
from tests.integration.store.states import apply, submit_in_state
from tests.kit import sample_specs


@pytest.mark.parametrize("state", State)
def test_cancel_in_every_state(repo, state):
    experiment_id = submit_in_state(repo, state)
    if state.is_final:
        with pytest.raises(IllegalMove, match=f"cannot cancel an experiment that is {state}"):
            apply(repo, experiments.request_cancel, experiment_id)
        assert repo.get(experiment_id).state is state
        return
    assert apply(repo, experiments.request_cancel, experiment_id) is (
        state if state is State.RUNNING else State.CANCELLED
    )
    experiment = repo.get(experiment_id)
    assert experiment.cancel_requested == (state is State.RUNNING)
    assert (experiment.finished_at is None) == (state is State.RUNNING)


def test_cancelling_twice_requests_once(repo):
    claim = repo.begin()
    for _ in range(2):
        assert apply(repo, experiments.request_cancel, claim.experiment_id) is State.RUNNING
    assert repo.kinds(claim.experiment_id).count("cancel_requested") == 1


def test_renewing_the_lease_reports_a_requested_cancellation(repo):
    claim = repo.begin()
    with repo.database.write() as tx:
        assert reports.renew_lease(tx, claim, lease_seconds=60) == StopRequests(
            cancel=False, pause=False
        )
        experiments.request_cancel(tx, claim.experiment_id)
        assert reports.renew_lease(tx, claim, lease_seconds=60) == StopRequests(
            cancel=True, pause=False
        )


def test_cancelled_experiment_keeps_its_partial_runs(repo):
    claim = repo.begin()
    runs = [sample_specs.run(seed, outcome=Outcome.CANCELLED, steps=12) for seed in (0, 1)]
    with repo.database.write() as tx:
        result = pack_result(sample_specs.result(*runs))
        reports.mark_cancelled(tx, claim, result, pack_points(sample_specs.points([0, 12])))
    experiment = repo.get(claim.experiment_id)
    assert experiment.state is State.CANCELLED
    assert [(run.outcome, run.steps) for run in experiment.runs] == [(Outcome.CANCELLED, 12)] * 2
    assert experiment.progress.step == 12
    with repo.database.read() as tx:
        assert results.series(tx, claim.experiment_id)["step"].tolist() == [0, 12, 0, 12]


def test_completion_wins_over_a_late_cancellation(repo):
    claim = repo.begin()
    apply(repo, experiments.request_cancel, claim.experiment_id)
    repo.complete(claim)
    experiment = repo.get(claim.experiment_id)
    assert (experiment.state, experiment.cancel_requested) == (State.COMPLETED, False)
    assert repo.submit(rerun=False).id == claim.experiment_id


def test_handing_back_cancels_if_requested(repo):
    claim = repo.begin()
    apply(repo, experiments.request_cancel, claim.experiment_id)
    with repo.database.write() as tx:
        reports.hand_back(tx, claim)
    assert repo.get(claim.experiment_id).state is State.CANCELLED


@pytest.mark.parametrize("state", State)
def test_remove_in_every_state(repo, state):
    experiment_id = submit_in_state(repo, state)
    if not state.is_final:
        with pytest.raises(IllegalMove, match="cancel it first"):
            apply(repo, experiments.remove, experiment_id)
        assert repo.get(experiment_id).state is state
        return
    apply(repo, experiments.remove, experiment_id)
    with pytest.raises(NotFound):
        repo.get(experiment_id)
    with repo.database.read() as tx, pytest.raises(NotFound):
        results.series(tx, experiment_id)


def test_edit_changes_only_the_given_fields(repo):
    experiment_id = repo.submit(
        changes={"name": "old", "tags": ["a", "b"], "notes": "old notes"}
    ).id
    before = repo.get(experiment_id)
    with repo.database.write() as tx:
        edited = experiments.edit(tx, experiment_id, version=1, name="new", tags=["c", "a"])
    assert edited == repo.get(experiment_id)
    metadata = edited.spec.name, edited.spec.tags, edited.spec.notes
    assert metadata == ("new", ("c", "a"), "old notes")
    assert edited.version == 2
    assert edited.spec_hash == before.spec_hash
    with repo.database.write() as tx:
        cleared = experiments.edit(tx, experiment_id, version=2, name="", tags=[], notes="")
    assert cleared.spec.tags == ()


def test_edit_of_an_outdated_version_is_refused(repo):
    experiment_id = repo.submit().id
    with repo.database.write() as tx:
        experiments.edit(tx, experiment_id, version=1, notes="first")
    with pytest.raises(VersionConflict, match="version 2"), repo.database.write() as tx:
        experiments.edit(tx, experiment_id, version=1, notes="second")
    assert repo.get(experiment_id).spec.notes == "first"


def test_running_does_not_change_the_version(repo):
    claim = repo.begin()
    repo.record(claim, 0, 10)
    repo.complete(claim)
    assert repo.get(claim.experiment_id).version == 1


@pytest.mark.parametrize(
    "action",
    [
        experiments.request_cancel,
        experiments.request_pause,
        experiments.resume,
        experiments.retry,
        experiments.remove,
    ],
)
def test_actions_on_an_unknown_experiment_find_nothing(repo, action):
    with pytest.raises(NotFound):
        apply(repo, action, "exp_" + "0" * 32)


def test_history_has_every_event(repo):
    claim = repo.begin()
    with repo.database.write() as tx:
        reports.hand_back(tx, claim)
    second = repo.claim()
    repo.lose(second)
    repo.reap()
    repo.complete(repo.claim())
    with repo.database.read() as tx:
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
