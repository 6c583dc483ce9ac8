"""A redis-server for tests, with the binary and options of an embedded lab's broker."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from lab import broker


class RedisServer:
    """A server on a unix socket that a test can kill and restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = broker.url(folder)
        self._command = broker.command(broker.find_server(None), folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not broker.responds(self.folder):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not start: {' '.join(self._command)}")
            time.sleep(0.002)

    def start_empty(self) -> None:
        """Starts the server without its earlier data."""
        for file in sorted(self.folder.rglob("*.aof*")):
            file.unlink()
        self.start()

    def kill(self) -> None:
        """Kills the server; its data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def client(self) -> "redis.Redis":
        """A client that decodes answers to text."""
        return redis.Redis(
            unix_socket_path=str(broker.socket_path(self.folder)), decode_responses=True
        )


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A private server that is killed when the context ends."""
    # a short path, for the socket
    with tempfile.TemporaryDirectory(prefix="extrapolab-test-", dir="/tmp") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The server of the test session."""
    with running_redis() as server:
        yield server


@pytest.fixture
def broker_url(redis_server: RedisServer) -> str:
    """The URL of an empty broker."""
    redis_server.client().flushall()
    return redis_server.url
