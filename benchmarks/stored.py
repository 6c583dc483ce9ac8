"""How cost grows with stored experiments, 1,000 to 1,000,000: lists, filters, reads, claims and submissions.

python -m benchmarks.stored --most 100000
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from sqlalchemy import event, insert

from benchmarks.lab import SPEC
from core.arrays import pack
from core.result import METRICS
from core.spec import ExperimentSpec
from store.db import tables
from store.db.database import Database
from store.db.migrate import upgrade
from store.experiments import repository as experiments
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue import claims, scheduling

OWNERS, TAGS = ("ada", "bea", "cyd"), ("study:balanced", "pilot", "night")
LENGTHS, SCALES = range(2, 22), np.logspace(-4, 0, 50)
CHUNK = 2000
WAITING = 0.05
"""The share that is queued; the others are completed."""


def fill(database: Database, count: int, first: int = 0) -> None:
    """Adds so many experiments as if each had been submitted and run: rows, tags, history, one run with its arrays.

    Args:
        database: With all tables; written to with synchronous=OFF on SQLite, so that it takes
            minutes and not hours.
        count: How many.
        first: The number of the first; a number makes an experiment, always the same one.
    """
    if database.dialect == "sqlite":
        event.listen(
            database.engine,
            "connect",
            lambda connection, _: connection.execute("PRAGMA synchronous=OFF"),
        )
    for start in range(first, first + count, CHUNK):
        rows = list(_rows(range(start, min(start + CHUNK, first + count))))
        with database.write() as tx:
            for table in (
                tables.experiments,
                tables.tags,
                tables.events,
                tables.runs,
                tables.run_arrays,
            ):
                if written := [row for group in rows for row in group.get(table.name, ())]:
                    tx.execute(insert(table), written)


def _rows(numbers: range) -> Iterator[dict[str, list[dict]]]:
    """Of each number the rows of its experiment, by table."""
    for number in numbers:
        rng = np.random.default_rng(number)
        length, scale = (
            LENGTHS[number % len(LENGTHS)],
            float(SCALES[number // len(LENGTHS) % len(SCALES)]),
        )
        draft = _draft(length, scale)
        queued = rng.random() < WAITING
        own = {"experiment_id": f"exp_{number:032x}"}
        at = 1.7e9 + number
        row = {
            "id": own["experiment_id"], "name": f"k = {length}, scale = {scale:g}", "notes": "",
            "spec": {**draft.content, "seeds": [number]}, "spec_hash": f"{number:064x}", "setup_hash": draft.setup_hash,
            "state": "queued" if queued else "completed", "owner": OWNERS[number % 3], "priority": 0, "device": "cpu",
            "attempt": int(not queued), "attempts_without_progress": 0, "cancel_requested": False, "pause_requested": False,
            "created_at": at, "started_at": None if queued else at + 1, "finished_at": None if queued else at + 2,
            "version": 1, "warnings": [], "staged_batch_id": None,
            "teacher_response": None if queued else _ARRAYS,
        }  # fmt: skip
        tags = [{**own, "tag": TAGS[number % 3], "position": 0, "created_at": at}]
        kinds = ("submitted",) if queued else ("submitted", "started", "completed")
        events = [
            {**own, "at": at + i, "kind": kind, "attempt": int(i > 0), "detail": {}}
            for i, kind in enumerate(kinds)
        ]
        metrics = dict(zip(METRICS, rng.lognormal(-3, 2, len(METRICS)).tolist(), strict=True))
        run = {
            **own,
            "seed": number,
            "outcome": "fitted",
            "steps": 1,
            **metrics,
            "warnings": [],
            "non_finite": {},
        }
        made = {"experiments": [row], "tags": tags, "events": events}
        yield (
            made
            if queued
            else made | {"runs": [run], "run_arrays": [{**own, "seed": number, "payload": _ARRAYS}]}
        )


_ARRAYS = pack({"response": np.linspace(1, 0, 40), "parameters/A": np.eye(20)})


@cache
def _draft(length: int, scale: float) -> Draft:
    start = {"kind": "gaussian", "scale": scale}
    changes = {"student": {**SPEC["student"], "start": start}, "training": {"length": length}}
    return Draft.from_spec(ExperimentSpec.model_validate({**SPEC, **changes}))


def questions(database: Database, count: int) -> dict[str, Callable[[], object]]:
    """What is measured, by name. Each is one transaction, as a request or a worker has it."""
    middle = f"exp_{count // 2:032x}"
    seeds = iter(range(10**12, 10**13))

    def asked(**question: str) -> Callable[[], object]:
        made = ExperimentQuery.parse(**question)

        def ask() -> object:
            with database.read() as tx:
                return [
                    found
                    for found, _ in zip(pages.walk(tx, made, page_size=51), range(50), strict=False)
                ]

        return ask

    def one() -> object:
        with database.read() as tx:
            return experiments.get(tx, middle)

    def submit() -> object:
        draft = Draft.from_spec(ExperimentSpec.model_validate({**SPEC, "seeds": [next(seeds)]}))
        with database.write() as tx:
            return submission.submit_one(
                tx, draft, owner="ada", options=Options(), warnings=(), rerun=False
            )

    def claim() -> object:
        with database.write() as tx:
            return claims.claim(tx, worker_id="w", device="cpu", lease_seconds=1e6)

    def waiting() -> object:
        with database.read() as tx:
            return scheduling.count_waiting(tx, "cpu", limit=8)

    return {
        "newest 50": asked(),
        "newest 50 of a tag": asked(tag=TAGS[0]),
        "newest 50 completed": asked(state="completed"),
        "filter on a field": asked(q="training.length = 8 and student.start.scale < 0.01"),
        "filter on a metric": asked(q="fit_error < 1e-3"),
        "one by id": one,
        "submit": submit,
        "claim": claim,
        "look whether 8 wait": waiting,
    }


def milliseconds(ask: Callable[[], object], repeats: int = 21) -> tuple[float, float]:
    """Median and worst of some repeats, after one that isn't counted."""
    ask()
    took = []
    for _ in range(repeats):
        begun = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took), max(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--most",
        type=int,
        default=100_000,
        help="stored experiments; a million takes some minutes to write",
    )
    asked = parser.parse_args()
    sizes = [10**n for n in range(3, int(math.log10(asked.most)) + 1)]
    table: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as data:
        file = Path(data) / "lab.db"
        upgrade(f"sqlite:///{file}")
        there = 0
        for size in sizes:
            filling = Database(f"sqlite:///{file}")
            fill(filling, size - there, there)
            filling.dispose()
            there = size
            database = Database(f"sqlite:///{file}")
            for name, ask in questions(database, size).items():
                table.setdefault(name, []).append(milliseconds(ask))
                print(f"{name:22s}{size:>10,}{table[name][-1][0]:10.2f} ms", flush=True)
            database.dispose()
            print(f"{size:,} experiments: {file.stat().st_size / 2**20:,.0f} MiB", flush=True)
    print(
        f"\n{'median (worst) in ms':22s}"
        + "".join(f"{size:>20,}" for size in sizes)
        + "   exponent"
    )
    for name, row in table.items():
        exponent = np.polyfit(np.log(sizes), np.log([median for median, _ in row]), 1)[0]
        cells = "".join(f"{f'{median:.2f} ({worst:.1f})':>20s}" for median, worst in row)
        print(f"{name:22s}{cells}   {exponent:8.2f}")


if __name__ == "__main__":
    main()
