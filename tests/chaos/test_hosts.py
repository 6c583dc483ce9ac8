"""A server and two workers, each on its own host; cables are cut during training."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from core.spec import ExperimentSpec
from lab import broker
from lab.programs import API_COMMAND
from store.db.migrate import upgrade
from tests.chaos import digests
from tests.chaos.chaos_lab import FAST_SETTINGS, LEASE_SECONDS, wait_for
from tests.chaos.digests import stored_digest
from tests.chaos.network import Network, network
from tests.kit.lab import EXTRAPOLAB
from tests.kit.postgres import postgres_server

SPEC = ExperimentSpec.model_validate(
    {
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": 30, "structure": "general"},
        "training": {"length": 8},
        "optimizer": {"kind": "momentum", "steps": 2_000_000},
        "seeds": [0, 1],
    }
)
"""An experiment of some seconds."""


class DistributedLab:
    """PostgreSQL, Redis and API on ``server``; a worker with one slot on ``left`` and ``right``."""

    def __init__(self, network: Network, folder: Path, stack: ExitStack) -> None:
        self.network, self._folder, self._stack = network, folder, stack
        self._server = network.hosts["server"]
        self.url = f"http://{self._server.address}:8000"
        database = stack.enter_context(
            postgres_server(
                durable=True,
                address=self._server.address,
                command_prefix=self._server.command_prefix,
            )
        )
        upgrade(f"postgresql://postgres@/postgres?host={database.folder}")
        self.database_url = f"postgresql://postgres@{self._server.address}/postgres"
        self._variables = {
            **FAST_SETTINGS,
            "EXTRAPOLAB_DATABASE_URL": self.database_url,
            "EXTRAPOLAB_BROKER_URL": f"redis://{self._server.address}:6379/0",
            "EXTRAPOLAB_ALLOW_ANYONE": "1",
        }
        redis = [
            "--port",
            "6379",
            "--bind",
            self._server.address,
            "--protected-mode",
            "no",
            "--save",
            "",
        ]
        self._start("server", "redis", [str(broker.find_server(None)), *redis])
        self._start(
            "server", "api", [*API_COMMAND, "--host", self._server.address, "--port", "8000"]
        )
        self.workers = {
            name: self._start(name, name, [str(EXTRAPOLAB), "worker", "--slots", "1"])
            for name in ("left", "right")
        }
        wait_for(lambda: len(self._get("/v1/workers")["items"]) == 2)

    def _start(self, host: str, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        process = self.network.hosts[host].start(
            command, self._folder / f"{name}.log", **self._variables
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def _get(self, path: str) -> dict[str, Any]:
        try:
            answer = self._server.request("GET", self.url + path)
        except httpx2.TransportError:  # it is starting
            return {"items": []}
        return answer.json() if answer.is_success else {"items": []}

    def submit(self, spec: ExperimentSpec = SPEC) -> str:
        answer = self._server.request(
            "POST", f"{self.url}/v1/experiments?on_duplicate=rerun", json=spec.model_dump()
        )
        assert answer.status_code == 202, answer.text
        return f"/v1/experiments/{answer.json()['id']}"

    def wait_for_training(self, path: str) -> str:
        """Waits for an experiment to progress; returns the host that trains it."""

        def training_host() -> str | None:
            experiment = self._get(path)
            progress = experiment.get("progress") or {}
            if experiment.get("state") != "running" or not progress.get("step"):
                return None
            hosts = {
                child.pid: name
                for name, worker in self.workers.items()
                for child in children(worker.pid)
            }
            pids = [
                slot["pid"]
                for slot in self._get("/v1/workers")["items"]
                if slot["experiment_id"] == experiment["id"]
            ]
            return hosts[pids[0]] if pids else None

        return wait_for(training_host)

    def wait_for_end(self, path: str) -> dict[str, Any]:
        return wait_for(
            lambda: (
                (experiment := self._get(path)).get("state") in {"completed", "failed"}
                and experiment
            )
        )

    def cancel(self, path: str) -> None:
        self._server.request("POST", f"{self.url}{path}:cancel")
        wait_for(lambda: self._get(path).get("state") == "cancelled")

    def events(self, path: str) -> list[str]:
        return [event["kind"] for event in self._get(f"{path}/events")["items"]]

    def result(self, path: str) -> str:
        return stored_digest(self._get, path)


@contextmanager
def killed_after(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


@pytest.fixture(scope="module")
def lab() -> Iterator[DistributedLab]:
    with ExitStack() as stack:
        hosts = stack.enter_context(network("left", "right"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hosts-")))
        yield DistributedLab(hosts, folder, stack)


@pytest.fixture(scope="module")
def expected_digest() -> str:
    return digests.expected_digest(SPEC)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", [0, pytest.param(25, marks=pytest.mark.chaos)])
def test_a_host_that_is_cut_off_loses_its_experiment_and_recovers(
    lab, expected_digest, seconds, capsys
):
    """Cut off until the other has finished, or so long that all connections time out."""
    path = lab.submit()
    cut_off = lab.wait_for_training(path)
    log_length, began = len(lab.log(cut_off)), time.monotonic()
    lab.network.cut(cut_off)
    wait_for(lambda: lab.events(path).count("started") == 2)
    taken = time.monotonic() - began
    assert lab.wait_for_end(path)["state"] == "completed"
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    lab.network.heal(cut_off)
    healed = time.monotonic()
    wait_for(
        lambda: "attempt=1 worker.attempt: dropping the attempt" in lab.log(cut_off)[log_length:]
    )
    back = time.monotonic() - healed
    assert lab.events(path) == ["submitted", "started", "lease_expired", "started", "completed"]
    assert lab.result(path) == expected_digest
    other = next(name for name in lab.workers if name != cut_off)
    lab.network.cut(other)
    later = lab.submit()
    assert lab.wait_for_training(later) == cut_off, "it works again"
    lab.network.heal(other)
    assert lab.wait_for_end(later)["state"] == "completed"
    with capsys.disabled():
        print(
            f"\na cable cut at lease {LEASE_SECONDS:g} s: taken over after {taken:.1f} s; "
            f"healed, the zombie gave up after {back:.1f} s"
        )


HOLD_ROW_LOCK = """
import sys, time
from sqlalchemy import select
from store.db.database import Database
from store.db.tables import experiments
database = Database(sys.argv[1])
with database.write() as tx:
    row = select(experiments.c.id).where(experiments.c.id == sys.argv[2])
    tx.execute(row.with_for_update()).one()
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_the_locks_of_a_host_that_is_cut_off_are_released_in_seconds(lab, capsys):
    path = lab.submit(
        SPEC.model_copy(
            update={"optimizer": SPEC.optimizer.model_copy(update={"steps": 10_000_000})}
        )
    )
    cut_off = lab.wait_for_training(path)
    command = [sys.executable, "-c", HOLD_ROW_LOCK, lab.database_url, path.rpartition("/")[2]]
    holder = subprocess.Popen(
        [*lab.network.hosts[cut_off].command_prefix, *command], stdout=subprocess.PIPE
    )
    with holder, killed_after(holder):
        assert holder.stdout.readline() == b"held\n"
        lab.network.cut(cut_off)
        began = time.monotonic()
        wait_for(
            lambda: lab.events(path).count("started") > 1, seconds=60
        )  # without TCP keepalives, a quarter of an hour
        taken = time.monotonic() - began
        lab.network.heal(cut_off)
    lab.cancel(path)
    with capsys.disabled():
        print(
            f"\na cable cut inside a transaction, lease {LEASE_SECONDS:g} s: "
            f"taken over after {taken:.1f} s"
        )


@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_a_server_that_is_cut_off_costs_only_time(lab, expected_digest, capsys):
    path = lab.submit()
    lab.wait_for_training(path)
    lab.network.cut("server")
    time.sleep(25)
    lab.network.heal("server")
    healed = time.monotonic()
    assert lab.wait_for_end(path)["state"] == "completed"
    assert lab.events(path).count("completed") == 1
    assert lab.result(path) == expected_digest
    with capsys.disabled():
        print(
            f"\nthe server cut off for 25 s: completed {time.monotonic() - healed:.1f} s after that"
        )
