"""SQLite's write lock, during submission, cancellation and retry of many experiments.

python -m benchmarks.lock --experiments 10000

The application runs in this process, which times each of its writes to its commit: wall time, and
CPU time of its thread, to which other load on the machine doesn't add. Meanwhile another process
writes again and again, as a worker does; its longest wait is printed as well.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection
from starlette.testclient import TestClient

from benchmarks.lab import SPEC
from service.app import build
from service.settings import Settings
from store.db.database import Database
from store.db.engines import sqlite_url
from store.db.migrate import upgrade

_WRITER = """
import sqlite3, sys, threading, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
waits = []
while not stop.is_set():
    started = time.perf_counter()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError:
            time.sleep(0.001)
    waits.append(time.perf_counter() - started)
    connection.execute("COMMIT")
    time.sleep(0.002)
print(max(waits))
"""


class TimedDatabase(Database):
    """A database that records the wall time and CPU time of each write."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.writes: list[tuple[float, float]] = []

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as tx:
            started, cpu_before = time.perf_counter(), time.thread_time()
            yield tx
        wall, cpu = time.perf_counter() - started, time.thread_time() - cpu_before
        self.writes.append((wall, cpu))


@dataclass(frozen=True)
class TimedCalls:
    """Calls of an API, with the timing of their writes printed."""

    http: TestClient
    database: TimedDatabase
    file: Path

    def post(self, name: str, path: str, body: object = None) -> dict:
        """Sends a POST while another process writes, and prints how long each had to wait."""
        command = [sys.executable, "-c", _WRITER, self.file]
        writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.database.writes.clear()
        started = time.perf_counter()
        response = self.http.post(path, json=body)
        seconds = time.perf_counter() - started
        wall, cpu = (1000 * max(times) for times in zip(*self.database.writes, strict=True))
        longest_wait = 1000 * float(writer.communicate("")[0])
        print(
            f"{name:35s}{seconds:6.2f} s   longest write {wall:5.0f} ms, {cpu:5.0f} of CPU   "
            f"longest wait of another process {longest_wait:5.0f} ms",
            flush=True,
        )
        return response.raise_for_status().json()


def measure(calls: TimedCalls, count: int) -> None:
    """Submits, extends, cancels and retries a sweep of ``count`` experiments."""
    lengths = {"path": "training.length", "values": [*range(4, 14)]}
    scales = {
        "path": "student.start.scale",
        "kind": "logspace",
        "low": 1e-4,
        "high": 1,
        "count": count // 10,
    }
    other_scales = {**scales, "low": 1.1e-4, "high": 1.1}
    base = {**SPEC, "seeds": 1, "tags": ["large"]}
    sweep = {"name": "large", "base": base, "axes": [lengths, scales]}
    tagged_sweep = {**sweep, "name": "again", "base": {**base, "tags": ["large", "again"]}}

    location = f"/v1/sweeps/{calls.post('submit a sweep', '/v1/sweeps', sweep)['id']}"
    calls.post("submit it again", "/v1/sweeps", sweep)
    calls.post("submit it again with another tag", "/v1/sweeps", tagged_sweep)
    calls.post("extend it by as many", f"{location}:extend", {"axes": [lengths, other_scales]})
    unfinished = {"q": "state = queued and tag:again", "expect_count": count}
    calls.post("cancel by a filter", "/v1/experiments:cancel", unfinished)
    calls.post("cancel by their sweep", f"{location}:cancel")
    calls.post("retry all of them", f"{location}:retry")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        file = Path(data) / "lab.db"
        url = sqlite_url(file)
        upgrade(url)
        database = TimedDatabase(url)
        app = build(Settings(database_url=url, broker_url="redis+socket:///nowhere"))
        app.state.context = replace(app.state.context, database=database)
        with TestClient(app) as http:
            measure(TimedCalls(http, database, file), arguments.experiments)


if __name__ == "__main__":
    main()
