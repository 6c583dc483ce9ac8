"""Live workers of this host, by their rows in the database."""

import os
import platform
import time

import pytest

from lab import worker_checks
from lab.errors import NoWorker
from store.db.tables import workers as table
from store.queue import workers
from store.records import WorkerRecord


def slot(name: str, **changes) -> WorkerRecord:
    values = {
        "host": platform.node(),
        "pid": os.getpid(),
        "trainer_pid": None,
        "device": "cpu",
        "threads": 1,
    }
    return WorkerRecord(id=name, heartbeat_at=0.0, **{**values, **changes})


@pytest.fixture(autouse=True)
def settings(monkeypatch, database_url):
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", database_url)


def test_live_slots_of_this_host_are_counted(database):
    with database.write() as tx:
        workers.register(tx, slot("a"))
        workers.register(tx, slot("b"))
        workers.register(tx, slot("c", host="elsewhere"))
    assert worker_checks.check_host() == f"Live worker slots of {platform.node()}: 2."


def test_without_live_slots_the_check_fails(database):
    with database.write() as tx:
        workers.register(tx, slot("c", host="elsewhere"))
    with pytest.raises(NoWorker, match=f"No worker slot of {platform.node()}"):
        worker_checks.check_host()


def test_a_slot_without_a_heartbeat_for_a_lease_does_not_count(database):
    with database.write() as tx:
        workers.register(tx, slot("a"))
        tx.execute(table.update().values(heartbeat_at=time.time() - 31))
    with pytest.raises(NoWorker):
        worker_checks.check_host()


def test_a_database_without_tables_fails_the_check(monkeypatch, tmp_path):
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(NoWorker, match="extrapolab migrate"):
        worker_checks.check_host()


def test_an_unsupported_database_url_fails_the_check(monkeypatch):
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", "mysql://somewhere")
    with pytest.raises(NoWorker, match="mysql://somewhere"):
        worker_checks.check_host()
