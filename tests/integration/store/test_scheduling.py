"""The line: fair shares among owners, and the place of each, which is the order in which they are claimed."""

import random

import pytest

from store.db.database import now
from store.errors import NotFound
from store.queue import position, workers
from store.records import QueuePosition, WorkerRecord

FRESH = 60.0


def place(repo, experiment_id):
    with repo.database.read() as tx:
        return position.queue_position(tx, experiment_id, fresh_seconds=FRESH)


def hire(repo, *devices, **changes):
    with repo.database.write() as tx:
        for number, device in enumerate(devices):
            workers.register(
                tx, WorkerRecord(f"{device}{number}", "host", 1, None, device, 1, 0.0, **changes)
            )


def test_owners_take_turns_however_many_each_of_them_has(repo):
    for owner in "aaaabbc":
        repo.submit(owner=owner)
    owners = [repo.get(repo.claim().experiment_id).owner for _ in range(7)]
    assert owners == ["a", "b", "c", "a", "b", "a", "a"]


def test_who_has_the_fewest_running_goes_first(repo):
    for owner in "aab":
        repo.submit(owner=owner)
    repo.complete(repo.claim())  # a's
    running = repo.claim()  # nobody has any: a's, who waits longer
    assert repo.get(running.experiment_id).owner == "a"
    late = repo.submit(owner="a")
    assert repo.get(repo.claim().experiment_id).owner == "b"
    assert repo.claim().experiment_id == late.id


def test_priority_comes_before_fairness(repo):
    first, second = repo.submit(owner="a", priority=1), repo.submit(owner="a", priority=1)
    repo.submit(owner="b")
    assert [repo.claim().experiment_id for _ in range(2)] == [first.id, second.id]


def test_an_owner_whose_experiments_are_not_due_or_for_another_device_is_passed_over(repo):
    repo.submit(owner="a", not_before=4e9)
    repo.submit(owner="b", changes={"numerics": {"device": "cuda"}})
    ours = repo.submit(owner="c")
    assert repo.claim().experiment_id == ours.id
    assert repo.claim() is None


@pytest.mark.parametrize("seed", range(4))
def test_the_place_of_each_is_the_order_in_which_they_are_claimed(repo, seed):
    draw = random.Random(seed)
    for _ in range(4):
        repo.submit(owner=draw.choice("abc"))
    for _ in range(3):
        repo.claim()  # these run on
    ids = [
        repo.submit(owner=draw.choice("abcd"), priority=draw.choice([0, 0, 0, 5])).id
        for _ in range(20)
    ]
    repo.submit(priority=9, not_before=4e9)
    repo.submit(priority=9, changes={"numerics": {"device": "cuda"}})
    hidden = 1  # for a row that may run anywhere, what waits for another device is ahead, too
    told = {name: place(repo, name).position - hidden for name in ids}
    order = [claim.experiment_id for _ in range(30) if (claim := repo.claim())]
    assert told == {name: order.index(name) + 1 for name in ids}


def test_only_what_is_queued_has_a_place(repo):
    claim = repo.begin()
    assert place(repo, claim.experiment_id) is None
    with pytest.raises(NotFound):
        place(repo, "exp_" + "0" * 32)


def test_what_another_device_is_for_is_not_ahead(repo):
    repo.submit(changes={"numerics": {"device": "cuda"}})
    ours = repo.submit(changes={"numerics": {"device": "cpu"}})
    assert place(repo, ours.id).position == 1


def test_the_start_is_guessed_from_what_runs_and_what_lately_took_how_long(repo):
    mine = repo.submit()
    assert place(repo, mine.id) == QueuePosition(1, None), "there are no workers"
    hire(repo, "cpu", "cpu")
    assert place(repo, mine.id) == QueuePosition(1, 0.0), "one of them is idle"
    later = repo.submit(not_before=_in(repo, 100.0))
    assert place(repo, later.id).eta_seconds == pytest.approx(100.0, abs=5.0)
    hire(repo, "cpu", draining=True)
    hire(repo, "cuda")
    repo.claim()
    last = repo.submit()
    assert place(repo, last.id).position == 1
    assert place(repo, last.id).eta_seconds == 0.0, "on the other device"


def test_the_start_waits_for_the_one_that_ends_first(repo):
    for _ in range(2):
        claim = repo.begin()
        repo.complete(claim)
        _took(repo, claim.experiment_id, 10.0)
    hire(repo, "cpu", "cpu")
    running = [repo.begin() for _ in range(2)]
    for claim, left in zip(running, (7.0, 3.0), strict=True):
        _left(repo, claim.experiment_id, left)
    waiting = [repo.submit(changes={"numerics": {"device": "cpu"}}).id for _ in range(3)]
    assert [place(repo, name) for name in waiting] == [
        QueuePosition(1, 3.0),
        QueuePosition(2, 7.0),
        QueuePosition(3, (10.0 + 20.0) / 2),
    ]


def _in(repo, seconds):
    with repo.database.read() as tx:
        return now(tx) + seconds


def _took(repo, experiment_id, seconds):
    _set(repo, experiment_id, f"started_at = finished_at - {seconds}")


def _left(repo, experiment_id, seconds):
    _set(repo, experiment_id, f"eta_seconds = {seconds}")


def _set(repo, experiment_id, change):
    with repo.database.write() as tx:
        tx.exec_driver_sql(f"UPDATE experiments SET {change} WHERE id = '{experiment_id}'")
