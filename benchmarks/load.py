"""HTTP load over keep-alive connections, each with one request at a time and no pauses."""

import asyncio
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httptools
import uvloop


@dataclass(frozen=True)
class Load:
    """Measurements of a load.

    Attributes:
        statuses: Status of each response.
        seconds: From each request to the end of its response.
        wall: From the first request to the last response.
    """

    statuses: list[int]
    seconds: list[float]
    wall: float

    @property
    def rate(self) -> float:
        """Responses per second."""
        return len(self.statuses) / self.wall

    def __str__(self) -> str:
        server_errors = sum(status >= 500 for status in self.statuses)
        return f"{self.rate:8,.0f}/s   {quantiles(self.seconds)}   {server_errors} server errors"


def quantiles(seconds: list[float]) -> str:
    """Median and 99th percentile in milliseconds."""
    cuts = statistics.quantiles((1000 * s for s in seconds), n=100, method="inclusive")
    return f"p50 {cuts[49]:7.1f} ms   p99 {cuts[98]:7.1f} ms"


def request(
    url: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of a GET, or of a POST of JSON if there is a body."""
    method, lines = ("POST", {"Content-Type": "application/json"}) if body else ("GET", {})
    lines |= {"Host": urlsplit(url).netloc, "Content-Length": str(len(body)), **(headers or {})}
    head = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in lines.items()),
        "",
        "",
    ]
    return "\r\n".join(head).encode() + body


def run(url: str, requests: Iterable[bytes], connections: int) -> Load:
    """Sends all ``requests`` to the host of ``url`` over ``connections`` connections."""
    return uvloop.run(_run(urlsplit(url), iter(requests), connections))


async def _run(address: SplitResult, requests: Iterator[bytes], connections: int) -> Load:
    loop = asyncio.get_running_loop()
    load = Load([], [], 0.0)
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(
            lambda: _Client(requests, load), address.hostname, address.port
        )
        clients.append(client)
    started = time.perf_counter()
    for client in clients:
        client.send()
    await asyncio.gather(*(client.done for client in clients))
    return Load(load.statuses, load.seconds, time.perf_counter() - started)


class _Client(asyncio.Protocol):
    """One connection; httptools calls ``on_message_complete``."""

    def __init__(self, requests: Iterator[bytes], load: Load) -> None:
        self._requests, self._load = requests, load
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self._transport = transport

    def send(self) -> None:
        content = next(self._requests, None)
        if content is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._parser = httptools.HttpResponseParser(self)
        self._sent = time.perf_counter()
        self._transport.write(content)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._load.seconds.append(time.perf_counter() - self._sent)
        self._load.statuses.append(self._parser.get_status_code())
        self.send()

    def connection_lost(self, error) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))
