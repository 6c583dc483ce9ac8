"""Submissions are queued or reuse an equal experiment, and specs are read back as sent."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.spec import setup_hash, spec_hash
from store.errors import NotFound
from store.experiments import repository as experiments
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue import reports
from store.records import Failure, FailureKind, RunRecord
from store.states import State
from tests.kit import sample_specs


def submit(tx, draft, *, rerun=False):
    return submission.submit_one(tx, draft, owner="", options=Options(), warnings=(), rerun=rerun)


def test_submitted_experiment_is_queued_and_read_back_as_sent(repo):
    changes = {"name": "Ünïcode ✓", "tags": ["zeta", "alpha"], "notes": "two\nlines"}
    submitted = repo.submit(
        changes=changes,
        owner="ada",
        warnings=["odd"],
        priority=3,
        max_seconds=9.5,
        max_memory_mb=64,
    )
    assert submitted.state is State.QUEUED
    assert not submitted.reused
    assert submitted.warnings == ("odd",)
    spec, stored = sample_specs.spec(**changes), repo.get(submitted.id)
    assert stored.spec == spec
    assert (stored.spec_hash, stored.setup_hash) == (spec_hash(spec), setup_hash(spec))
    options = stored.owner, stored.priority, stored.max_seconds, stored.max_memory_mb
    assert options == ("ada", 3, 9.5, 64)
    assert stored.runs == (RunRecord(0), RunRecord(1))
    progress = stored.device, stored.attempts, stored.progress, stored.failure, stored.version
    assert progress == (None, 0, None, None, 1)
    assert repo.kinds(submitted.id) == ["submitted"]


def test_draft_is_stored_without_hashing_it_again(repo):
    hashes = "a" * 64, "b" * 64
    draft = Draft.from_spec(sample_specs.spec())
    draft = dataclasses.replace(draft, spec_hash=hashes[0], setup_hash=hashes[1])
    with repo.database.write() as tx:
        submitted = submit(tx, draft)
    stored = repo.get(submitted.id)
    assert (submitted.spec_hash, submitted.setup_hash) == hashes
    assert (stored.spec_hash, stored.setup_hash) == hashes


def test_largest_seeds_are_read_back_exactly(repo):
    seeds = (2**63 - 1, 2**53 + 1, 0)
    claim = repo.begin(changes={"seeds": seeds})
    repo.record(claim, 0, 1)
    repo.complete(claim)
    stored = repo.get(claim.experiment_id)
    assert stored.spec.seeds == seeds
    assert tuple(run.seed for run in stored.runs) == seeds


def test_equal_spec_is_reused_and_its_tags_are_appended(repo):
    first = repo.submit(changes={"tags": ["b", "a"]})
    second = repo.submit(
        rerun=False, changes={"tags": ["c", "a"], "name": "another name", "seeds": [1, 0]}
    )
    assert second.reused
    assert second.id == first.id
    stored = repo.get(first.id)
    assert stored.spec.tags == ("b", "a", "c")
    assert stored.spec.name == ""
    assert stored.version == 2


def test_merged_tags_may_exceed_the_limit_of_one_spec(repo):
    for start in range(0, 128, 64):
        names = [f"t{number}" for number in range(start, start + 64)]
        submitted = repo.submit(rerun=False, changes={"tags": names})
    assert len(repo.get(submitted.id).spec.tags) == 128


def test_rerun_queues_another_experiment_and_the_newest_is_reused(repo):
    first, second = repo.submit(), repo.submit(rerun=True)
    assert first.id != second.id
    assert repo.submit(rerun=False).id == second.id


@pytest.mark.parametrize("state", ["running", "completed"])
def test_running_and_completed_experiments_are_reused(repo, state):
    claim = repo.begin()
    if state == "completed":
        repo.complete(claim)
    again = repo.submit(rerun=False)
    assert (again.id, again.reused, again.state) == (claim.experiment_id, True, state)


@pytest.mark.parametrize("end", ["failed", "cancelled", "cancel requested", "pause requested"])
def test_failed_and_stopped_experiments_are_not_reused(repo, end):
    claim = repo.begin() if end != "cancelled" else None
    experiment_id = claim.experiment_id if claim else repo.submit().id
    with repo.database.write() as tx:
        match end:
            case "failed":
                reports.fail(tx, claim, Failure(FailureKind.INFRASTRUCTURE, "broken"), "")
            case "pause requested":
                experiments.request_pause(tx, experiment_id)
            case _:
                experiments.request_cancel(tx, experiment_id)
    again = repo.submit(rerun=False)
    assert again.id != experiment_id
    assert not again.reused


def test_concurrent_equal_submissions_are_one_experiment(repo):
    with ThreadPoolExecutor(8) as threads:
        submissions = list(threads.map(lambda _: repo.submit(rerun=False), range(24)))
    assert len({submitted.id for submitted in submissions}) == 1
    assert [submitted.reused for submitted in submissions].count(False) == 1


def test_rolled_back_transaction_leaves_no_experiment(repo):
    def submit_and_fail():
        with repo.database.write() as tx:
            submit(tx, Draft.from_spec(sample_specs.spec()), rerun=True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        submit_and_fail()
    with repo.database.read() as tx:
        assert pages.read_page(tx, ExperimentQuery.parse(), limit=5, cursor=None) == []


@pytest.mark.parametrize(
    "experiment_id",
    [
        "",
        "exp_",
        "exp_" + "0" * 32,
        "exp_" + "0" * 31 + "\0",
        "\udcff",
        "x" * 5000,
        "exp_" + "0" * 32 + "\n",
    ],
)
def test_invalid_id_is_not_found(repo, experiment_id):
    for read in (experiments.get, experiments.events, experiments.logs):
        with repo.database.read() as tx, pytest.raises(NotFound):
            read(tx, experiment_id)


def test_by_spec_hash_prefers_pending_experiments_to_newer_cancelled_ones(repo):
    first = [repo.submit().id for _ in range(3)]
    second = [repo.submit(changes={"seeds": [7]}).id for _ in range(2)]
    with repo.database.write() as tx:
        for experiment_id in (first[2], *second):
            experiments.request_cancel(tx, experiment_id)
    hashes = [spec_hash(sample_specs.spec()), spec_hash(sample_specs.spec(seeds=[7])), "0" * 64]
    with repo.database.read() as tx:
        by_hash = experiments.by_spec_hash(tx, hashes)
    ids = {digest: experiment.id for digest, experiment in by_hash.items()}
    assert ids == {hashes[0]: first[1], hashes[1]: second[1]}


def test_by_spec_hash_prefers_a_result_to_a_running_repetition(repo):
    completed = [repo.begin() for _ in range(2)]
    for claim in completed:
        repo.complete(claim)
    running = repo.begin()
    repo.submit()
    digest = spec_hash(sample_specs.spec())
    with repo.database.read() as tx:
        newest = experiments.by_spec_hash(tx, [digest])
    assert {digest: found.id for digest, found in newest.items()} == {
        digest: completed[1].experiment_id
    }
    with repo.database.write() as tx:
        for claim in completed:
            experiments.remove(tx, claim.experiment_id)
        left = experiments.by_spec_hash(tx, [digest])
    assert {digest: found.id for digest, found in left.items()} == {digest: running.experiment_id}
