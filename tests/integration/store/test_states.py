"""Cancel, pause, resume, retry, edit and remove, in every state."""

import pytest

from core.result import Outcome
from store.arrays.packed import pack_points, pack_result
from store.errors import IllegalMove, NotFound, VersionConflict
from store.experiments import repository as experiments
from store.experiments import results
from store.queue import reports
from store.records import Failure, FailureKind, StopRequests
from store.states import State
from tests.kit import sample_specs

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


def fail(tx, claim, kind=FailureKind.INFRASTRUCTURE, max_attempts=3):
    reports.fail(tx, claim, Failure(kind, "no luck"), "log\n", max_attempts=max_attempts)


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
