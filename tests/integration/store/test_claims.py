"""Claiming: the best first, the right device, and no experiment twice however many workers try at once."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from store.db.database import Database, now
from store.db.tables import experiments as table
from store.queue import claims, scheduling
from store.states import State
from tests.kit import sample_specs


def test_an_empty_queue_gives_nothing(repo):
    assert repo.claim() is None


def test_a_claim_holds_what_a_worker_needs(repo):
    submitted = repo.submit(max_seconds=5.0, max_memory_mb=100, changes={"tags": ["t"]})
    claim, found = repo.claim(), repo.get(submitted.id)
    assert (claim.experiment_id, claim.attempt, claim.device, claim.checkpoint) == (
        submitted.id,
        1,
        "cpu",
        None,
    )
    assert (claim.max_seconds, claim.max_memory_mb) == (5.0, 100)
    assert claim.spec == found.spec.model_copy(update={"tags": ()}), (
        "name, tags and notes are not what it trains"
    )
    assert (found.state, found.attempts, found.device) == (State.RUNNING, 1, "cpu")
    assert found.started_at >= found.created_at
    assert repo.kinds(submitted.id) == ["submitted", "started"]


def test_higher_priority_goes_first_then_longer_wait(repo):
    ids = [repo.submit(priority=priority).id for priority in (0, 5, -1, 5, 0)]
    assert [repo.claim().experiment_id for _ in ids] == [ids[n] for n in (1, 3, 0, 4, 2)]


def test_what_is_not_due_is_not_claimed(repo):
    with repo.database.read() as tx:
        at = now(tx)
    later = repo.submit(priority=9, not_before=at + 3600)
    due = repo.submit(not_before=at - 1)
    assert repo.claim().experiment_id == due.id
    assert repo.claim() is None
    assert repo.get(later.id).state is State.QUEUED


def test_a_spec_of_another_version_fails_and_the_next_one_is_claimed(repo):
    foreign, ours = repo.submit(priority=9).id, repo.submit().id
    with repo.database.write() as tx:
        later_spec = {
            **sample_specs.spec().model_dump(mode="json"),
            "seeds": [0],
            "student": {"kind": "of tomorrow"},
        }
        tx.execute(update(table).where(table.c.id == foreign).values(spec=later_spec))
    assert repo.claim().experiment_id == ours
    assert repo.kinds(foreign) == ["submitted", "started", "failed"]
    with repo.database.read() as tx:
        row = tx.execute(
            select(table.c.state, table.c.failure_kind, table.c.failure_message).where(
                table.c.id == foreign
            )
        )
        state, kind, message = row.one()
    assert (state, kind) == ("failed", "user")
    assert "another version" in message
    assert "student" in message


@pytest.mark.parametrize(
    ("wish", "worker", "claimed"),
    [
        ("auto", "cpu", True),
        ("auto", "cuda", True),
        ("cpu", "cpu", True),
        ("cpu", "cuda", False),
        ("cuda", "cpu", False),
    ],
)
def test_a_worker_claims_what_wishes_for_its_device_or_any(repo, wish, worker, claimed):
    repo.submit(changes={"numerics": {"device": wish}})
    assert (repo.claim(device=worker) is not None) == claimed


def test_what_may_run_anywhere_stays_where_it_ran_first(repo):
    claim = repo.begin()
    repo.lose(claim)
    repo.reap()
    assert repo.claim(device="cuda") is None
    assert repo.claim(device="cpu").experiment_id == claim.experiment_id


def test_what_waits_for_a_device_is_what_is_due_and_counted_no_further_than_asked(repo):
    for wish in ("auto", "auto", "cuda"):
        repo.submit(changes={"numerics": {"device": wish}})
    repo.submit(not_before=4e9)
    repo.claim(device="cpu")
    with repo.database.read() as tx:
        assert [scheduling.count_waiting(tx, device, limit=9) for device in ("cpu", "cuda")] == [
            1,
            2,
        ]
        assert [scheduling.count_waiting(tx, "cuda", limit=most) for most in (0, 1, 2)] == [0, 1, 2]


def claim_all(database, worker):
    """Claims until nothing waits; the ids."""
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


def test_threads_that_race_claim_each_experiment_once(repo):
    ids = {repo.submit().id for _ in range(40)}
    with ThreadPoolExecutor(8) as threads:
        claimed = [
            experiment_id
            for part in threads.map(lambda n: claim_all(repo.database, f"w{n}"), range(8))
            for experiment_id in part
        ]
    assert len(claimed) == 40
    assert set(claimed) == ids


def test_processes_that_race_claim_each_experiment_once(repo, database_url):
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
