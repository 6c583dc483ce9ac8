"""The scene of a play: a lab as its users start it, on either database, and the hands that reach into it."""

import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx2
import psutil
import redis

from tests.kit.database import postgres_url
from tests.kit.lab import RunningLab, running_lab
from tests.kit.postgres import PostgresServer, postgres_server

LEASE_SECONDS = 2.0
HASTE = {
    "EXTRAPOLAB_LEASE_SECONDS": str(LEASE_SECONDS),
    "EXTRAPOLAB_REAPER_SECONDS": "0.3",
    "EXTRAPOLAB_CHECKPOINT_SECONDS": "0.1",
    "EXTRAPOLAB_THREADS": "1",
    "EXTRAPOLAB_MAX_ATTEMPTS": "1000",
}
"""A lab that notices losses soon, and never takes ours for the experiment's fault."""


@dataclass
class Scene:
    """A lab, with a PostgreSQL of its own or a SQLite file in its data folder."""

    lab: RunningLab
    postgres: PostgresServer | None

    @property
    def url(self) -> str:
        return self.lab.url

    @property
    def kind(self) -> str:
        return "postgresql" if self.postgres else "sqlite"

    @property
    def redis(self) -> redis.Redis:
        """A client of the lab's private broker."""
        found = re.search(r"unixsocket:(\S+)", " ".join(self.lab.child("redis-server").cmdline()))
        assert found is not None
        return redis.Redis(unix_socket_path=found[1])

    def worker(self) -> list[psutil.Process]:
        """The Celery parent, its slots and their trainers."""
        parent = self.lab.child("celery")
        return [parent, *parent.children(recursive=True)]

    def at_work(self) -> list[dict[str, Any]]:
        """The living slots that train something, as far as the lab answers at this moment."""
        try:
            answer = httpx2.get(f"{self.url}/v1/workers", timeout=5.0)
        except httpx2.TransportError:
            return []
        slots = answer.json()["items"] if answer.is_success else []
        return [
            slot
            for slot in slots
            if slot["experiment_id"] and slot["heartbeat_age_seconds"] < LEASE_SECONDS / 2
        ]

    @contextmanager
    def database_stopped(self) -> Iterator[None]:
        """PostgreSQL is stopped as by a crash; SQLite, which has no server, is locked."""
        if self.postgres is not None:
            self.postgres.crash()
            yield
            self.postgres.start()
        else:
            held = sqlite3.connect(
                self.lab.data / "extrapolab.db", isolation_level=None, timeout=30
            )
            held.execute("BEGIN IMMEDIATE")
            yield
            held.close()


@contextmanager
def on_stage(
    kind: str,
    folder: Path,
    *,
    slots: int = 2,
    variables: Mapping[str, str] = MappingProxyType(HASTE),
) -> Iterator[Scene]:
    """A lab on ``sqlite`` or ``postgresql``, ready."""
    with ExitStack() as stack:
        server, variables = None, dict(variables)
        if kind == "postgresql":
            server = stack.enter_context(postgres_server(durable=True))
            variables["EXTRAPOLAB_DATABASE_URL"] = postgres_url(str(server.folder), "postgres")
        lab = stack.enter_context(
            running_lab(folder / "data", "--workers", str(slots), variables=variables)
        )
        yield Scene(lab, server)


def signalled(processes: list[psutil.Process], sig: signal.Signals) -> None:
    """Sends a signal to those that still live."""
    for process in processes:
        try:
            process.send_signal(sig)
        except psutil.NoSuchProcess:
            continue


def soon(condition: Callable[[], Any], seconds: float) -> Any:
    """The first answer that is true, asked for again and again; after so long whatever the answer is."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def until(condition: Callable[[], Any], *, seconds: float = 180.0) -> Any:
    """The first answer that is true; there has to be one."""
    found = soon(condition, seconds)
    assert found, f"nothing in {seconds:g} s"
    return found
