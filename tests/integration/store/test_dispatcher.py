"""The dispatcher wakes as many workers as can start, and no broker failure stops it."""

import contextlib
import dataclasses
import json
import time

import pytest
from sqlalchemy import update

from store.db import migrate
from store.db.database import Database, now
from store.db.tables import workers as table
from store.experiments import repository as experiments
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.queue import reports, scheduling, workers
from store.queue.celery_app import WORK
from store.queue.dispatcher import Dispatcher
from store.records import WorkerRecord
from store.settings import Settings
from store.states import State
from store.sweeps import staging as sweep_staging
from store.sweeps import submission as sweep_submission
from tests.integration.store.test_sweeps import draft
from tests.kit import sample_specs
from tests.kit.redis import running_redis

SLOT = WorkerRecord("w0", "host", 1, None, "cpu", 1, heartbeat_at=0.0)


def add_workers(database, *devices):
    with database.write() as tx:
        for number, device in enumerate(devices):
            workers.register(tx, dataclasses.replace(SLOT, id=f"{device}{number}", device=device))


@contextlib.contextmanager
def running_dispatcher(database, broker_url, *, reaper_seconds=30.0, **changes):
    dispatcher = Dispatcher(
        database, Settings(broker_url=broker_url, reaper_seconds=reaper_seconds, **changes)
    )
    dispatcher.start()
    try:
        yield dispatcher
    finally:
        dispatcher.stop()


