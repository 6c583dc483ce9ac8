"""Claims take the next experiment for the right device, each once among racing workers."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from store.db.database import Database, now
from store.db.tables import experiments as table
from store.experiments import repository as experiments
from store.queue import claims, reports, scheduling
from store.states import State
from tests.kit import sample_specs


def test_empty_queue_gives_no_claim(repo):
    assert repo.claim() is None


def test_claim_has_what_a_worker_needs(repo):
    submitted = repo.submit(max_seconds=5.0, max_memory_mb=100, changes={"tags": ["t"]})
    claim, running = repo.claim(), repo.get(submitted.id)
    assert (claim.experiment_id, claim.attempt) == (submitted.id, 1)
    assert (claim.device, claim.checkpoint) == ("cpu", None)
    assert (claim.max_seconds, claim.max_memory_mb) == (5.0, 100)
    assert claim.spec == running.spec.model_copy(update={"tags": ()}), "metadata isn't trained"
    assert (running.state, running.attempts, running.device) == (State.RUNNING, 1, "cpu")
    assert running.started_at >= running.created_at
    assert repo.kinds(submitted.id) == ["submitted", "started"]


def test_higher_priority_goes_first_then_longer_wait(repo):
    ids = [repo.submit(priority=priority).id for priority in (0, 5, -1, 5, 0)]
    assert [repo.claim().experiment_id for _ in ids] == [ids[n] for n in (1, 3, 0, 4, 2)]


def test_experiment_that_is_not_due_is_not_claimed(repo):
    with repo.database.read() as tx:
        at = now(tx)
    later = repo.submit(priority=9, not_before=at + 3600)
    due = repo.submit(not_before=at - 1)
    assert repo.claim().experiment_id == due.id
    assert repo.claim() is None
    assert repo.get(later.id).state is State.QUEUED


def test_unreadable_spec_fails_and_the_next_experiment_is_claimed(repo):
    unreadable, readable = repo.submit(priority=9).id, repo.submit().id
    with repo.database.write() as tx:
        newer_spec = {
            **sample_specs.spec().model_dump(mode="json"),
            "seeds": [0],
            "student": {"kind": "newer"},
        }
        tx.execute(update(table).where(table.c.id == unreadable).values(spec=newer_spec))
    assert repo.claim().experiment_id == readable
    assert repo.kinds(unreadable) == ["submitted", "started", "failed"]
    with repo.database.read() as tx:
        row = tx.execute(
            select(table.c.state, table.c.failure_kind, table.c.failure_message).where(
                table.c.id == unreadable
            )
        )
        state, kind, message = row.one()
    assert (state, kind) == ("failed", "user")
    assert "another version" in message
    assert "student" in message


@pytest.mark.parametrize(
    ("requested", "worker", "is_claimed"),
    [
        ("auto", "cpu", True),
        ("auto", "cuda", True),
        ("cpu", "cpu", True),
        ("cpu", "cuda", False),
        ("cuda", "cpu", False),
    ],
)
def test_worker_claims_experiments_for_its_device_or_any(repo, requested, worker, is_claimed):
    repo.submit(changes={"numerics": {"device": requested}})
    assert (repo.claim(device=worker) is not None) == is_claimed


def test_experiment_for_any_device_is_pinned_to_its_first(repo):
    claim = repo.begin()
    repo.lose(claim)
    repo.reap()
    assert repo.claim(device="cuda") is None
    assert repo.claim(device="cpu").experiment_id == claim.experiment_id


def test_waiting_experiments_are_those_due_and_counted_up_to_the_limit(repo):
    for device in ("auto", "auto", "cuda"):
        repo.submit(changes={"numerics": {"device": device}})
    repo.submit(not_before=4e9)
    repo.claim(device="cpu")
    with repo.database.read() as tx:
        assert scheduling.count_waiting(tx, "cpu", limit=9) == 1
        for limit in (0, 1, 2, 9):
            assert scheduling.count_waiting(tx, "cuda", limit=limit) == min(limit, 2)


def claim_all(database, worker):
    """Claims until nothing waits; returns the ids."""
    ids = []
    while True:
        with database.write() as tx:
            claim = claims.claim(tx, worker_id=worker, device="cpu", lease_seconds=60)
        if claim is None:
            return ids
        ids.append(claim.experiment_id)


def claim_all_in_process(url, worker, start, claimed):
    database = Database(url)
    start.wait()
    claimed.put(claim_all(database, worker))
    database.dispose()


def test_racing_threads_claim_each_experiment_once(repo):
    ids = {repo.submit().id for _ in range(40)}
    with ThreadPoolExecutor(8) as threads:
        claimed = [
            experiment_id
            for part in threads.map(lambda n: claim_all(repo.database, f"w{n}"), range(8))
            for experiment_id in part
        ]
    assert len(claimed) == 40
    assert set(claimed) == ids


def test_racing_processes_claim_each_experiment_once(repo, database_url):
    ids = {repo.submit().id for _ in range(40)}
    context = multiprocessing.get_context("spawn")
    start, claimed = context.Event(), context.Queue()
    workers = [
        context.Process(target=claim_all_in_process, args=(database_url, f"w{n}", start, claimed))
        for n in range(2)
    ]
    for worker in workers:
        worker.start()
    start.set()
    parts = [claimed.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert sorted(experiment_id for part in parts for experiment_id in part) == sorted(ids)
    assert all(repo.get(experiment_id).attempts == 1 for experiment_id in ids)


def test_the_seconds_of_all_attempts_are_added_up(repo):
    claim = repo.begin()
    for seconds, before in ((3.0, 0.0), (2.0, 3.0), (0.5, 5.0)):
        assert claim.trained_seconds == before
        with repo.database.write() as tx:
            reports.renew_lease(tx, claim, lease_seconds=60, attempt_seconds=seconds / 2)
            reports.renew_lease(tx, claim, lease_seconds=60, attempt_seconds=seconds)
            reports.hand_back(tx, claim)
        claim = repo.claim()
    with repo.database.write() as tx:
        reports.mark_cancelled(tx, claim, None, None)
        experiments.retry(tx, claim.experiment_id)
    assert repo.claim().trained_seconds == 0.0, "a retry has all its time again"
