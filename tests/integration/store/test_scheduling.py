"""Scheduling gives owners fair shares; queue positions match the order of claims."""

import random

import pytest

from store.db.database import now
from store.errors import NotFound
from store.queue import position, workers
from store.records import QueuePosition, WorkerRecord

FRESH = 60.0


def queue_position(repo, experiment_id):
    with repo.database.read() as tx:
        return position.queue_position(tx, experiment_id, fresh_seconds=FRESH)


def add_workers(repo, *devices, **changes):
    with repo.database.write() as tx:
        for number, device in enumerate(devices):
            workers.register(
                tx, WorkerRecord(f"{device}{number}", "host", 1, None, device, 1, 0.0, **changes)
            )


def test_owners_take_turns_regardless_of_how_much_each_submits(repo):
    for owner in "aaaabbc":
        repo.submit(owner=owner)
    owners = [repo.get(repo.claim().experiment_id).owner for _ in range(7)]
    assert owners == ["a", "b", "c", "a", "b", "a", "a"]


def test_owner_with_the_fewest_running_goes_first(repo):
    for owner in "aab":
        repo.submit(owner=owner)
    repo.complete(repo.claim())  # of a
    running = repo.claim()  # nobody has any running; a has waited longest
    assert repo.get(running.experiment_id).owner == "a"
    late = repo.submit(owner="a")
    assert repo.get(repo.claim().experiment_id).owner == "b"
    assert repo.claim().experiment_id == late.id


def test_priority_comes_before_fairness(repo):
    first, second = repo.submit(owner="a", priority=1), repo.submit(owner="a", priority=1)
    repo.submit(owner="b")
    assert [repo.claim().experiment_id for _ in range(2)] == [first.id, second.id]


def test_owner_without_claimable_experiments_is_skipped(repo):
    repo.submit(owner="a", not_before=4e9)
    repo.submit(owner="b", changes={"numerics": {"device": "cuda"}})
    claimable = repo.submit(owner="c")
    assert repo.claim().experiment_id == claimable.id
    assert repo.claim() is None


@pytest.mark.parametrize("seed", range(4))
def test_positions_match_the_order_of_claims(repo, seed):
    draw = random.Random(seed)
    for _ in range(4):
        repo.submit(owner=draw.choice("abc"))
    for _ in range(3):
        repo.claim()  # keeps running
    ids = [
        repo.submit(owner=draw.choice("abcd"), priority=draw.choice([0, 0, 0, 5])).id
        for _ in range(20)
    ]
    repo.submit(priority=9, not_before=4e9)
    repo.submit(priority=9, changes={"numerics": {"device": "cuda"}})
    of_other_device = 1  # is ahead of experiments for any device too
    positions = {name: queue_position(repo, name).position - of_other_device for name in ids}
    order = [claim.experiment_id for _ in range(30) if (claim := repo.claim())]
    assert positions == {name: order.index(name) + 1 for name in ids}


def test_only_queued_experiments_have_a_position(repo):
    claim = repo.begin()
    assert queue_position(repo, claim.experiment_id) is None
    with pytest.raises(NotFound):
        queue_position(repo, "exp_" + "0" * 32)


def test_experiments_for_another_device_are_not_ahead(repo):
    repo.submit(changes={"numerics": {"device": "cuda"}})
    on_cpu = repo.submit(changes={"numerics": {"device": "cpu"}})
    assert queue_position(repo, on_cpu.id).position == 1


def test_start_is_estimated_from_idle_workers_and_due_time(repo):
    first = repo.submit()
    assert queue_position(repo, first.id) == QueuePosition(1, None), "no workers"
    add_workers(repo, "cpu", "cpu")
    assert queue_position(repo, first.id) == QueuePosition(1, 0.0), "a worker is idle"
    later = repo.submit(not_before=seconds_from_now(repo, 100.0))
    assert queue_position(repo, later.id).eta_seconds == pytest.approx(100.0, abs=5.0)
    add_workers(repo, "cpu", draining=True)
    add_workers(repo, "cuda")
    repo.claim()
    last = repo.submit()
    assert queue_position(repo, last.id).position == 1
    assert queue_position(repo, last.id).eta_seconds == 0.0, "the other device is idle"


def test_start_is_estimated_from_running_and_recent_experiments(repo):
    for _ in range(2):
        claim = repo.begin()
        repo.complete(claim)
        set_duration(repo, claim.experiment_id, 10.0)
    add_workers(repo, "cpu", "cpu")
    running = [repo.begin() for _ in range(2)]
    for claim, left in zip(running, (7.0, 3.0), strict=True):
        set_eta(repo, claim.experiment_id, left)
    waiting = [repo.submit(changes={"numerics": {"device": "cpu"}}).id for _ in range(3)]
    assert [queue_position(repo, name) for name in waiting] == [
        QueuePosition(1, 3.0),
        QueuePosition(2, 7.0),
        QueuePosition(3, 3.0 + 10.0),
    ]


def seconds_from_now(repo, seconds):
    with repo.database.read() as tx:
        return now(tx) + seconds


def set_duration(repo, experiment_id, seconds):
    _set(repo, experiment_id, f"started_at = finished_at - {seconds}")


def set_eta(repo, experiment_id, seconds):
    _set(repo, experiment_id, f"eta_seconds = {seconds}")


def _set(repo, experiment_id, change):
    with repo.database.write() as tx:
        tx.exec_driver_sql(f"UPDATE experiments SET {change} WHERE id = '{experiment_id}'")
