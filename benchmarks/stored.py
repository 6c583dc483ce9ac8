"""Cost of lists, filters, reads, claims and submissions with 1,000 to 1,000,000 experiments.

python -m benchmarks.stored --most 100000
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from sqlalchemy import event, insert

from benchmarks.lab import SPEC
from core.arrays import pack
from core.result import METRICS
from core.spec import ExperimentSpec
from store.arrays.runs import medians_of
from store.db import tables
from store.db.database import Database
from store.db.engines import sqlite_url
from store.db.migrate import upgrade
from store.experiments import pooling, submission
from store.experiments import repository as experiments
from store.experiments.draft import Draft, Options
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue import claims, scheduling

OWNERS, TAGS = ("ada", "bea", "cyd"), ("study:balanced", "pilot", "night")
LENGTHS, SCALES = range(2, 22), np.logspace(-4, 0, 50)
BATCH = 2000
QUEUED_SHARE = 0.05
"""Share of experiments that is queued; the others are completed."""
ARRAYS = pack({"response": np.linspace(1, 0, 40), "parameters/A": np.eye(20)})


def fill(database: Database, count: int, first: int = 0) -> None:
    """Adds experiments with tags, history and one run with its arrays, as if they had been run.

    Args:
        database: The database, with all tables. SQLite is written to with synchronous=OFF, which
            saves hours.
        count: The number of experiments.
        first: The number of the first; an experiment depends on its number alone.
    """
    if database.dialect == "sqlite":
        event.listen(
            database.engine,
            "connect",
            lambda connection, _: connection.execute("PRAGMA synchronous=OFF"),
        )
    setups = set[str]()
    for start in range(first, first + count, BATCH):
        numbers = range(start, min(start + BATCH, first + count))
        groups = [experiment_rows(number) for number in numbers]
        with database.write() as tx:
            for table in (
                tables.experiments,
                tables.tags,
                tables.events,
                tables.runs,
                tables.medians,
                tables.run_arrays,
            ):
                rows = [row for group in groups for row in group.get(table.name, ())]
                if rows:
                    tx.execute(insert(table), rows)
        setups |= {group["experiments"][0]["setup_hash"] for group in groups}
    with database.write() as tx:
        pooling.pool(tx, setups)


def experiment_rows(number: int) -> dict[str, list[dict]]:
    """All rows of one experiment, by table."""
    rng = np.random.default_rng(number)
    length = LENGTHS[number % len(LENGTHS)]
    scale = float(SCALES[number // len(LENGTHS) % len(SCALES)])
    draft = make_draft(length, scale)
    row = {
        **completed_row(number, draft, name=f"k = {length}, scale = {scale:g}"),
        "spec": {**draft.content, "seeds": [number]},
        "spec_hash": f"{number:064x}",
        "owner": OWNERS[number % 3],
        "teacher_response": ARRAYS,
    }
    key, created_at = {"experiment_id": row["id"]}, row["created_at"]
    tag = {**key, "tag": TAGS[number % 3], "position": 0, "created_at": created_at}
    submitted = {**key, "at": created_at, "kind": "submitted", "attempt": 0, "detail": {}}
    if rng.random() < QUEUED_SHARE:
        unstarted = {
            "state": "queued",
            "attempt": 0,
            "started_at": None,
            "finished_at": None,
            "teacher_response": None,
        }
        return {"experiments": [row | unstarted], "tags": [tag], "events": [submitted]}
    started = {**submitted, "at": created_at + 1, "kind": "started", "attempt": 1}
    completed = {**started, "at": created_at + 2, "kind": "completed"}
    run = run_row(row["id"], number, rng, spread=2)
    return {
        "experiments": [row],
        "tags": [tag],
        "events": [submitted, started, completed],
        "runs": [run],
        "medians": [{**key, **medians_of([run])}],
        "run_arrays": [{**key, "seed": number, "payload": ARRAYS}],
    }


def completed_row(number: int, draft: Draft, name: str) -> dict:
    """The row of a completed experiment."""
    created_at = 1.7e9 + number
    return {
        "id": f"exp_{number:032x}",
        "name": name,
        "notes": "",
        "spec": draft.content,
        "spec_hash": draft.spec_hash,
        "setup_hash": draft.setup_hash,
        "state": "completed",
        "owner": "ada",
        "priority": 0,
        "device": "cpu",
        "attempt": 1,
        "attempts_without_progress": 0,
        "cancel_requested": False,
        "pause_requested": False,
        "created_at": created_at,
        "started_at": created_at + 1,
        "finished_at": created_at + 2,
        "version": 1,
        "warnings": [],
        "staged_batch_id": None,
    }


def run_row(experiment_id: str, seed: int, rng: np.random.Generator, spread: float) -> dict:
    """The row of a fitted run with random metrics, log-normal with deviation ``spread``."""
    metrics = rng.lognormal(-3, spread, len(METRICS)).tolist()
    return {
        "experiment_id": experiment_id,
        "seed": seed,
        "outcome": "fitted",
        "steps": 1000,
        "warnings": [],
        "non_finite": {},
        **dict(zip(METRICS, metrics, strict=True)),
    }


@cache
def make_draft(length: int, scale: float) -> Draft:
    start = {"kind": "gaussian", "scale": scale}
    changes = {"student": {**SPEC["student"], "start": start}, "training": {"length": length}}
    return Draft.from_spec(ExperimentSpec.model_validate({**SPEC, **changes}))


def operations(database: Database, count: int) -> dict[str, Callable[[], object]]:
    """The measured operations by name, each one transaction of a request or a worker."""
    middle_id = f"exp_{count // 2:032x}"
    seeds = iter(range(10**12, 10**13))

    def page(**parameters: str) -> Callable[[], object]:
        query = ExperimentQuery.parse(**parameters)

        def read() -> object:
            with database.read() as tx:
                walk = pages.walk(tx, query, page_size=51)
                return [experiment for experiment, _ in zip(walk, range(50), strict=False)]

        return read

    def get() -> object:
        with database.read() as tx:
            return experiments.get(tx, middle_id)

    def submit() -> object:
        draft = Draft.from_spec(ExperimentSpec.model_validate({**SPEC, "seeds": [next(seeds)]}))
        with database.write() as tx:
            return submission.submit_one(
                tx, draft, owner="ada", options=Options(), warnings=(), rerun=False
            )

    def claim() -> object:
        with database.write() as tx:
            return claims.claim(tx, worker_id="w", device="cpu", lease_seconds=1e6)

    def count_waiting() -> object:
        with database.read() as tx:
            return scheduling.count_waiting(tx, "cpu", limit=8)

    return {
        "newest 50": page(),
        "newest 50 of a tag": page(tag=TAGS[0]),
        "newest 50 completed": page(state="completed"),
        "filter on a field": page(q="training.length = 8 and student.start.scale < 0.01"),
        "filter on a metric": page(q="fit_error < 1e-3"),
        "one by id": get,
        "submit": submit,
        "claim": claim,
        "count up to 8 waiting": count_waiting,
    }


def milliseconds(call: Callable[[], object], repeats: int = 21) -> tuple[float, float]:
    """Median and worst time of a call, after one that isn't counted."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times), max(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--most",
        type=int,
        default=100_000,
        help="stored experiments at most; a million takes minutes to write",
    )
    arguments = parser.parse_args()
    sizes = [10**n for n in range(3, int(math.log10(arguments.most)) + 1)]
    with tempfile.TemporaryDirectory() as data:
        table = measure(Path(data) / "lab.db", sizes)
    header = "".join(f"{size:>20,}" for size in sizes)
    print(f"\n{'median (worst) in ms':22s}{header}   exponent")
    for name, row in table.items():
        cells = "".join(f"{f'{median:.2f} ({worst:.1f})':>20s}" for median, worst in row)
        medians = [median for median, _ in row]
        exponent = np.polyfit(np.log(sizes), np.log(medians), 1)[0] if len(sizes) > 1 else np.nan
        print(f"{name:22s}{cells}   {exponent:8.2f}")


def measure(file: Path, sizes: list[int]) -> dict[str, list[tuple[float, float]]]:
    """Median and worst milliseconds of each operation at each size, in one growing database."""
    table: dict[str, list[tuple[float, float]]] = {}
    url = sqlite_url(file)
    upgrade(url)
    for previous, size in zip([0, *sizes], sizes, strict=False):
        filling = Database(url)
        fill(filling, size - previous, previous)
        filling.dispose()
        database = Database(url)
        for name, call in operations(database, size).items():
            median, worst = milliseconds(call)
            table.setdefault(name, []).append((median, worst))
            print(f"{name:22s}{size:>10,}{median:10.2f} ms", flush=True)
        database.dispose()
        print(f"{size:,} experiments: {file.stat().st_size / 2**20:,.0f} MiB", flush=True)
    return table


if __name__ == "__main__":
    main()
