"""What is asked of many stored experiments over HTTP: pages, tables of 1,000 specs x 10 seeds, exports of 1e6 points.

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
from store.db import tables
from store.db.database import Database
from store.experiments.draft import Draft

SPECS, SEEDS, POINTS = 1_000, 10, 100
FIRST = 10**9
"""The number of the first of those specs, so that they are the newest."""


def fill(database: Database) -> None:
    """1,000 completed experiments of ten seeds with a hundred recorded points each, tagged ``grid``."""
    rng = np.random.default_rng(0)
    for number, scale in enumerate(np.logspace(-4, 0, SPECS).tolist()):
        own, at = {"experiment_id": f"exp_{FIRST + number:032x}"}, 1.7e9 + FIRST + number
        start = {"kind": "gaussian", "scale": scale}
        student = {**SPEC["student"], "start": start}
        draft = Draft.from_spec(
            ExperimentSpec.model_validate({**SPEC, "student": student, "seeds": SEEDS})
        )
        row = {
            "id": own["experiment_id"], "name": f"scale = {scale:g}", "notes": "", "spec": draft.content,
            "spec_hash": draft.spec_hash, "setup_hash": draft.setup_hash, "state": "completed", "owner": "ada",
            "priority": 0, "device": "cpu", "attempt": 1, "attempts_without_progress": 0, "cancel_requested": False,
            "pause_requested": False, "created_at": at, "started_at": at, "finished_at": at + 1, "version": 1,
            "warnings": [], "staged_batch_id": None,
        }  # fmt: skip
        runs = [
            {**own, "seed": seed, "outcome": "fitted", "steps": 1000, "warnings": [], "non_finite": {},
             **dict(zip(METRICS, rng.lognormal(-3, 4, len(METRICS)).tolist(), strict=True))}
            for seed in range(SEEDS)
        ]  # fmt: skip
        walks = {name: rng.standard_normal((POINTS, SEEDS)).cumsum(0).ravel() for name in SERIES}
        points = {
            "seed": np.tile(np.arange(SEEDS), POINTS),
            "step": np.repeat(np.arange(POINTS), SEEDS),
            **walks,
        }
        chunk = {
            **own,
            "number": 0,
            "attempt": 1,
            "first_step": 0,
            "last_step": POINTS - 1,
            "rows": POINTS * SEEDS,
        }
        with database.write() as tx:
            tx.execute(insert(tables.experiments), row)
            tx.execute(insert(tables.tags), {**own, "tag": "grid", "position": 0, "created_at": at})
            tx.execute(insert(tables.runs), runs)
            tx.execute(insert(tables.series_chunks), {**chunk, "payload": pack(points)})


def questions() -> Iterator[tuple[str, str, dict[str, object]]]:
    """What is measured: its name, path and parameters."""
    scale = "student.start.scale"
    for name, question in {
        "newest": {},
        "a tag": {"q": "tag:pilot"},
        "a field, many have it": {"q": f"training.length = 8 and {scale} < 0.01"},
        "a field, none has it": {"q": f"{scale} = 7"},
        "a metric": {"q": "fit_error < 1e-3"},
        "a metric, none has it": {"q": "fit_error < 1e-300"},
        "a median": {"q": "median(fit_error) < 1e-3"},
        "by a field": {"sort": scale},
        "by a metric": {"sort": "fit_error"},
        "a tag by a metric": {"q": "tag:grid", "sort": "fit_error"},
    }.items():
        yield f"page of 50: {name}", "/v1/experiments", question
    grid = {"q": "tag:grid"}
    yield "table by setup", "/v1/table", grid
    yield "table by setup, all metrics", "/v1/table", {**grid, "metrics": ",".join(METRICS)}
    yield "table by a field", "/v1/table", {**grid, "by": scale}
    yield "table as CSV", "/v1/table", {**grid, "format": "csv"}
    yield "table of all that is stored", "/v1/table", {}


@dataclass(frozen=True)
class Api:
    """The API process and where it answers."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """What it took so far, whoever else is busy on this machine."""
        times = self.process.cpu_times()
        return times.user + times.system

    def most_mb(self) -> float:
        """The most that it ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def ask(api: Api, path: str, question: dict[str, object], repeats: int) -> str:
    """Median and worst by the clock, and CPU of the API for each, in milliseconds, after a call that isn't counted."""
    took = []
    with httpx2.Client(base_url=api.url, timeout=600) as http:
        http.get(path, params=question).raise_for_status()
        spent = api.cpu_seconds()
        for _ in range(repeats):
            begun = time.perf_counter()
            http.get(path, params=question).raise_for_status()
            took.append(1000 * (time.perf_counter() - begun))
        cpu = 1000 * (api.cpu_seconds() - spent) / repeats
    return (
        f"median {statistics.median(took):8.1f} ms   worst {max(took):8.1f} ms   CPU {cpu:7.1f} ms"
    )


def export(api: Api, form: str) -> str:
    """Seconds, by the clock and of CPU, and bytes of an export of a million points, each with all that is recorded."""
    query = urlencode({"q": "tag:grid", "what": "series", "format": form})
    begun, spent, size = time.perf_counter(), api.cpu_seconds(), 0
    with httpx2.stream("GET", f"{api.url}/v1/export?{query}", timeout=600) as answer:
        for piece in answer.raise_for_status().iter_raw():
            size += len(piece)
    seconds, cpu = time.perf_counter() - begun, api.cpu_seconds() - spent
    return f"{seconds:6.2f} s   CPU {cpu:5.2f} s   {size / 1e6:5.0f} MB   the API held at most {api.most_mb():.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--stored", type=int, default=100_000, help="experiments that are stored beside"
    )
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    with running_api() as (url, file):
        database = Database(f"sqlite:///{file}")
        stored.fill(database, asked.stored)
        fill(database)
        database.dispose()
        process = next(
            child
            for child in psutil.Process().children()
            if "service.app:create" in child.cmdline()
        )
        api = Api(url, process)
        for form in ("csv", "ndjson", "arrow", "parquet"):
            print(
                f"export of {SPECS * SEEDS * POINTS:,} points, {form:8s}{export(api, form)}",
                flush=True,
            )
        for name, path, question in questions():
            print(f"{name:42s}{ask(api, path, question, asked.repeats)}", flush=True)
        print(f"the API held at most {api.most_mb():.0f} MB")


if __name__ == "__main__":
    main()
