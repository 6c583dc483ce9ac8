"""A lab's workers from the command line: listed with their experiments, and drained."""

import dataclasses
import json
import shutil

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from extrapolab import Lab, NotFound
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from store.db import tables
from store.db.database import Database, now
from store.queue import workers
from store.records import WorkerRecord
from tests.integration.service.process import served

SLOT = WorkerRecord("worker_0", "node1", 10, 11, "cpu", 1, heartbeat_at=0.0)


@pytest.fixture(scope="module")
def url(migrated_sqlite, tmp_path_factory):
    """A lab whose slots are only rows: a busy one, an idle one, and one without a heartbeat."""
    database_url = (
        f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path_factory.mktemp('workers') / 'lab.db')}"
    )
    database = Database(database_url)
    with database.write() as tx:
        for number, experiment_id in enumerate(("exp_1", None, "exp_2")):
            workers.register(
                tx, dataclasses.replace(SLOT, id=f"worker_{number}", experiment_id=experiment_id)
            )
        silent = update(tables.workers).where(tables.workers.c.id == "worker_2")
        tx.execute(silent.values(heartbeat_at=now(tx) - 31))
    database.dispose()
    with served(
        database_url, EXTRAPOLAB_LEASE_SECONDS="30", EXTRAPOLAB_REAPER_SECONDS="3600"
    ) as service:
        yield service.url


def invoke(url, *arguments):
    return CliRunner().invoke(app, ["--url", url, *arguments])


def states(url):
    with Lab(url) as lab:
        return {worker.id: worker.state for worker in lab.workers()}


def test_slots_are_listed_and_drained(url):
    assert states(url) == {"worker_0": "busy", "worker_1": "idle", "worker_2": "stale"}
    lines = invoke(url, "workers").stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["node1", "cpu·0", "busy"],
        ["node1", "cpu·1", "idle"],
        ["node1", "cpu·2", "stale"],
    ]
    assert "worker_0" in lines[1]
    drained = invoke(url, "workers", "drain", "worker_0", "worker_1")
    assert drained.stdout.split() == ["worker_0", "draining", "worker_1", "drained"]
    assert states(url) == {"worker_0": "draining", "worker_1": "drained", "worker_2": "stale"}
    again = json.loads(invoke(url, "workers", "drain", "worker_1", "--json").stdout)
    assert (again["id"], again["state"]) == ("worker_1", "drained")


@pytest.mark.parametrize("name", ["worker_9", "exp_1", "a b", "λ"])
def test_unknown_slot_cannot_be_drained(url, name):
    result = invoke(url, "workers", "drain", name)
    assert result.exit_code == ExitCode.REFUSED
    assert "there is no worker" in result.stderr
    with Lab(url) as lab, pytest.raises(NotFound):
        lab.drain(name)


def test_queue_shows_devices_and_what_is_next(url, spec):
    with Lab(url) as lab:
        waiting = [lab.submit(spec(name=f"waiting {number}")) for number in range(3)]
        queue = lab.queue(limit=2)
        assert [queued.id for queued in queue.next] == [waiting[0].id, waiting[1].id]
        assert (queue.waiting, queue.devices[0].device, queue.devices[0].waiting) == (3, "cpu", 3)
    heading, device, _, columns, *rows = invoke(url, "queue", "--limit", "2").stdout.splitlines()
    assert heading.split()[:4] == ["device", "slots", "running", "waiting"]
    assert (device.split()[0], device.split()[2:4]) == ("cpu", ["0", "3"])
    assert columns.split()[:3] == ["starts", "in", "id"]
    assert [waiting[0].id in rows[0], waiting[1].id in rows[1]] == [True, True]
    assert rows[2] == "and 1 more"
    answer = json.loads(invoke(url, "queue", "--json", "--limit", "0").stdout)
    assert (answer["waiting"], answer["next"]) == (3, [])


def test_what_needs_somebody_is_listed(url):
    with Lab(url) as lab:
        kinds = {notice.kind: notice for notice in lab.attention()}
    assert "node1 cpu·2" in kinds["stale_worker"].sentence
    assert kinds["stale_worker"].action
