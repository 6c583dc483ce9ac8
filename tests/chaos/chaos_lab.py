"""A lab as users start it, on either database, with ways to disturb its parts."""

import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx2
import psutil
import redis

from tests.chaos.proxy import Cable
from tests.kit.database import postgres_url
from tests.kit.lab import RunningLab, running_lab
from tests.kit.postgres import PostgresServer, postgres_server

LEASE_SECONDS = 2.0
FAST_SETTINGS = {
    "EXTRAPOLAB_LEASE_SECONDS": str(LEASE_SECONDS),
    "EXTRAPOLAB_REAPER_SECONDS": "0.3",
    "EXTRAPOLAB_CHECKPOINT_SECONDS": "0.1",
    "EXTRAPOLAB_THREADS": "1",
    "EXTRAPOLAB_MAX_ATTEMPTS": "1000",
}
"""Settings that detect losses soon, and never fail an experiment for injected faults."""


@dataclass
class ChaosLab:
    """A lab with a private PostgreSQL, or a SQLite file in its data folder.

    Attributes:
        lab: The lab.
        postgres: Its PostgreSQL; None with SQLite.
        cable: Passes on the connections of clients.
        disk: A small disk, with its data folder; None if this machine can't mount one.
    """

    lab: RunningLab
    postgres: PostgresServer | None
    cable: Cable
    disk: Path | None

    @property
    def url(self) -> str:
        return self.lab.url

    @property
    def kind(self) -> str:
        return "postgresql" if self.postgres else "sqlite"

    @property
    def redis(self) -> redis.Redis:
        """A client of the lab's private broker."""
        match = re.search(r"unixsocket:(\S+)", " ".join(self.lab.child("redis-server").cmdline()))
        assert match is not None
        return redis.Redis(unix_socket_path=match[1])

    def worker_processes(self) -> list[psutil.Process]:
        """The Celery parent, its slots and their trainers."""
        parent = self.lab.child("celery")
        return [parent, *parent.children(recursive=True)]

    def training_slots(self) -> list[dict[str, Any]]:
        """Live slots that train something; none while the API doesn't answer."""
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
        """Crashes PostgreSQL, or locks SQLite, until the context ends."""
        if self.postgres is not None:
            self.postgres.crash()
            yield
            self.postgres.start()
        else:
            connection = sqlite3.connect(
                self.lab.data / "extrapolab.db", isolation_level=None, timeout=30
            )
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.close()


@contextmanager
def running_chaos_lab(
    kind: str,
    folder: Path,
    *,
    slots: int = 2,
    variables: Mapping[str, str] = MappingProxyType(FAST_SETTINGS),
) -> Iterator[ChaosLab]:
    """A ready lab on ``sqlite`` or ``postgresql``."""
    with ExitStack() as stack:
        server, variables = None, dict(variables)
        if kind == "postgresql":
            server = stack.enter_context(postgres_server(durable=True))
            variables["EXTRAPOLAB_DATABASE_URL"] = postgres_url(str(server.folder), "postgres")
        disk = stack.enter_context(mounted_disk(folder / "disk"))
        data = (disk or folder) / "data"
        lab = stack.enter_context(running_lab(data, "--workers", str(slots), variables=variables))
        cable = stack.enter_context(closing(Cable(lab.url)))
        yield ChaosLab(lab, server, cable, disk)


@contextmanager
def mounted_disk(folder: Path, megabytes: int = 256) -> Iterator[Path | None]:
    """A disk in memory; None if this machine can't mount one, as it needs root."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "lab", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"NOT TESTED: a full disk: a private one can't be mounted: {error}")
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Writes to a file until the disk is full, in pages at the end."""
    with ballast.open("ab", buffering=0) as file:
        for size in (2**20, 4096):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def send_signal_to_all(processes: list[psutil.Process], sig: signal.Signals) -> None:
    """Sends a signal to the processes that are alive."""
    for process in processes:
        try:
            process.send_signal(sig)
        except psutil.NoSuchProcess:
            continue


def poll_for(condition: Callable[[], Any], seconds: float) -> Any:
    """Polls until the value of ``condition`` is true or time is up; returns the last value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def wait_for(condition: Callable[[], Any], *, seconds: float = 180.0) -> Any:
    """Polls until the value of ``condition`` is true; returns the value."""
    value = poll_for(condition, seconds)
    assert value, f"timed out after {seconds:g} s"
    return value
