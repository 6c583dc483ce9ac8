"""Limits on the heads of requests, over real sockets."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
import uvicorn

from service.app import build
from service.http import header_limits
from service.settings import Settings
from tests.integration.service.conftest import NO_BROKER, body
from tests.integration.service.process import Served, served

MEGABYTE = 10**6
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = GET.replace(b"GET /healthz", b"POST /v1/experiments?dry_run=true") + (
    b"Content-Type: application/json\r\n"
)
FOLLOW = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"  # its answer never ends
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=100) as connection:
        yield connection


def receive_all(connection: socket.socket) -> bytes:
    """Everything received until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def problem_type(answer: bytes, status: int) -> str:
    """The type of the problem in a complete answer with this status."""
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"content-type: application/problem+json" in head
    problem = json.loads(content)
    assert problem["status"] == status
    assert problem["request_id"].encode() in head
    assert problem["errors"][0]["message"]
    return problem["type"].removeprefix("urn:extrapolab:problem:")


@pytest.fixture(scope="module")
def service(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    file = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("heads") / "lab.db")
    with served(f"sqlite:///{file}") as service:
        httpx2.get(f"{service.url}/healthz", timeout=60).raise_for_status()
        yield service


class TestLength:
    @pytest.mark.parametrize(
        "sent",
        [
            GET + b"X-Long: " + b"x" * MEGABYTE + b"\r\n\r\n",
            GET + b"X-Long: " + b"x" * MEGABYTE,
            GET + b"x" * MEGABYTE,
            GET + b"".join(b"X-%d: many\r\n" % number for number in range(70_000)),
            b"GET /" + b"x" * MEGABYTE,
            b"GET /healthz?" + b"x" * MEGABYTE + b" HTTP/1.1\r\n\r\n",
        ],
        ids=["whole", "value", "name", "many", "path", "query"],
    )
    def test_a_head_of_a_megabyte_is_refused(self, service, sent):
        with connected(service.url) as connection:
            connection.sendall(sent)
            assert problem_type(receive_all(connection), 431) == "head-too-long"

    @pytest.mark.parametrize(
        "begin", [CHUNKED + b"2\r\n{}\r\n0\r\n", FOLLOW + GET], ids=["trailers", "second"]
    )
    def test_the_connection_is_closed_while_another_answer_is_being_sent(self, service, begin):
        with connected(service.url) as connection:
            connection.sendall(begin + b"X-Long: " + b"x" * 2 * header_limits.MAX_BYTES)
            with suppress(ConnectionResetError):
                assert b" 431 " not in receive_all(connection)

    def test_many_long_heads_at_once_take_no_memory(self, service):
        process = psutil.Process(service.pid)
        before = process.memory_info().rss
        with ExitStack() as stack:
            for _ in range(4):
                connection = stack.enter_context(connected(service.url))
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(GET + b"X-Long: " + b"x" * 12 * MEGABYTE)
            assert process.memory_info().rss - before < 4 * MEGABYTE

    def test_bytes_that_are_no_request_get_a_problem(self, service):
        with connected(service.url) as connection:
            connection.sendall(b"GARBAGE\r\n\r\n")
            assert problem_type(receive_all(connection), 400) == "not-http"

    def test_a_long_head_within_the_limit_is_read(self, service):
        long = {"X-Long": "x" * (header_limits.MAX_BYTES - 1000)}
        assert httpx2.get(f"{service.url}/healthz", headers=long, timeout=60).status_code == 200

    def test_a_body_in_tiny_chunks_does_not_count_as_head(self, service):
        content = json.dumps(body()).encode().ljust(30_000)
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content)
        assert len(chunks) > 2 * header_limits.MAX_BYTES
        with connected(service.url) as connection:
            connection.sendall(CHUNKED + chunks + b"0\r\n\r\n" + GET + b"Connection: close\r\n\r\n")
            first, second = receive_all(connection).split(b"HTTP/1.1 ")[1:]
        assert first.startswith(b"200 ")
        assert second.startswith(b"200 ")


@pytest.fixture(scope="module")
def url(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service in this process, whose timeout a test can change."""
    file = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("timeout") / "lab.db")
    app = build(Settings(database_url=f"sqlite:///{file}", broker_url=NO_BROKER))
    config = uvicorn.Config(
        app,
        port=0,
        log_level="error",
        http=header_limits.LimitedHttpProtocol,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run)
    running.start()
    while not server.started:
        assert running.is_alive()
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    running.join()


class TestTime:
    """The timeouts start when the service receives something, however busy the machine is."""

    @pytest.fixture
    def connection(self, url, monkeypatch) -> Iterator[socket.socket]:
        """A connection after its first request; the next head has half a second."""
        with connected(url) as connection:
            connection.sendall(GET + b"\r\n")
            assert b"HTTP/1.1 200 " in connection.recv(65536)
            monkeypatch.setattr(header_limits, "TIMEOUT_SECONDS", 0.5)
            yield connection

    def test_an_incomplete_head_is_refused(self, connection):
        connection.sendall(GET)
        assert problem_type(receive_all(connection), 408) == "head-too-slow"

    def test_a_head_sent_byte_by_byte_is_refused(self, connection):
        def dribble():
            connection.send(GET + b"X-Long: ")
            while True:
                connection.send(b"x")
                time.sleep(0.02)

        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            dribble()

    def test_a_body_may_take_longer(self, connection):
        content = json.dumps(body()).encode()
        connection.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(content))
        time.sleep(1)
        connection.sendall(content)
        assert receive_all(connection).startswith(b"HTTP/1.1 200 ")

    def test_a_connection_without_a_request_is_closed_silently(self, url, monkeypatch):
        monkeypatch.setattr(header_limits, "TIMEOUT_SECONDS", 0.5)
        with connected(url) as connection:
            assert receive_all(connection) == b""


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_request_without_a_host_is_refused(service, version):
    with connected(service.url) as connection:
        connection.sendall(b"GET /healthz HTTP/%s\r\nConnection: close\r\n\r\n" % version)
        assert problem_type(receive_all(connection), 400) == "bad-host"