def eventually(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def lengths(redis_server, broker_url):
    """A function that returns the number of unread messages in each queue."""
    client = redis_server.client()
    yield lambda: (client.llen("cpu"), client.llen("gpu"))
    client.close()


def test_a_commit_that_queues_experiments_wakes_as_many_workers_as_can_start(
    repo, broker_url, lengths
):
    add_workers(repo.database, "cpu", "cpu", "cpu", "cpu", "cuda")
    on_cpu = {"numerics": {"device": "cpu"}}
    repo.submit(changes=on_cpu)
    with running_dispatcher(repo.database, broker_url):
        eventually(lambda: lengths() == (1, 0))  # from the first pass; the next is due in 30 s
        for _ in range(2):
            repo.submit(changes=on_cpu)
        eventually(lambda: lengths() == (3, 0))


def publish(repo):
    large = draft({"path": "optimizer.lr", "values": [0.1, 0.2, 0.3]})
    batch = sweep_staging.stage(repo.database, large, owner="ada", options=Options())
    assert batch is not None
    yield
    with repo.database.write() as tx:
        sweep_submission.submit(tx, large, owner="ada", options=Options(), staged=batch)


def resume(repo):
    experiment_id = repo.submit().id
    with repo.database.write() as tx:
        experiments.request_pause(tx, experiment_id)
    yield
    with repo.database.write() as tx:
        experiments.resume(tx, experiment_id)


def retry(repo):
    experiment_id = repo.submit().id
    with repo.database.write() as tx:
        experiments.request_cancel(tx, experiment_id)
    yield
    with repo.database.write() as tx:
        experiments.retry(tx, experiment_id)


def hand_back(repo):
    claim = repo.begin()
    yield
    with repo.database.write() as tx:
        reports.hand_back(tx, claim)


def reap(repo):
    repo.lose(repo.begin())
    yield
    assert repo.reap() == 1


def submit(repo):
    yield
    repo.submit()


@pytest.mark.parametrize("queueing", [submit, publish, resume, retry, hand_back, reap])
def test_each_way_into_the_queue_notifies_after_its_commit(repo, monkeypatch, queueing):
    monkeypatch.setattr("store.experiments.staging.WRITE_BATCH", 2)
    steps, waiting = queueing(repo), []

    def count_waiting():
        with repo.database.read() as tx:
            waiting.append(scheduling.count_waiting(tx, "cpu", limit=9))

    next(steps)
    repo.database.on_work.append(count_waiting)
    assert next(steps, None) is None
    assert waiting in ([1], [3])


def test_other_commits_and_rollbacks_do_not_notify(repo):
    def submit_and_fail():
        with repo.database.write() as tx:
            item = Draft.from_spec(sample_specs.spec()), ()
            submission.submit(tx, [item], owner="ada", options=Options(), rerun=True)
            raise ZeroDivisionError

    experiment_id, notified = repo.submit().id, []
    repo.database.on_work.append(lambda: notified.append(True))
    repo.complete(repo.claim())
    with repo.database.write() as tx:
        experiments.edit(tx, experiment_id, version=1, name="another")
    with pytest.raises(ZeroDivisionError):
        submit_and_fail()
    with repo.database.write() as tx:
        experiments.remove(tx, experiment_id)
    assert notified == []


def test_only_idle_workers_are_woken(repo, broker_url, lengths):
    add_workers(repo.database, "cpu")
    for _ in range(5):
        repo.submit()
    with running_dispatcher(repo.database, broker_url):
        eventually(lambda: lengths() == (1, 0))


def test_each_device_has_its_own_queue(repo, broker_url, lengths):
    add_workers(repo.database, "cpu", "cuda")
    repo.submit(changes={"numerics": {"device": "cuda"}})
    with running_dispatcher(repo.database, broker_url):
        eventually(lambda: lengths() == (0, 1))


def test_message_names_the_task_without_arguments(repo, broker_url, lengths, redis_server):
    add_workers(repo.database, "cpu")
    repo.submit()
    with running_dispatcher(repo.database, broker_url):
        eventually(lambda: lengths() == (1, 0))
    with redis_server.client() as client:
        message = json.loads(client.lindex("cpu", 0))
    assert (message["headers"]["task"], message["headers"]["argsrepr"]) == (WORK, "()")


def test_unread_messages_are_not_repeated(repo, broker_url, lengths):
    add_workers(repo.database, "cpu", "cpu")
    for _ in range(2):
        repo.submit()
    with running_dispatcher(repo.database, broker_url, reaper_seconds=0.05) as dispatcher:
        eventually(lambda: lengths() == (2, 0))
        for _ in range(20):
            dispatcher.notify()
            time.sleep(0.02)
        assert lengths() == (2, 0)


def test_lost_messages_are_sent_again(repo, broker_url, lengths, redis_server):
    add_workers(repo.database, "cpu")
    repo.submit()
    with running_dispatcher(repo.database, broker_url, reaper_seconds=0.1):
        for _ in range(3):
            eventually(lambda: lengths() == (1, 0))
            with redis_server.client() as client:
                client.flushall()


def test_reaper_runs_even_under_constant_notifications(repo, broker_url):
    claim = repo.begin()
    with running_dispatcher(repo.database, broker_url, reaper_seconds=0.1) as dispatcher:
        time.sleep(0.05)
        repo.lose(claim)

        def is_queued():
            dispatcher.notify()
            return repo.get(claim.experiment_id).state is State.QUEUED

        eventually(is_queued)


def test_slots_silent_for_a_minute_and_ten_leases_are_removed(repo, broker_url):
    add_workers(repo.database, "cpu")
    with repo.database.write() as tx:
        tx.execute(update(table).values(heartbeat_at=now(tx) - 70))

    def listed():
        with repo.database.read() as tx:
            return workers.listing(tx)

    with running_dispatcher(repo.database, broker_url, reaper_seconds=0.05, lease_seconds=10.0):
        time.sleep(0.5)
        assert listed()
    with running_dispatcher(repo.database, broker_url, reaper_seconds=0.05, lease_seconds=5.0):
        eventually(lambda: not listed(), seconds=3)


def test_dead_broker_delays_neither_notifications_nor_reaper(repo, caplog):
    add_workers(repo.database, "cpu")
    repo.submit()
    claim = repo.claim()
    repo.submit()
    with running_dispatcher(
        repo.database, "redis+socket:///nowhere/redis.sock", reaper_seconds=0.05
    ) as dispatcher:
        started = time.monotonic()
        for _ in range(100):
            dispatcher.notify()
        assert time.monotonic() - started < 1
        eventually(lambda: "cannot wake workers" in caplog.text)
        time.sleep(0.3)  # time for further passes
        repo.lose(claim)
        eventually(lambda: repo.get(claim.experiment_id).state is State.QUEUED, seconds=3)
    assert caplog.text.count("cannot wake workers") == 1  # once, not for every retry


def test_broker_that_returns_empty_is_used_again(repo, caplog):
    add_workers(repo.database, "cpu")
    repo.submit()
    with (
        running_redis() as server,
        server.client() as client,
        running_dispatcher(repo.database, server.url, reaper_seconds=0.1),
    ):
        eventually(lambda: client.llen("cpu") == 1)
        server.kill()
        time.sleep(0.3)
        server.start()
        client.flushall()
        eventually(lambda: client.llen("cpu") == 1, seconds=20)


def test_dispatcher_outlasts_a_missing_database(tmp_path, broker_url, caplog):
    database = Database(f"sqlite:///{tmp_path}/missing/lab.db")
    with running_dispatcher(database, broker_url, reaper_seconds=0.05):
        eventually(lambda: "cannot wake workers" in caplog.text)
        (tmp_path / "missing").mkdir()
        migrate.upgrade(str(database.url))
        eventually(lambda: "waking workers again" in caplog.text)
    database.dispose()
