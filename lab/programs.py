"""The programs that make up a lab, each with its command and the sight by which one knows that it does its work."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from types import MappingProxyType
from urllib.parse import urlsplit

from lab import broker
from lab.folder import DataFolder
from lab.managed_process import Program
from lab.worker_checks import below as slots_below
from store.db.database import Database
from store.queue.celery_app import QUEUES

_PYTHON = (sys.executable, "-P")
"""Our interpreter, not looking for modules in the working directory: our rooms have everyday names.
"""

API_COMMAND = (
    *_PYTHON,
    "-m",
    "uvicorn",
    "--factory",
    "service.app:create",
    "--http",
    "service.http.header_limits:LimitedHttpProtocol",
)
"""The API's program, and who reads its requests; what else it is told is where to listen."""

_ANSWER_SECONDS = 0.5

API_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
)
"""The API's matrices are small: more threads would only be in each other's way.

Each, and each arena, takes memory.
"""


@dataclass(frozen=True)
class Plan:
    """What the programs of one lab have in common.

    Attributes:
        folder: Where data and logs lie; the children's working directory.
        url: Where the API is reached from this machine.
        environment: The whole environment, with the settings they read.
    """

    folder: DataFolder
    url: str
    environment: Mapping[str, str]

    def redis(self, server: Path, place: Path) -> Program:
        """The private broker, its socket in ``place``; ready when it says PONG."""
        return self._child(
            "redis", broker.command(server, place), lambda _pid: broker.answers(place)
        )

    def workers(self, device: str, slots: int, database: Database) -> Program:
        """One Celery worker; ready when each slot has its row in the workers table."""
        return self._child(
            "worker", worker_command(device, slots), lambda pid: slots_below(pid, database) >= slots
        )

    def api(self, door: socket) -> Program:
        """The HTTP service on the open socket ``door``; ready when /readyz answers 200."""
        options = (
            "--fd",
            str(door.fileno()),
            "--no-access-log",
            "--timeout-graceful-shutdown",
            "3",
        )
        program = self._child(
            "api", (*API_COMMAND, *options), lambda _pid: _answers(self.url), files=(door.fileno(),)
        )
        return replace(program, environment={**self.environment, **API_ENVIRONMENT})

    def demo(self) -> Program:
        """The main experiment, shown in this terminal; its figure goes to the data folder."""
        command = (
            *_PYTHON,
            "-m",
            "extrapolab",
            "demo",
            "--output",
            str(self.folder.path / "figures"),
        )
        return Program(
            "demo",
            command,
            lambda _pid: True,
            self.environment,
            self.folder.path,
            stop_with=signal.SIGINT,
        )

    def _child(
        self,
        name: str,
        command: tuple[str, ...],
        ready: Callable[[int], bool],
        files: tuple[int, ...] = (),
    ) -> Program:
        folder = self.folder
        return Program(name, command, ready, self.environment, folder.path, folder.log(name), files)


def worker_command(device: str, slots: int) -> tuple[str, ...]:
    """How a Celery worker of ``slots`` slots is started for ``device``."""
    queue = QUEUES[device]
    options = (
        "--concurrency",
        str(slots),
        "--queues",
        queue,
        "--hostname",
        f"{queue}-{os.getpid()}@%h",
    )
    quiet = ("--loglevel", "INFO", "--without-gossip", "--without-mingle")
    return (*_PYTHON, "-m", "celery", "-A", "worker.app", "worker", *options, *quiet)


def _answers(url: str) -> bool:
    connection = HTTPConnection(
        urlsplit(url).netloc, timeout=_ANSWER_SECONDS
    )  # past any proxy in the environment
    with closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):  # silent, or cut off
            return False
