"""The line: fair shares among owners, and the place of each, which is the order in which they are claimed."""

import random

import pytest

from store.db.database import now
from store.errors import NotFound
from store.queue import scheduling, workers
from store.records import Place, WorkerRecord

FRESH = 60.0


def place(desk, experiment_id):
    with desk.database.read() as tx:
        return scheduling.place(tx, experiment_id, fresh_seconds=FRESH)


def hire(desk, *devices, **changes):
    with desk.database.write() as tx:
        for number, device in enumerate(devices):
            workers.register(
                tx, WorkerRecord(f"{device}{number}", "host", 1, None, device, 1, 0.0, **changes)
            )


def test_owners_take_turns_however_many_each_of_them_has(desk):
    for owner in "aaaabbc":
        desk.submit(owner=owner)
    owners = [desk.get(desk.claim().experiment_id).owner for _ in range(7)]
    assert owners == ["a", "b", "c", "a", "b", "a", "a"]


def test_who_has_the_fewest_running_goes_first(desk):
    for owner in "aab":
        desk.submit(owner=owner)
    desk.complete(desk.claim())  # a's
    running = desk.claim()  # nobody has any: a's, who waits longer
    assert desk.get(running.experiment_id).owner == "a"
    late = desk.submit(owner="a")
    assert desk.get(desk.claim().experiment_id).owner == "b"
    assert desk.claim().experiment_id == late.id


def test_priority_comes_before_fairness(desk):
    first, second = desk.submit(owner="a", priority=1), desk.submit(owner="a", priority=1)
    desk.submit(owner="b")
    assert [desk.claim().experiment_id for _ in range(2)] == [first.id, second.id]


def test_an_owner_whose_experiments_are_not_due_or_for_another_device_is_passed_over(desk):
    desk.submit(owner="a", not_before=4e9)
    desk.submit(owner="b", changes={"numerics": {"device": "cuda"}})
    ours = desk.submit(owner="c")
    assert desk.claim().experiment_id == ours.id
    assert desk.claim() is None


@pytest.mark.parametrize("seed", range(4))
def test_the_place_of_each_is_the_order_in_which_they_are_claimed(desk, seed):
    draw = random.Random(seed)
    for _ in range(4):
        desk.submit(owner=draw.choice("abc"))
    for _ in range(3):
        desk.claim()  # these run on
    ids = [
        desk.submit(owner=draw.choice("abcd"), priority=draw.choice([0, 0, 0, 5])).id
        for _ in range(20)
    ]
    desk.submit(priority=9, not_before=4e9)
    desk.submit(priority=9, changes={"numerics": {"device": "cuda"}})
    hidden = 1  # for a row that may run anywhere, what waits for another device is ahead, too
    told = {name: place(desk, name).position - hidden for name in ids}
    order = [claim.experiment_id for _ in range(30) if (claim := desk.claim())]
    assert told == {name: order.index(name) + 1 for name in ids}


def test_only_what_is_queued_has_a_place(desk):
    claim = desk.begin()
    assert place(desk, claim.experiment_id) is None
    with pytest.raises(NotFound):
        place(desk, "exp_" + "0" * 32)


def test_what_another_device_is_for_is_not_ahead(desk):
    desk.submit(changes={"numerics": {"device": "cuda"}})
    ours = desk.submit(changes={"numerics": {"device": "cpu"}})
    assert place(desk, ours.id).position == 1


def test_the_start_is_guessed_from_what_runs_and_what_lately_took_how_long(desk):
    mine = desk.submit()
    assert place(desk, mine.id) == Place(1, None), "there are no workers"
    hire(desk, "cpu", "cpu")
    assert place(desk, mine.id) == Place(1, 0.0), "one of them is idle"
    later = desk.submit(not_before=_in(desk, 100.0))
    assert place(desk, later.id).eta_seconds == pytest.approx(100.0, abs=5.0)
    hire(desk, "cpu", draining=True)
    hire(desk, "cuda")
    desk.claim()
    last = desk.submit()
    assert place(desk, last.id).position == 1
    assert place(desk, last.id).eta_seconds == 0.0, "on the other device"


def test_the_start_waits_for_the_one_that_ends_first(desk):
    for _ in range(2):
        claim = desk.begin()
        desk.complete(claim)
        _took(desk, claim.experiment_id, 10.0)
    hire(desk, "cpu", "cpu")
    running = [desk.begin() for _ in range(2)]
    for claim, left in zip(running, (7.0, 3.0), strict=True):
        _left(desk, claim.experiment_id, left)
    waiting = [desk.submit(changes={"numerics": {"device": "cpu"}}).id for _ in range(3)]
    assert [place(desk, name) for name in waiting] == [
        Place(1, 3.0),
        Place(2, 7.0),
        Place(3, (10.0 + 20.0) / 2),
    ]


def _in(desk, seconds):
    with desk.database.read() as tx:
        return now(tx) + seconds


def _took(desk, experiment_id, seconds):
    _set(desk, experiment_id, f"started_at = finished_at - {seconds}")


def _left(desk, experiment_id, seconds):
    _set(desk, experiment_id, f"eta_seconds = {seconds}")


def _set(desk, experiment_id, change):
    with desk.database.write() as tx:
        tx.exec_driver_sql(f"UPDATE experiments SET {change} WHERE id = '{experiment_id}'")
