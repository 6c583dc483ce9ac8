"""Figures of a sweep of 1,000 experiments among many: its own, and those of recipes, through the whole application.

python -m benchmarks.figures --stored 10000 --seeds 10
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import insert
from starlette.testclient import TestClient

from benchmarks.stored import LENGTHS, SCALES, fill
from core.arrays import pack
from core.result import METRICS, SERIES
from service.app import build
from service.settings import Settings
from store.db import tables
from store.db.database import Database
from store.db.migrate import upgrade

SWEEP = f"swp_{7:032x}"
STEPS = np.unique(np.geomspace(1, 5000, 60).astype(np.int64))
HORIZON, DIM = 40, 20


def add_sweep(database: Database, count: int, seeds: int) -> None:
    """A sweep of ``count`` completed experiments over k and scale, with arrays and recorded points."""
    axes = [{"kind": "list", "path": "training.length", "values": list(LENGTHS)},
            {"kind": "list", "path": "student.start.scale", "values": SCALES.tolist()}]  # fmt: skip
    rng = np.random.default_rng(0)
    with database.write() as tx:
        at = {"created_at": 1.8e9, "version": 1, "staged_batch_id": None}
        tx.execute(
            insert(tables.sweeps).values(
                id=SWEEP, name="phase", owner="ada", base={}, axes=axes, **at
            )
        )
        first = tx.execute(
            tables.experiments.select().where(tables.experiments.c.state == "completed").limit(1)
        ).one()
        like = {
            column.key: first._mapping[column]
            for column in tables.experiments.c
            if column.computed is None
        }
        sets: dict[str, list[dict]] = {
            "experiments": [],
            "runs": [],
            "run_arrays": [],
            "chunks": [],
            "members": [],
        }
        for n in range(count):
            k, scale = LENGTHS[n % len(LENGTHS)], float(SCALES[n // len(LENGTHS) % len(SCALES)])
            name, student = f"exp_{10**9 + n:032x}", first.spec["student"]
            spec = {
                **first.spec,
                "training": {**first.spec["training"], "length": k},
                "seeds": list(range(seeds)),
                "student": {**student, "start": {**student["start"], "scale": scale}},
            }
            hashes = {"spec_hash": f"{10**9 + n:064x}", "setup_hash": f"{10**9 + n:064x}"}
            sets["experiments"].append(
                {
                    **like,
                    **hashes,
                    "id": name,
                    "spec": spec,
                    "created_at": 1.8e9 + n,
                    "teacher_response": pack({"response": 0.9 ** np.arange(HORIZON)}),
                }
            )
            sets["members"].append(
                {
                    "sweep_id": SWEEP,
                    "position": n,
                    "experiment_id": name,
                    "coordinates": {"training.length": k, "student.start.scale": scale},
                }
            )
            for seed in range(seeds):
                metrics = dict(
                    zip(METRICS, rng.lognormal(-3, 2, len(METRICS)).tolist(), strict=True)
                )
                own = {"experiment_id": name, "seed": seed}
                ended = {"outcome": "fitted", "steps": 5000, "warnings": [], "non_finite": {}}
                sets["runs"].append({**own, **ended, **metrics})
                arrays = {"response": rng.normal(size=HORIZON), "eigenvalues": rng.normal(size=(DIM, 2)),
                          "hankel_singular_values": np.sort(rng.lognormal(size=HORIZON // 2))[::-1],
                          "parameters/A": rng.normal(size=(DIM, DIM))}  # fmt: skip
                sets["run_arrays"].append({**own, "payload": pack(arrays)})
            columns = {
                "seed": np.repeat(np.arange(seeds), len(STEPS)),
                "step": np.tile(STEPS, seeds),
            }
            columns |= {metric: rng.lognormal(size=seeds * len(STEPS)) for metric in SERIES}
            chunk = {
                "number": 0,
                "attempt": 1,
                "first_step": 1,
                "last_step": 5000,
                "rows": seeds * len(STEPS),
            }
            sets["chunks"].append({"experiment_id": name, **chunk, "payload": pack(columns)})
        targets = zip(sets.values(), (tables.experiments, tables.runs, tables.run_arrays, tables.series_chunks,
                                      tables.sweep_members), strict=True)  # fmt: skip
        for rows, table in targets:
            tx.execute(insert(table), rows)


def questions(client: TestClient) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""

    def of(path: str, **parameters: str) -> Callable[[], object]:
        def ask() -> object:
            answer = client.get(path, params=parameters)
            assert answer.status_code == 200, answer.text
            return answer

        return ask

    recipe = {"query": f"sweep:{SWEEP}", "x": "training.length"}
    heat = {**recipe, "kind": "heatmap", "series": "student.start.scale"}
    lines = {**recipe, "query": f"sweep:{SWEEP} and student.start.scale > 0.1"}
    curves = {"query": f"sweep:{SWEEP}", "series": "training.length"}
    known = client.get("/v1/figures/preview.svg", params=heat).headers["etag"]

    def unchanged() -> object:
        answer = client.get(
            "/v1/figures/preview.svg", params=heat, headers={"If-None-Match": known}
        )
        assert answer.status_code == 304, answer.text
        return answer

    figures = f"/v1/sweeps/{SWEEP}/figures"
    return {
        "sweep's heat map, svg": of(f"{figures}/heatmap.svg"),
        "sweep's heat map, json": of(f"{figures}/heatmap.json"),
        "sweep's lines, svg": of(
            f"{figures}/lines.svg", x="student.start.scale", series="training.length"
        ),
        "recipe's heat map, svg": of("/v1/figures/preview.svg", **heat),
        "recipe's heat map, unchanged": unchanged,
        "recipe's lines, svg": of("/v1/figures/preview.svg", **lines, series="student.start.scale"),
        "recipe's lines, pdf": of("/v1/figures/preview.pdf", **lines, series="student.start.scale"),
        "recipe's lines, png": of("/v1/figures/preview.png", **lines, series="student.start.scale"),
        "errors by lag, svg": of("/v1/figures/preview.svg", **curves, x="lag"),
        "training by step, svg": of("/v1/figures/preview.svg", **curves, x="step"),
    }


def milliseconds(ask: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """Medians by the clock and of the process's CPU, after one that isn't counted."""
    ask()
    took = []
    for _ in range(repeats):
        begun = time.perf_counter(), time.process_time()
        ask()
        took.append(
            (1000 * (time.perf_counter() - begun[0]), 1000 * (time.process_time() - begun[1]))
        )
    clock, cpu = (statistics.median(column) for column in zip(*took, strict=True))
    return clock, cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stored", type=int, default=10_000, help="other experiments in the lab")
    parser.add_argument("--experiments", type=int, default=1000, help="of the sweep")
    parser.add_argument("--seeds", type=int, default=10, help="of each of them")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        url = f"sqlite:///{Path(data) / 'lab.db'}"
        upgrade(url)
        database = Database(url)
        fill(database, asked.stored)
        add_sweep(database, asked.experiments, asked.seeds)
        database.dispose()
        with TestClient(
            build(Settings(database_url=url, broker_url="redis://localhost:1/0"))
        ) as client:
            took = {name: milliseconds(ask) for name, ask in questions(client).items()}
    least = min(cpu for _, cpu in took.values())
    print(f"{asked.experiments:,} experiments x {asked.seeds} seeds among {asked.stored:,} others")
    print(f"{'':32s}{'ms by the clock':>18s}{'of CPU':>10s}{'times the least':>18s}")
    for name, (clock, cpu) in took.items():
        print(f"{name:32s}{clock:18.0f}{cpu:10.0f}{cpu / least:18.1f}")


if __name__ == "__main__":
    main()
