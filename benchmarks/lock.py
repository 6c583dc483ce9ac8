"""How long SQLite's one write lock is held while very many experiments are submitted, cancelled or retried.

python -m benchmarks.lock --experiments 10000

The application runs in this process, so that each of its writes is timed from its beginning to its
commit: by the clock, and in CPU of its thread, which others on the machine don't lengthen. Another
process begins a write again and again meanwhile, as a worker does; its longest wait is told beside.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from starlette.testclient import TestClient

from benchmarks.lab import SPEC
from service.app import build
from service.settings import Settings
from store.db.database import Database
from store.db.migrate import upgrade

_PROBE = """
import sqlite3, sys, threading, time
record = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), told.set()), daemon=True).start()
waits = []
while not told.is_set():
    begun = time.perf_counter()
    while True:
        try:
            record.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError:
            time.sleep(0.001)
    waits.append(time.perf_counter() - begun)
    record.execute("COMMIT")
    time.sleep(0.002)
print(max(waits))
"""


class Timed(Database):
    """A database that keeps how long each write held it: by the clock, and in CPU."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.held: list[tuple[float, float]] = []

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as tx:
            begun, spent = time.perf_counter(), time.thread_time()
            yield tx
        self.held.append((time.perf_counter() - begun, time.thread_time() - spent))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=10_000)
    count = parser.parse_args().experiments
    lengths = {"path": "training.length", "values": [*range(4, 14)]}
    scales = {
        "path": "student.start.scale",
        "kind": "logspace",
        "low": 1e-4,
        "high": 1,
        "count": count // 10,
    }
    more = {**scales, "low": 1.1e-4, "high": 1.1}
    base = {**SPEC, "seeds": 1, "tags": ["large"]}
    large = {"name": "large", "base": base, "axes": [lengths, scales]}
    tagged = {**large, "name": "again", "base": {**base, "tags": ["large", "again"]}}
    with tempfile.TemporaryDirectory() as data:
        url = f"sqlite:///{data}/lab.db"
        upgrade(url)
        database = Timed(url)
        app = build(Settings(database_url=url, broker_url=f"redis+socket://{data}/none"))
        object.__setattr__(app.state.edge, "database", database)
        with TestClient(app) as http:

            def timed(name: str, path: str, body: object = None) -> dict:
                probe = subprocess.Popen(
                    [sys.executable, "-c", _PROBE, f"{data}/lab.db"], stdin=-1, stdout=-1, text=True
                )
                time.sleep(0.5)
                database.held.clear()
                begun = time.perf_counter()
                content = None if body is None else json.dumps(body).encode()
                answer = http.post(
                    path, content=content, headers={"Content-Type": "application/json"}
                )
                seconds = time.perf_counter() - begun
                clock, cpu = (1000 * max(column) for column in zip(*database.held, strict=True))
                waited = 1000 * float(probe.communicate("")[0])
                print(f"{name:35s}{seconds:6.2f} s   longest write {clock:5.0f} ms, {cpu:5.0f} of CPU   "
                      f"another waited {waited:5.0f} ms at most", flush=True)  # fmt: skip
                return answer.raise_for_status().json()

            place = f"/v1/sweeps/{timed('submit a sweep', '/v1/sweeps', large)['id']}"
            timed("submit it again", "/v1/sweeps", large)
            timed("submit it again with another tag", "/v1/sweeps", tagged)
            timed("extend it by as many", f"{place}:extend", {"axes": [lengths, more]})
            pending = {"q": "state = queued and tag:again", "expect_count": count}
            timed("cancel those by a filter", "/v1/experiments:cancel", pending)
            timed("cancel the sweep's others", f"{place}:cancel")
            timed("retry all of them", f"{place}:retry")


if __name__ == "__main__":
    main()
