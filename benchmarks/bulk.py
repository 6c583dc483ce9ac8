"""Changes of all experiments of a large sweep, in CPU time, beside one plain UPDATE of their rows.

python -m benchmarks.bulk --experiments 10000

On SQLite and on a PostgreSQL server of its own. The application runs in this process; the CPU time
is that of this process and of the server's, to which other load on the machine adds little.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import text
from starlette.testclient import TestClient

from benchmarks.lab import SPEC
from service.app import build
from service.settings import Settings
from store.db.database import Database
from store.db.engines import sqlite_url
from store.db.migrate import upgrade
from tests.kit.database import postgres_url
from tests.kit.postgres import postgres_server

GOAL = 5.0
"""Seconds of CPU that one change of 10,000 experiments may take."""

PLAIN = text("UPDATE experiments SET version = version + 1, priority = 1 - priority")


@dataclass(frozen=True)
class Lab:
    """An application over an empty database.

    Attributes:
        http: A client of its API.
        database: The database.
        server_seconds: CPU seconds of the database's server so far; 0 if it has none.
    """

    http: TestClient
    database: Database
    server_seconds: Callable[[], float]

    def seconds(self, call: Callable[[], object]) -> tuple[float, float]:
        """Seconds of CPU and of the clock that a call takes."""
        cpu = time.process_time() + self.server_seconds()
        clock = time.perf_counter()
        call()
        clock = time.perf_counter() - clock
        return time.process_time() + self.server_seconds() - cpu, clock


def measure(lab: Lab, count: int) -> None:
    """Prints what each change of a sweep of ``count`` experiments takes."""

    def plain() -> None:
        with lab.database.write() as tx:
            tx.execute(PLAIN)

    def post(path: str, body: object = None) -> Callable[[], object]:
        return lambda: lab.http.post(path, json=body).raise_for_status()

    half, steps = count // 2, {"path": "optimizer.steps", "values": [1, 2]}
    scales = {"path": "student.start.scale", "kind": "logspace", "low": 1e-4, "high": 1}
    axes = [steps, {**scales, "count": half // 2}]
    wider = [steps, {**scales, "count": half // 2, "low": 1.1e-4, "high": 1.1}]
    sweep = {"name": "large", "base": {**SPEC, "seeds": 1}, "axes": axes}
    answer = lab.http.post("/v1/sweeps", json=sweep).raise_for_status()
    url = f"/v1/sweeps/{answer.json()['id']}"
    all_of_them = {"q": f"sweep:{answer.json()['id']}", "expect_count": count}
    for name, call in (
        ("extend to twice", post(f"{url}:extend", {"axes": wider})),
        ("extend by nothing", post(f"{url}:extend", {"axes": wider})),
        ("prioritise", post("/v1/experiments:prioritise", {**all_of_them, "priority": 1})),
        ("tag", post("/v1/experiments:tag", {**all_of_them, "add": ["large"]})),
        ("pause", post("/v1/experiments:pause", all_of_them)),
        ("resume", post("/v1/experiments:resume", all_of_them)),
        ("cancel the sweep", post(f"{url}:cancel")),
        ("retry the sweep", post(f"{url}:retry")),
        ("cancel by a filter", post("/v1/experiments:cancel", all_of_them)),
        ("delete", post("/v1/experiments:delete", all_of_them)),
    ):
        update, _ = lab.seconds(plain)
        cpu, clock = lab.seconds(call)
        print(
            f"{lab.database.dialect:11} {name:20}{cpu:6.2f} s of CPU, {cpu / update:5.1f} of a "
            f"plain update{'' if cpu < GOAL else ', TOO SLOW':10}  {clock:6.2f} s by the clock",
            flush=True,
        )


def measure_on(url: str, server: psutil.Process | None, count: int) -> None:
    """Measures on the database at ``url``, which ``server`` and its children serve, if any."""

    def server_seconds() -> float:
        if server is None:
            return 0.0
        own = server.cpu_times()
        alive = [child.cpu_times() for child in server.children(recursive=True)]
        ended = own.children_user + own.children_system
        return ended + sum(time.user + time.system for time in (own, *alive))

    upgrade(url)
    app = build(Settings(database_url=url, broker_url="redis+socket:///nowhere"))
    with TestClient(app, base_url="http://localhost") as http:
        measure(Lab(http, app.state.context.database, server_seconds), count)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=10_000)
    count = parser.parse_args().experiments
    with tempfile.TemporaryDirectory() as data:
        url = sqlite_url(Path(data) / "lab.db")
        measure_on(url, None, count)
    with postgres_server() as postgres:
        url = postgres_url(str(postgres.folder), "postgres")
        measure_on(url, psutil.Process(postgres.pid), count)


if __name__ == "__main__":
    main()
