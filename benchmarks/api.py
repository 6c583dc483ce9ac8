"""The API in one process on SQLite, no workers: requests per second, alone and beside an MLflow tracking server.

python -m benchmarks.api --requests 2000 [--without-mlflow]
"""

import argparse
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np

from benchmarks import load, peers
from benchmarks.lab import SPEC
from lab.programs import API_COMMAND
from store.arrays import series
from store.arrays.packed import COLUMNS, pack_points
from store.db.database import Database
from store.db.migrate import upgrade

CONNECTIONS = 16
ROUNDS = 3
LARGE = 10_000


@contextmanager
def service() -> Iterator[tuple[str, Path]]:
    """The URL of the API as a lab starts it, and its database.

    There is no broker: POST never waits for one.
    """
    with tempfile.TemporaryDirectory() as data, socket.create_server(("127.0.0.1", 0)) as door:
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = Path(data) / "lab.db"
        upgrade(f"sqlite:///{file}")
        command = [
            *API_COMMAND,
            "--fd",
            str(door.fileno()),
            "--no-access-log",
            "--log-level",
            "critical",
        ]
        settings = {
            "EXTRAPOLAB_DATABASE_URL": f"sqlite:///{file}",
            "EXTRAPOLAB_BROKER_URL": f"redis+socket://{data}/none",
            "OPENBLAS_NUM_THREADS": "1",
        }
        server = subprocess.Popen(command, pass_fds=[door.fileno()], env={**os.environ, **settings},
                                  stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            url = f"http://127.0.0.1:{door.getsockname()[1]}"
            httpx2.get(f"{url}/healthz", timeout=60).raise_for_status()
            yield url, file
        finally:
            server.terminate()
            server.wait(timeout=30)


class Ours:
    """What is asked of the lab."""

    def __init__(self, url: str, first: int = 0) -> None:
        self.url, self._seed = url, first

    def create(self) -> bytes:
        self._seed += 1
        return load.request(
            self.url, "/v1/experiments", json.dumps({**SPEC, "seeds": [self._seed]}).encode()
        )

    def search(self) -> bytes:
        return load.request(self.url, "/v1/experiments?limit=50")


class Theirs:
    """What is asked of MLflow."""

    def __init__(self, url: str) -> None:
        self.url, self._step = url, 0
        created = self._post("experiments/create", {"name": "benchmark"})
        self._experiment = created["experiment_id"]
        self._run = self._post("runs/create", {"experiment_id": self._experiment})["run"]["info"][
            "run_id"
        ]

    def create(self) -> bytes:
        return self._request(
            "runs/create",
            {"experiment_id": self._experiment, "start_time": time.time_ns() // 10**6},
        )

    def log(self) -> bytes:
        self._step += 1
        metric = {
            "run_id": self._run,
            "key": "loss",
            "value": 0.5,
            "timestamp": self._step,
            "step": self._step,
        }
        return self._request("runs/log-metric", metric)

    def log_hundred(self) -> bytes:
        self._step += 100
        steps = range(self._step, self._step + 100)
        metrics = [{"key": "loss", "value": 0.5, "timestamp": step, "step": step} for step in steps]
        return self._request("runs/log-batch", {"run_id": self._run, "metrics": metrics})

    def search(self) -> bytes:
        return self._request(
            "runs/search", {"experiment_ids": [self._experiment], "max_results": 50}
        )

    def _request(self, call: str, body: dict) -> bytes:
        return load.request(self.url, f"/api/2.0/mlflow/{call}", json.dumps(body).encode())

    def _post(self, call: str, body: dict) -> dict:
        return (
            httpx2.post(f"{self.url}/api/2.0/mlflow/{call}", json=body, timeout=60)
            .raise_for_status()
            .json()
        )


def bare_inserts(count: int) -> float:
    """Inserts per second of a row like an experiment's, one in each transaction, in one thread with sqlite3 alone."""
    with tempfile.TemporaryDirectory() as data:
        upgrade(f"sqlite:///{data}/lab.db")
        record = sqlite3.connect(f"{data}/lab.db", isolation_level=None)
        record.execute("PRAGMA synchronous=NORMAL")
        row = {"spec": json.dumps(SPEC) * 4, "warnings": "[]", "state": "queued"}
        for _, name, _, required, *_ in record.execute("PRAGMA table_info(experiments)"):
            if required:
                row.setdefault(name, 0)
        names = list(row)
        insert = (
            f"INSERT INTO experiments ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        )
        begun = time.perf_counter()
        for number in range(count):
            record.execute("BEGIN IMMEDIATE")
            record.execute(
                insert, list((row | {"id": f"exp_{number}", "spec_hash": str(number)}).values())
            )
            record.execute("COMMIT")
        return count / (time.perf_counter() - begun)


def series_seconds(url: str, file: Path, count: int) -> list[float]:
    """Seconds from asking for a series of 10,000 points, one seed's, to the end of the answer."""
    made = httpx2.post(f"{url}/v1/experiments", json={**SPEC, "seeds": 1, "notes": "series"}).json()
    rng, database = np.random.default_rng(0), Database(f"sqlite:///{file}")
    for first in range(0, LARGE, 1000):
        points = {"seed": np.zeros(1000, np.int64), "step": np.arange(first, first + 1000)}
        points |= {
            name: rng.standard_normal(1000).cumsum() for name in COLUMNS if name not in points
        }
        with database.write() as tx:
            series.append(tx, made["id"], 1, pack_points(points))
    stored, numbers = file_bytes(database), LARGE * (len(COLUMNS) - 2)
    database.dispose()
    print(f"storage of a random walk                   {stored / numbers:8.1f} bytes a number, "
          f"{stored / numbers:.1f} MB for 1,000,000 points of one metric")  # fmt: skip
    path = f"/v1/experiments/{made['id']}/series?names=train_loss"
    return load.run(url, [load.request(url, path)] * count, 1).seconds


def file_bytes(database: Database) -> int:
    """Bytes of the series, with the pages that they fill."""
    with database.read() as tx:
        return tx.exec_driver_sql("SELECT sum(length(payload)) FROM series_chunks").scalar_one()


_POSTS = """
import sys
from benchmarks import load
from benchmarks.api import Ours
ours = Ours(sys.argv[1], first=10**9)
print(max(load.run(ours.url, (ours.create() for _ in range(300)), 1).seconds))
"""


def sweep(url: str) -> tuple[float, float]:
    """Seconds to submit a sweep of 10,000 experiments, and the longest that a POST waited meanwhile."""
    axes = [
        {"path": "training.length", "values": [*range(4, 14)]},
        {
            "path": "student.start.scale",
            "kind": "logspace",
            "low": 1e-4,
            "high": 1,
            "count": LARGE // 10,
        },
    ]
    body = json.dumps({"name": "large", "base": {**SPEC, "seeds": 1}, "axes": axes}).encode()
    beside = subprocess.Popen(
        [sys.executable, "-c", _POSTS, url], stdout=subprocess.PIPE, text=True
    )
    time.sleep(0.7)
    begun = time.perf_counter()
    answer = httpx2.post(
        f"{url}/v1/sweeps", content=body, headers={"Content-Type": "application/json"}, timeout=120
    )
    seconds = time.perf_counter() - begun
    assert answer.raise_for_status().json()["created"] == LARGE
    return seconds, float(beside.communicate()[0])


def alone(count: int) -> None:
    with service() as (url, file):
        ours = Ours(url)
        posts = load.run(url, (ours.create() for _ in range(count)), CONNECTIONS)
        bare = bare_inserts(2000)
        print(f"POST an experiment, {CONNECTIONS} connections       {posts}")
        print(
            f"bare INSERT of such a row, no HTTP         {bare:8,.0f}/s   POST reaches {posts.rate / bare:.2f} of it"
        )
        newest = [
            item["id"] for item in httpx2.get(f"{url}/v1/experiments?limit=2").json()["items"]
        ]
        httpx2.post(f"{url}/v1/experiments/{newest[0]}:cancel").raise_for_status()
        ended, queued = ([load.request(url, f"/v1/experiments/{one}")] * count for one in newest)
        print(
            f"GET one that has ended, {CONNECTIONS} connections   {load.run(url, ended, CONNECTIONS)}"
        )
        print(f"GET one that has ended, 1 connection     {load.run(url, ended, 1)}")
        print(f"GET the last of {count:,} in line, 1        {load.run(url, queued[:200], 1)}")
        print(f"GET a page of 50, 1 connection           {load.run(url, [ours.search()] * 100, 1)}")
        print(
            f"GET a series of 10,000 points            {load.quantiles(series_seconds(url, file, 50))}"
        )
        seconds, waited = sweep(url)
        print(f"POST a sweep of {LARGE:,} experiments     {seconds:8.1f} s    "
              f"a POST beside it waits at most {1000 * waited:.0f} ms")  # fmt: skip


def beside(count: int) -> None:
    with service() as (url, _), peers.mlflow() as place:
        ours, theirs = Ours(url), Theirs(place)
        for name, mine, other, connections in (
            ("create a run / POST an experiment", ours.create, theirs.create, CONNECTIONS),
            ("create a run / POST an experiment", ours.create, theirs.create, 1),
            ("search 50 runs / GET a page of 50", ours.search, theirs.search, 8),
        ):
            pairs = []
            for _ in range(ROUNDS):
                their = load.run(place, (other() for _ in range(count // 8)), connections)
                pairs.append(
                    (load.run(url, (mine() for _ in range(count // 4)), connections), their)
                )
            report(name, connections, pairs)
        for name, other in (("log-metric", theirs.log), ("log-batch of 100", theirs.log_hundred)):
            print(
                f"MLflow {name}, 8 connections: {load.run(place, (other() for _ in range(count // 8)), 8)}"
            )
        print("The lab's workers write points into SQL themselves, so that it has no such call.")


def report(name: str, connections: int, pairs: list[tuple[load.Load, load.Load]]) -> None:
    our, their = (
        statistics.median(run.rate for run in column) for column in zip(*pairs, strict=True)
    )
    ratios = sorted(mine.rate / other.rate for mine, other in pairs)
    mine, theirs = (
        sum(s >= 400 for run in column for s in run.statuses) for column in zip(*pairs, strict=True)
    )
    print(f"{name}, {connections} connections: MLflow {their:,.0f}/s, lab {our:,.0f}/s, "
          f"{statistics.median(ratios):.1f}x ({ratios[0]:.1f} to {ratios[-1]:.1f}); "
          f"not answered with success: MLflow {theirs}, lab {mine}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--without-mlflow", action="store_true")
    asked = parser.parse_args()
    alone(asked.requests)
    if not asked.without_mlflow:
        beside(asked.requests)


if __name__ == "__main__":
    main()
