"""The programs of a lab, each with its command and readiness check."""

import json
import os
import platform
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

from lab import broker, process_tree
from lab.folder import DataFolder
from lab.managed_process import ProcessSpec
from store.queue.devices import QUEUES

_PYTHON = (sys.executable, "-P")
"""This interpreter, without the working directory on its path: our packages have common names."""

API_COMMAND = (
    *_PYTHON,
    "-m",
    "uvicorn",
    "--factory",
    "service.app:create",
    "--http",
    "service.http.header_limits:LimitedHttpProtocol",
)
"""The command of the API, without its address."""

API_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_TRIM_THRESHOLD_": "65536",
        "PYTHONNODEBUGRANGES": "1",
    }
)
"""Saves memory: one thread and one arena, since the API's matrices are small; memory is given back
from 64 KiB on; tracebacks name lines without columns."""

_READY_REQUEST_SECONDS = 0.5


@dataclass(frozen=True)
class LabPrograms:
    """Builds the process specs of one lab.

    Attributes:
        folder: The data folder; the processes run in it.
        url: The URL of the API on this machine.
        environment: The environment of the processes, with their settings.
    """

    folder: DataFolder
    url: str
    environment: Mapping[str, str]

    def redis(self, server: Path, socket_folder: Path) -> ProcessSpec:
        """The private broker; ready when it answers a ping."""
        return self._logged_process(
            "redis",
            broker.command(server, socket_folder),
            lambda _pid: broker.responds(socket_folder),
        )

    def workers(self, device: str, slots: int) -> ProcessSpec:
        """A Celery worker; ready when the API lists each of its slots."""
        return self._logged_process(
            "worker",
            worker_command(device, slots),
            lambda pid: _slots_below(pid, self.url) >= slots,
        )

    def api(self, listener: socket) -> ProcessSpec:
        """The HTTP service on an open socket; ready when /readyz answers 200."""
        options = (
            "--fd",
            str(listener.fileno()),
            "--no-access-log",
            "--timeout-graceful-shutdown",
            "3",
        )
        spec = self._logged_process(
            "api",
            (*API_COMMAND, *options),
            lambda _pid: _is_api_ready(self.url),
            files=(listener.fileno(),),
        )
        return replace(spec, environment={**self.environment, **API_ENVIRONMENT})

    def demo(self) -> ProcessSpec:
        """The main experiment, shown in the terminal; writes its figure to the data folder."""
        figures = str(self.folder.path / "figures")
        return ProcessSpec(
            "demo",
            (*_PYTHON, "-m", "extrapolab", "demo", "--output", figures),
            lambda _pid: True,
            self.environment,
            self.folder.path,
            stop_signal=signal.SIGINT,
        )

    def _logged_process(
        self,
        name: str,
        command: tuple[str, ...],
        is_ready: Callable[[int], bool],
        files: tuple[int, ...] = (),
    ) -> ProcessSpec:
        log = self.folder.new_log(name)
        return ProcessSpec(name, command, is_ready, self.environment, self.folder.path, log, files)


def worker_command(device: str, slots: int) -> tuple[str, ...]:
    """The command of a Celery worker with ``slots`` slots for ``device``."""
    queue = QUEUES[device]
    options = (
        "--concurrency",
        str(slots),
        "--queues",
        queue,
        "--hostname",
        f"{queue}-{os.getpid()}@%h",
        "--loglevel",
        "INFO",
        "--without-gossip",
        "--without-mingle",
    )
    return (*_PYTHON, "-m", "celery", "-A", "worker.app", "worker", *options)


def _is_api_ready(url: str) -> bool:
    return _get(url, "/readyz") is not None


def _slots_below(pid: int, url: str) -> int:
    """Number of registered worker slots below process ``pid``; 0 while the API doesn't answer."""
    pids, host = process_tree.descendants(pid), platform.node()
    answer = _get(url, "/v1/workers?limit=500")
    slots = () if answer is None else json.loads(answer)["items"]
    return sum(slot["pid"] in pids and slot["host"] == host for slot in slots)


def _get(url: str, path: str) -> bytes | None:
    """The API's answer; ``None`` if there is none or it is not a success."""
    # http.client ignores proxies in the environment.
    connection = HTTPConnection(urlsplit(url).netloc, timeout=_READY_REQUEST_SECONDS)
    with closing(connection):
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.read() if response.status == HTTPStatus.OK else None
        except (OSError, HTTPException):
            return None
