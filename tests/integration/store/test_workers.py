"""Worker slots are registered, listed, counted when idle, and removed when silent."""

import dataclasses

import pytest
from sqlalchemy import update

from store.db.database import now
from store.db.tables import workers as table
from store.errors import NotFound
from store.queue import workers
from store.records import WorkerRecord

SLOT = WorkerRecord("host:1", "host", 1, None, "cpu", 2, heartbeat_at=0.0)


@pytest.fixture
def tx(database):
    with database.write() as open_transaction:
        yield open_transaction


def silence(tx, worker_id, seconds):
    tx.execute(update(table).where(table.c.id == worker_id).values(heartbeat_at=now(tx) - seconds))


def test_registered_slot_is_listed_with_the_databases_time(tx):
    before = now(tx)
    workers.register(tx, SLOT)
    (listed,) = workers.listing(tx)
    assert dataclasses.replace(listed, heartbeat_at=0.0) == SLOT
    assert before <= listed.heartbeat_at <= now(tx)


def test_registering_again_replaces_the_slot(tx):
    workers.register(tx, SLOT)
    workers.register(tx, dataclasses.replace(SLOT, pid=2))
    assert [worker.pid for worker in workers.listing(tx)] == [2]


def test_heartbeat_records_the_experiment_and_the_memory(tx):
    workers.register(tx, SLOT)
    silence(tx, SLOT.id, 100)
    workers.heartbeat(tx, SLOT.id, "exp_1", 77, memory_mb=310.5, peak_memory_mb=400.0)
    (listed,) = workers.listing(tx)
    assert (listed.experiment_id, listed.trainer_pid) == ("exp_1", 77)
    assert (listed.memory_mb, listed.peak_memory_mb) == (310.5, 400.0)
    assert listed.heartbeat_at >= now(tx) - 10


def test_heartbeat_of_an_unregistered_slot_is_refused(tx):
    with pytest.raises(NotFound, match="worker"):
        workers.heartbeat(tx, "nobody", None, None)


def test_idle_slots_are_fresh_and_without_an_experiment(tx):
    for number, device in enumerate(["cpu", "cpu", "cpu", "cuda"]):
        workers.register(tx, dataclasses.replace(SLOT, id=f"w{number}", device=device))
    workers.heartbeat(tx, "w1", "exp_1", None)
    silence(tx, "w2", 31)
    assert workers.count_idle(tx, "cpu", 30) == 1
    assert workers.count_idle(tx, "cpu", 60) == 2
    assert workers.count_idle(tx, "cuda", 30) == 1


def test_removed_and_silent_slots_are_gone(tx):
    for number in range(3):
        workers.register(tx, dataclasses.replace(SLOT, id=f"w{number}"))
    workers.remove(tx, "w0")
    silence(tx, "w1", 100)
    workers.remove_silent(tx, 60)
    assert [worker.id for worker in workers.listing(tx)] == ["w2"]


def test_activity_of_a_slot_is_that_of_the_experiment_it_runs(repo):
    claim = repo.begin(changes={"name": "the one"}, max_memory_mb=700)
    repo.record(claim, 0, 50)
    with repo.database.write() as tx:
        for number, device in enumerate(["cpu", "cuda", "cpu"]):
            slot = dataclasses.replace(SLOT, id=f"w{number}", pid=number, device=device)
            workers.register(tx, slot)
        tx.exec_driver_sql("UPDATE experiments SET steps_per_second = 10.0")
        workers.heartbeat(tx, "w2", claim.experiment_id, 77)
        first, _, busy = found = workers.activities(tx)
        assert workers.activity(tx, "w2") == busy
        with pytest.raises(NotFound, match="worker"):
            workers.activity(tx, "w3")
    assert [slot.name for slot in found] == ["host cpu·0", "host cuda·0", "host cpu·1"]
    assert (first.experiment_name, first.progress, first.seed_steps_per_second) == (None,) * 3
    assert (busy.experiment_name, busy.memory_limit_mb) == ("the one", 700)
    assert (busy.progress.step, busy.progress.of) == (50, 100)
    assert busy.seed_steps_per_second == 10.0 * len(claim.spec.seeds)
