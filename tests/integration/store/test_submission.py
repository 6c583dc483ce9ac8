"""Submitting: what is new, what is reused, and that a spec comes back as it was sent."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.spec import setup_hash, spec_hash
from store.errors import NotFound
from store.experiments import repository as experiments
from store.experiments.draft import Draft
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue.claims import fail
from store.records import Failure, FailureKind, RunRecord
from store.states import State
from tests.kit import sample_specs


def test_a_submitted_experiment_is_queued_and_read_back_as_it_was_sent(repo):
    changes = {"name": "Ünïcode ✓", "tags": ["zeta", "alpha"], "notes": "two\nlines"}
    submitted = repo.submit(
        changes=changes,
        owner="ada",
        warnings=["odd"],
        priority=3,
        max_seconds=9.5,
        max_memory_mb=64,
    )
    spec, found = sample_specs.spec(**changes), repo.get(submitted.id)
    assert (submitted.state, submitted.reused, submitted.warnings) == (
        State.QUEUED,
        False,
        ("odd",),
    )
    assert found.spec == spec
    assert (found.spec_hash, found.setup_hash) == (spec_hash(spec), setup_hash(spec))
    assert (found.owner, found.priority, found.max_seconds, found.max_memory_mb) == (
        "ada",
        3,
        9.5,
        64,
    )
    assert found.runs == (RunRecord(0), RunRecord(1))
    assert (found.device, found.attempts, found.progress, found.failure, found.version) == (
        None,
        0,
        None,
        None,
        1,
    )
    assert repo.kinds(submitted.id) == ["submitted"]


def test_a_draft_is_stored_as_it_is_without_hashing_anything_again(repo):
    draft = dataclasses.replace(
        Draft.of(sample_specs.spec()), spec_hash="a" * 64, setup_hash="b" * 64
    )
    with repo.database.write() as tx:
        submitted = experiments.submit(
            tx, draft, owner="", options=experiments.Options(), warnings=(), rerun=False
        )
    found = repo.get(submitted.id)
    assert (
        (submitted.spec_hash, submitted.setup_hash)
        == (found.spec_hash, found.setup_hash)
        == ("a" * 64, "b" * 64)
    )


def test_the_largest_seeds_come_back_exactly(repo):
    seeds = (2**63 - 1, 2**53 + 1, 0)
    claim = repo.begin(changes={"seeds": seeds})
    repo.record(claim, 0, 1)
    repo.complete(claim)
    found = repo.get(claim.experiment_id)
    assert found.spec.seeds == seeds
    assert tuple(run.seed for run in found.runs) == seeds


def test_an_equal_spec_is_reused_and_gets_the_new_tags_behind_its_own(repo):
    first = repo.submit(changes={"tags": ["b", "a"]})
    second = repo.submit(
        rerun=False, changes={"tags": ["c", "a"], "name": "another name", "seeds": [1, 0]}
    )
    assert second.reused
    assert second.id == first.id
    found = repo.get(first.id)
    assert found.spec.tags == ("b", "a", "c")
    assert found.spec.name == ""
    assert found.version == 2


def test_tags_may_outgrow_what_one_spec_may_bring(repo):
    for start in range(0, 128, 64):
        submitted = repo.submit(
            rerun=False, changes={"tags": [f"t{n}" for n in range(start, start + 64)]}
        )
    assert len(repo.get(submitted.id).spec.tags) == 128


def test_rerun_queues_another_one_and_later_the_newest_is_reused(repo):
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


@pytest.mark.parametrize("end", ["failed", "cancelled", "cancel requested"])
def test_failed_and_cancelled_experiments_are_not_reused(repo, end):
    claim = repo.begin() if end != "cancelled" else None
    experiment_id = claim.experiment_id if claim else repo.submit().id
    with repo.database.write() as tx:
        if end == "failed":
            fail(tx, claim, Failure(FailureKind.INFRASTRUCTURE, "broken"), "")
        else:
            experiments.request_cancel(tx, experiment_id)
    again = repo.submit(rerun=False)
    assert again.id != experiment_id
    assert not again.reused


def test_equal_submissions_at_the_same_time_are_one_experiment(repo):
    with ThreadPoolExecutor(8) as threads:
        submitted = list(threads.map(lambda _: repo.submit(rerun=False), range(24)))
    assert len({each.id for each in submitted}) == 1
    assert [each.reused for each in submitted].count(False) == 1


def test_an_undone_transaction_leaves_no_experiment(repo):
    def submit_and_stumble():
        with repo.database.write() as tx:
            experiments.submit(
                tx,
                Draft.of(sample_specs.spec()),
                owner="",
                options=experiments.Options(),
                warnings=(),
                rerun=True,
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        submit_and_stumble()
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
def test_whatever_is_no_id_is_not_found(repo, experiment_id):
    for look in (experiments.get, experiments.events, experiments.logs):
        with repo.database.read() as tx, pytest.raises(NotFound):
            look(tx, experiment_id)


def test_by_spec_hash_prefers_what_has_a_future_over_what_is_newest(repo):
    one = [repo.submit().id for _ in range(3)]
    other = [repo.submit(changes={"seeds": [7]}).id for _ in range(2)]
    with repo.database.write() as tx:
        for experiment_id in (one[2], *other):
            experiments.request_cancel(tx, experiment_id)
    hashes = [spec_hash(sample_specs.spec()), spec_hash(sample_specs.spec(seeds=[7])), "0" * 64]
    with repo.database.read() as tx:
        found = experiments.by_spec_hash(tx, hashes)
    assert {digest: experiment.id for digest, experiment in found.items()} == {
        hashes[0]: one[1],
        hashes[1]: other[1],
    }


def test_by_spec_hash_prefers_a_result_to_the_run_that_repeats_it(repo):
    repeated = [repo.begin() for _ in range(2)]
    for claim in repeated:
        repo.complete(claim)
    running = repo.begin()
    repo.submit()
    hashes = [spec_hash(sample_specs.spec())]
    with repo.database.read() as tx:
        assert [found.id for found in experiments.by_spec_hash(tx, hashes).values()] == [
            repeated[1].experiment_id
        ]
    experiment_ids = [claim.experiment_id for claim in repeated]
    with repo.database.write() as tx:
        for experiment_id in experiment_ids:
            experiments.remove(tx, experiment_id)
        assert [found.id for found in experiments.by_spec_hash(tx, hashes).values()] == [
            running.experiment_id
        ]
