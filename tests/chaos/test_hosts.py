"""A server and two workers, each on a host of its own: the cable of one is cut in mid-training."""

import json
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
import torch

from core.run import run
from core.spec import ExperimentSpec
from lab import broker
from lab.programs import API_COMMAND
from store.db.migrate import upgrade
from tests.chaos.history import digest
from tests.chaos.hosts import Network, network
from tests.chaos.scene import HASTE, LEASE_SECONDS, until
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
"""Some seconds of training."""


class Lab:
    """PostgreSQL, Redis and API on ``server``, a worker of one slot on each of ``left`` and ``right``."""

    def __init__(self, net: Network, folder: Path, stack: ExitStack) -> None:
        self.net, self._folder, self._stack = net, folder, stack
        self._server = net.hosts["server"]
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
            **HASTE,
            "EXTRAPOLAB_DATABASE_URL": self.database_url,
            "EXTRAPOLAB_BROKER_URL": f"redis://{self._server.address}:6379/0",
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
        until(lambda: len(self._ask("/v1/workers")["items"]) == 2)

    def _start(self, host: str, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        process = self.net.hosts[host].start(
            command, self._folder / f"{name}.log", **self._variables
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            answer = self._server.ask("GET", self.url + path)
        except httpx2.TransportError:  # it starts
            return {"items": []}
        return answer.json() if answer.is_success else {"items": []}

    def submit(self, spec: ExperimentSpec = SPEC) -> str:
        answer = self._server.ask(
            "POST", f"{self.url}/v1/experiments?on_duplicate=rerun", json=spec.model_dump()
        )
        assert answer.status_code == 202, answer.text
        return f"/v1/experiments/{answer.json()['id']}"

    def trained_at(self, path: str) -> str:
        """The host that trains an experiment, once it has come some way."""

        def look() -> str | None:
            now = self._ask(path)
            if now.get("state") != "running" or not (now["progress"] or {}).get("step"):
                return None
            slots = {
                child.pid: name
                for name, worker in self.workers.items()
                for child in children(worker.pid)
            }
            working = [
                one["pid"]
                for one in self._ask("/v1/workers")["items"]
                if one["experiment_id"] == now["id"]
            ]
            return slots[working[0]] if working else None

        return until(look)

    def ended(self, path: str) -> dict[str, Any]:
        return until(
            lambda: (now := self._ask(path)).get("state") in {"completed", "failed"} and now
        )

    def cancel(self, path: str) -> None:
        self._server.ask("POST", f"{self.url}{path}:cancel")
        until(lambda: self._ask(path).get("state") == "cancelled")

    def events(self, path: str) -> list[str]:
        return [event["kind"] for event in self._ask(f"{path}/events")["items"]]

    def result(self, path: str) -> str:
        return digest(self._ask(f"{path}/result"))


@contextmanager
def killed_after(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with ExitStack() as stack:
        net = stack.enter_context(network("left", "right"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hosts-")))
        yield Lab(net, folder, stack)


@pytest.fixture(scope="module")
def undisturbed() -> str:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = digest(json.loads(run(SPEC).model_dump_json()))
    torch.set_num_threads(threads)
    return found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", [0, pytest.param(25, marks=pytest.mark.chaos)])
def test_a_host_that_is_cut_off_loses_its_experiment_to_another_and_comes_back(
    lab, undisturbed, seconds, capsys
):
    """Cut off for as long as the other takes; or so long that every connection is given up."""
    path = lab.submit()
    cut_off = lab.trained_at(path)
    said, began = len(lab.said(cut_off)), time.monotonic()
    lab.net.cut(cut_off)
    until(lambda: lab.events(path).count("started") == 2)
    taken = time.monotonic() - began
    assert lab.ended(path)["state"] == "completed"
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    lab.net.heal(cut_off)
    healed = time.monotonic()
    until(lambda: "attempt=1 worker.attempt: dropping the attempt" in lab.said(cut_off)[said:])
    back = time.monotonic() - healed
    assert lab.events(path) == ["submitted", "started", "lease_expired", "started", "completed"]
    assert lab.result(path) == undisturbed
    other = next(name for name in lab.workers if name != cut_off)
    lab.net.cut(other)
    later = lab.submit()
    assert lab.trained_at(later) == cut_off, "it trains again"
    lab.net.heal(other)
    assert lab.ended(later)["state"] == "completed"
    with capsys.disabled():
        print(
            f"\na cable cut at lease {LEASE_SECONDS:g} s: taken over after {taken:.1f} s; "
            f"healed, the zombie gave up after {back:.1f} s"
        )


HOLDING = """
import sys, time
from sqlalchemy import select
from store.db.database import Database
from store.db.tables import experiments
database = Database(sys.argv[1])
with database.write() as tx:
    tx.execute(select(experiments.c.id).where(experiments.c.id == sys.argv[2]).with_for_update()).one()
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_a_host_that_is_cut_off_in_the_middle_of_a_transaction_keeps_its_locks_for_seconds_only(
    lab, capsys
):
    path = lab.submit(
        SPEC.model_copy(
            update={"optimizer": SPEC.optimizer.model_copy(update={"steps": 10_000_000})}
        )
    )
    cut_off = lab.trained_at(path)
    command = [sys.executable, "-c", HOLDING, lab.database_url, path.rpartition("/")[2]]
    holder = subprocess.Popen(
        [*lab.net.hosts[cut_off].command_prefix, *command], stdout=subprocess.PIPE
    )
    with holder, killed_after(holder):
        assert holder.stdout.readline() == b"held\n"
        lab.net.cut(cut_off)
        began = time.monotonic()
        until(
            lambda: lab.events(path).count("started") > 1, seconds=60
        )  # without signs of life a quarter of an hour
        taken = time.monotonic() - began
        lab.net.heal(cut_off)
    lab.cancel(path)
    with capsys.disabled():
        print(
            f"\na cable cut inside a transaction, lease {LEASE_SECONDS:g} s: taken over after {taken:.1f} s"
        )


@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_a_server_that_is_cut_off_from_all_workers_costs_only_time(lab, undisturbed, capsys):
    path = lab.submit()
    lab.trained_at(path)
    lab.net.cut("server")
    time.sleep(25)
    lab.net.heal("server")
    healed = time.monotonic()
    assert lab.ended(path)["state"] == "completed"
    assert lab.events(path).count("completed") == 1
    assert lab.result(path) == undisturbed
    with capsys.disabled():
        print(
            f"\nthe server cut off for 25 s: completed {time.monotonic() - healed:.1f} s after that"
        )
