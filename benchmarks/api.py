"""The API in one process on SQLite, without workers: requests per second, alone and against MLflow.

python -m benchmarks.api --requests 2000 [--without-mlflow]
"""

import argparse
import itertools
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
from store.db.engines import sqlite_url
from store.db.migrate import upgrade

CONNECTIONS = 16
ROUNDS = 3
LARGE = 10_000
"""Points of a large series, and experiments of a large sweep."""


@contextmanager
def running_api() -> Iterator[tuple[str, Path]]:
    """The URL of an API started as a lab starts it, and its database file.

    There is no broker, as a POST never waits for one.
    """
    with tempfile.TemporaryDirectory() as data, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = Path(data) / "lab.db"
        upgrade(sqlite_url(file))
        options = ["--fd", str(listener.fileno()), "--no-access-log", "--log-level", "critical"]
        settings = {
            "EXTRAPOLAB_DATABASE_URL": sqlite_url(file),
            "EXTRAPOLAB_BROKER_URL": "redis+socket:///nowhere",
            "OPENBLAS_NUM_THREADS": "1",
        }
        server = subprocess.Popen(
            [*API_COMMAND, *options],
            pass_fds=[listener.fileno()],
            env={**os.environ, **settings},
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            httpx2.get(f"{url}/healthz", timeout=60).raise_for_status()
            yield url, file
        finally:
            server.terminate()
            server.wait(timeout=30)


class LabRequests:
    """Requests to the lab; each ``create`` submits another experiment."""

    def __init__(self, url: str, first_seed: int = 1) -> None:
        self.url, self._seeds = url, itertools.count(first_seed)

    def create(self) -> bytes:
        spec = {**SPEC, "seeds": [next(self._seeds)]}
        return load.request(self.url, "/v1/experiments", json.dumps(spec).encode())

    def search(self) -> bytes:
        return load.request(self.url, "/v1/experiments?limit=50")


class MlflowRequests:
    """Requests to MLflow, about one experiment and one run of it."""

    def __init__(self, url: str) -> None:
        self.url, self._step = url, 0
        experiment = self._post("experiments/create", {"name": "benchmark"})
        self._experiment_id = experiment["experiment_id"]
        run = self._post("runs/create", {"experiment_id": self._experiment_id})
        self._run_id = run["run"]["info"]["run_id"]

    def create(self) -> bytes:
        started = time.time_ns() // 10**6
        body = {"experiment_id": self._experiment_id, "start_time": started}
        return self._request("runs/create", body)

    def log(self) -> bytes:
        self._step += 1
        return self._request("runs/log-metric", {"run_id": self._run_id, **_metric(self._step)})

    def log_hundred(self) -> bytes:
        self._step += 100
        metrics = [_metric(step) for step in range(self._step, self._step + 100)]
        return self._request("runs/log-batch", {"run_id": self._run_id, "metrics": metrics})

    def search(self) -> bytes:
        body = {"experiment_ids": [self._experiment_id], "max_results": 50}
        return self._request("runs/search", body)

    def _request(self, call: str, body: dict) -> bytes:
        return load.request(self.url, f"/api/2.0/mlflow/{call}", json.dumps(body).encode())

    def _post(self, call: str, body: dict) -> dict:
        response = httpx2.post(f"{self.url}/api/2.0/mlflow/{call}", json=body, timeout=60)
        return response.raise_for_status().json()


def _metric(step: int) -> dict:
    return {"key": "loss", "value": 0.5, "timestamp": step, "step": step}


def bare_insert_rate(count: int) -> float:
    """Inserts per second of an experiment's row by sqlite3 alone, one per transaction."""
    with tempfile.TemporaryDirectory() as data:
        upgrade(sqlite_url(Path(data) / "lab.db"))
        connection = sqlite3.connect(f"{data}/lab.db", isolation_level=None)
        connection.execute("PRAGMA synchronous=NORMAL")
        row = {"spec": json.dumps(SPEC) * 4, "warnings": "[]", "state": "queued"}
        for _, name, _, required, *_ in connection.execute("PRAGMA table_info(experiments)"):
            if required:
                row.setdefault(name, 0)
        columns, places = ", ".join(row), ", ".join("?" * len(row))
        insert = f"INSERT INTO experiments ({columns}) VALUES ({places})"
        started = time.perf_counter()
        for number in range(count):
            values = {**row, "id": f"exp_{number}", "spec_hash": str(number)}
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(insert, list(values.values()))
            connection.execute("COMMIT")
        return count / (time.perf_counter() - started)


def series_seconds(url: str, file: Path, count: int) -> list[float]:
    """Seconds of each of ``count`` requests for a series of 10,000 points of one seed."""
    spec = {**SPEC, "seeds": 1, "notes": "series"}
    experiment_id = httpx2.post(f"{url}/v1/experiments", json=spec).json()["id"]
    database = Database(sqlite_url(file))
    add_random_walk(database, experiment_id)
    size, numbers = series_bytes(database), LARGE * (len(COLUMNS) - 2)
    database.dispose()
    print(
        f"storage of a random walk                   {size / numbers:8.1f} bytes a number, "
        f"{size / numbers:.1f} MB for 1,000,000 points of one metric"
    )
    path = f"/v1/experiments/{experiment_id}/series?names=train_loss"
    return load.run(url, [load.request(url, path)] * count, 1).seconds


def add_random_walk(database: Database, experiment_id: str) -> None:
    """Records 10,000 points of all metrics for one seed."""
    rng = np.random.default_rng(0)
    for first in range(0, LARGE, 1000):
        points = {"seed": np.zeros(1000, np.int64), "step": np.arange(first, first + 1000)}
        for name in COLUMNS:
            if name not in points:
                points[name] = rng.standard_normal(1000).cumsum()
        with database.write() as tx:
            series.append(tx, experiment_id, 1, pack_points(points))


def series_bytes(database: Database) -> int:
    """Bytes of all stored series."""
    with database.read() as tx:
        return tx.exec_driver_sql("SELECT sum(length(payload)) FROM series_chunks").scalar_one()


_POSTS = """
import sys
from benchmarks import load
from benchmarks.api import LabRequests
lab = LabRequests(sys.argv[1], first_seed=10**9)
print(max(load.run(lab.url, (lab.create() for _ in range(300)), 1).seconds))
"""


def submit_sweep(url: str) -> tuple[float, float]:
    """Seconds to submit a sweep of 10,000 experiments, and of the slowest POST meanwhile."""
    lengths = {"path": "training.length", "values": [*range(4, 14)]}
    scales = {
        "path": "student.start.scale",
        "kind": "logspace",
        "low": 1e-4,
        "high": 1,
        "count": LARGE // 10,
    }
    sweep = {"name": "large", "base": {**SPEC, "seeds": 1}, "axes": [lengths, scales]}
    posts = subprocess.Popen([sys.executable, "-c", _POSTS, url], stdout=subprocess.PIPE, text=True)
    time.sleep(0.7)
    started = time.perf_counter()
    response = httpx2.post(f"{url}/v1/sweeps", json=sweep, timeout=120)
    seconds = time.perf_counter() - started
    assert response.raise_for_status().json()["created"] == LARGE
    return seconds, float(posts.communicate()[0])


def measure_lab(count: int) -> None:
    with running_api() as (url, file):
        lab = LabRequests(url)

        def show(label: str, measurement: object) -> None:
            print(f"{label:40s} {measurement}", flush=True)

        posts = load.run(url, (lab.create() for _ in range(count)), CONNECTIONS)
        show(f"POST an experiment, {CONNECTIONS} connections", posts)
        bare = bare_insert_rate(2000)
        share = f"{bare:8,.0f}/s   POST reaches {posts.rate / bare:.2f} of it"
        show("bare INSERT of such a row, no HTTP", share)
        newest = httpx2.get(f"{url}/v1/experiments?limit=2").json()["items"]
        ended_id, queued_id = (item["id"] for item in newest)
        httpx2.post(f"{url}/v1/experiments/{ended_id}:cancel").raise_for_status()
        ended = [load.request(url, f"/v1/experiments/{ended_id}")] * count
        queued = [load.request(url, f"/v1/experiments/{queued_id}")] * 200
        show(
            f"GET one that has ended, {CONNECTIONS} connections", load.run(url, ended, CONNECTIONS)
        )
        show("GET one that has ended, 1 connection", load.run(url, ended, 1))
        show(f"GET the last of {count:,} in the queue, 1", load.run(url, queued, 1))
        show("GET a page of 50, 1 connection", load.run(url, [lab.search()] * 100, 1))
        show("GET a series of 10,000 points", load.quantiles(series_seconds(url, file, 50)))
        seconds, slowest = submit_sweep(url)
        waited = f"a POST beside it waits at most {1000 * slowest:.0f} ms"
        show(f"POST a sweep of {LARGE:,} experiments", f"{seconds:8.1f} s    {waited}")


def compare_with_mlflow(count: int) -> None:
    with running_api() as (lab_url, _), peers.mlflow() as mlflow_url:
        lab, mlflow = LabRequests(lab_url), MlflowRequests(mlflow_url)

        def mlflow_load(request: Callable[[], bytes], connections: int) -> load.Load:
            return load.run(mlflow_url, (request() for _ in range(count // 8)), connections)

        for name, lab_request, mlflow_request, connections in (
            ("create a run / POST an experiment", lab.create, mlflow.create, CONNECTIONS),
            ("create a run / POST an experiment", lab.create, mlflow.create, 1),
            ("search 50 runs / GET a page of 50", lab.search, mlflow.search, 8),
        ):
            lab_loads, mlflow_loads = [], []
            for _ in range(ROUNDS):
                mlflow_loads.append(mlflow_load(mlflow_request, connections))
                requests = (lab_request() for _ in range(count // 4))
                lab_loads.append(load.run(lab_url, requests, connections))
            report(name, connections, lab_loads, mlflow_loads)
        for name, request in (("log-metric", mlflow.log), ("log-batch of 100", mlflow.log_hundred)):
            print(f"MLflow {name}, 8 connections: {mlflow_load(request, 8)}")
        print("The lab's workers write points into SQL directly, so it has no such call.")


def report(
    name: str, connections: int, lab_loads: list[load.Load], mlflow_loads: list[load.Load]
) -> None:
    lab_rate = statistics.median(lab.rate for lab in lab_loads)
    mlflow_rate = statistics.median(mlflow.rate for mlflow in mlflow_loads)
    ratios = [lab.rate / mlflow.rate for lab, mlflow in zip(lab_loads, mlflow_loads, strict=True)]
    print(
        f"{name}, {connections} connections: MLflow {mlflow_rate:,.0f}/s, lab {lab_rate:,.0f}/s, "
        f"{statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f}); "
        f"errors: MLflow {error_count(mlflow_loads)}, lab {error_count(lab_loads)}"
    )


def error_count(loads: list[load.Load]) -> int:
    return sum(status >= 400 for result in loads for status in result.statuses)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--without-mlflow", action="store_true")
    arguments = parser.parse_args()
    measure_lab(arguments.requests)
    if not arguments.without_mlflow:
        compare_with_mlflow(arguments.requests)


if __name__ == "__main__":
    main()
