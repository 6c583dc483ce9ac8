"""HTTP answers over many stored experiments: pages, tables and exports of a million points.

python -m benchmarks.answers --stored 100000
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import numpy as np
import psutil
from sqlalchemy import insert

from benchmarks import stored
from benchmarks.api import running_api
from benchmarks.lab import SPEC
from core.arrays import pack
from core.result import METRICS, SERIES
from core.spec import ExperimentSpec
from store.arrays.runs import medians_of
from store.db import tables
from store.db.database import Database
from store.db.engines import sqlite_url
from store.experiments.draft import Draft

SPECS, SEEDS, POINTS = 1_000, 10, 100
FIRST_NUMBER = 10**9
"""Number of the first spec; it is so high that these experiments are the newest."""
SCALE = "student.start.scale"


def fill(database: Database) -> None:
    """Adds 1,000 completed experiments tagged ``grid``: ten seeds with 100 points each."""
    rng = np.random.default_rng(0)
    for number, scale in enumerate(np.logspace(-4, 0, SPECS).tolist(), start=FIRST_NUMBER):
        student = {**SPEC["student"], "start": {"kind": "gaussian", "scale": scale}}
        spec = {**SPEC, "student": student, "seeds": SEEDS}
        draft = Draft.from_spec(ExperimentSpec.model_validate(spec))
        row = stored.completed_row(number, draft, name=f"scale = {scale:g}")
        key = {"experiment_id": row["id"]}
        runs = [stored.run_row(row["id"], seed, rng, spread=4) for seed in range(SEEDS)]
        tag = {**key, "tag": "grid", "position": 0, "created_at": row["created_at"]}
        chunk = {
            **key,
            "number": 0,
            "attempt": 1,
            "first_step": 0,
            "last_step": POINTS - 1,
            "rows": POINTS * SEEDS,
            "payload": pack(random_walks(rng)),
        }
        with database.write() as tx:
            tx.execute(insert(tables.experiments), row)
            tx.execute(insert(tables.tags), tag)
            tx.execute(insert(tables.runs), runs)
            tx.execute(insert(tables.medians), {**key, **medians_of(runs)})
            tx.execute(insert(tables.series_chunks), chunk)


def random_walks(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Recorded points of all seeds, by column."""
    points = {
        "seed": np.tile(np.arange(SEEDS), POINTS),
        "step": np.repeat(np.arange(POINTS), SEEDS),
    }
    for name in SERIES:
        points[name] = rng.standard_normal((POINTS, SEEDS)).cumsum(0).ravel()
    return points


def requests() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The name, path and parameters of each request."""
    pages = {
        "newest": {},
        "a tag": {"q": "tag:pilot"},
        "a field, many have it": {"q": f"training.length = 8 and {SCALE} < 0.01"},
        "a field, none has it": {"q": f"{SCALE} = 7"},
        "a metric": {"q": "fit_error < 1e-3"},
        "a metric, none has it": {"q": "fit_error < 1e-300"},
        "a median": {"q": "median(fit_error) < 1e-3"},
        "by a field": {"sort": SCALE},
        "by a metric": {"sort": "fit_error"},
        "a tag by a metric": {"q": "tag:grid", "sort": "fit_error"},
    }
    for name, parameters in pages.items():
        yield f"page of 50: {name}", "/v1/experiments", parameters
    grid = {"q": "tag:grid"}
    yield "table by setup", "/v1/table", grid
    yield "table by setup, all metrics", "/v1/table", {**grid, "metrics": ",".join(METRICS)}
    yield "table by a field", "/v1/table", {**grid, "by": SCALE}
    yield "table as CSV", "/v1/table", {**grid, "format": "csv"}
    yield "table of all that is stored", "/v1/table", {}


@dataclass(frozen=True)
class Api:
    """The API process and its URL."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """CPU time of the process so far; other processes on the machine don't count."""
        times = self.process.cpu_times()
        return times.user + times.system

    def peak_mb(self) -> float:
        """Peak memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def measure(api: Api, path: str, parameters: dict[str, str], repeats: int) -> str:
    """Wall time (median and worst) and CPU time of a request, after one that isn't counted."""
    times = []
    with httpx2.Client(base_url=api.url, timeout=600) as http:
        http.get(path, params=parameters).raise_for_status()
        cpu_before = api.cpu_seconds()
        for _ in range(repeats):
            started = time.perf_counter()
            http.get(path, params=parameters).raise_for_status()
            times.append(1000 * (time.perf_counter() - started))
        cpu = 1000 * (api.cpu_seconds() - cpu_before) / repeats
    median, worst = statistics.median(times), max(times)
    return f"median {median:8.1f} ms   worst {worst:8.1f} ms   CPU {cpu:7.1f} ms"


def measure_export(api: Api, form: str) -> str:
    """Wall time, CPU time, bytes and peak memory of an export of all points and metrics."""
    query = urlencode({"q": "tag:grid", "what": "series", "format": form})
    started, cpu_before, size = time.perf_counter(), api.cpu_seconds(), 0
    with httpx2.stream("GET", f"{api.url}/v1/export?{query}", timeout=600) as response:
        for chunk in response.raise_for_status().iter_raw():
            size += len(chunk)
    seconds, cpu = time.perf_counter() - started, api.cpu_seconds() - cpu_before
    return (
        f"{seconds:6.2f} s   CPU {cpu:5.2f} s   {size / 1e6:5.0f} MB   "
        f"API memory at most {api.peak_mb():.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stored", type=int, default=100_000, help="other experiments in the lab")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    with running_api() as (url, file):
        database = Database(sqlite_url(file))
        stored.fill(database, arguments.stored)
        fill(database)
        database.dispose()
        children = psutil.Process().children()
        api = Api(url, next(c for c in children if "service.app:create" in c.cmdline()))
        points = SPECS * SEEDS * POINTS
        for form in ("csv", "ndjson", "arrow", "arrows", "parquet"):
            print(f"export of {points:,} points, {form:8s}{measure_export(api, form)}", flush=True)
        for name, path, parameters in requests():
            print(f"{name:42s}{measure(api, path, parameters, arguments.repeats)}", flush=True)
        print(f"API memory at most {api.peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
