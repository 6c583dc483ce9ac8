"""The overview of the queue: counts, speeds and estimates by device, and the order of starts."""

import random

import pytest

from store.db.database import now
from store.queue import overview, position, scheduling
from tests.integration.store.test_scheduling import (
    FRESH,
    _set,
    add_workers,
    set_duration,
    set_eta,
)


def read(repo, limit=50):
    with repo.database.read() as tx:
        return overview.overview(tx, fresh_seconds=FRESH, limit=limit)


@pytest.mark.parametrize("seed", range(4))
def test_upcoming_experiments_are_in_the_order_of_claims(repo, seed):
    draw = random.Random(seed)
    for _ in range(3):
        repo.submit(owner=draw.choice("ab"))
        repo.claim()  # keeps running
    for _ in range(20):
        repo.submit(owner=draw.choice("abcd"), priority=draw.choice([0, 0, 0, 5]))
    repo.submit(priority=9, not_before=4e9)
    repo.submit(priority=9, changes={"numerics": {"device": "cuda"}})
    with repo.database.read() as tx:
        ids = [row.id for row in scheduling.upcoming(tx, "cpu", now(tx), 50)]
        few = [row.id for row in scheduling.upcoming(tx, "cpu", now(tx), 6)]
    assert few == ids[:6]
    assert ids == [claim.experiment_id for _ in range(30) if (claim := repo.claim())]


def test_each_experiment_counts_once_and_on_each_device_that_it_can_run_on(repo):
    add_workers(repo, "cpu", "cpu", "cuda")
    running = repo.begin()
    _set(repo, running.experiment_id, "steps_per_second = 100.0, eta_seconds = 3.0")
    repo.submit(changes={"numerics": {"device": "cuda"}})
    for _ in range(2):
        repo.submit()
    repo.submit(not_before=4e9)
    seen = read(repo)
    assert (seen.slots, seen.running, seen.waiting, seen.delayed, seen.paused) == (3, 1, 3, 1, 0)
    assert seen.seed_steps_per_second == 100.0 * len(running.spec.seeds)
    assert [(one.device, one.slots, one.running, one.waiting) for one in seen.devices] == [
        ("cpu", 2, 1, 2),
        ("cuda", 1, 0, 3),
    ]
    assert seen.devices[0].seed_steps_per_second == seen.seed_steps_per_second
    assert len({one.id for one in seen.next}) == len(seen.next) == 3


def test_starts_are_those_of_the_single_experiments(repo):
    for _ in range(2):
        claim = repo.begin()
        repo.complete(claim)
        set_duration(repo, claim.experiment_id, 10.0)
    add_workers(repo, "cpu", "cpu")
    for left in (7.0, 3.0):
        set_eta(repo, repo.begin().experiment_id, left)
    for owner in "aab":
        repo.submit(owner=owner)
    seen = read(repo)
    assert [one.starts_in_seconds for one in seen.next] == [3.0, 7.0, 13.0]
    with repo.database.read() as tx:
        for one in seen.next:
            single = position.queue_position(tx, one.id, fresh_seconds=FRESH)
            assert single.eta_seconds == one.starts_in_seconds
    assert (seen.empty_in_seconds, seen.devices[0].starts_in_seconds) == (23.0, 17.0)
    assert seen.oldest_wait_seconds >= seen.next[-1].waiting_seconds >= 0
    assert [one.id for one in read(repo, limit=2).next] == [one.id for one in seen.next[:2]]


def test_queue_without_workers_has_no_estimates(repo):
    assert read(repo).devices[0].device == "cpu"
    assert (read(repo).empty_in_seconds, read(repo).oldest_wait_seconds) == (0.0, None)
    repo.submit()
    seen = read(repo)
    assert (seen.slots, seen.waiting, seen.empty_in_seconds) == (0, 1, None)
    assert seen.next[0].starts_in_seconds is None
