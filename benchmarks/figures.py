"""Figures of a sweep of 1,000 experiments among many others, through the whole application.

python -m benchmarks.figures --stored 10000 --seeds 10
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from sqlalchemy import insert
from starlette.testclient import TestClient

from benchmarks import stored
from benchmarks.stored import LENGTHS, SCALES, fill
from core.arrays import pack
from core.result import SERIES
from service.app import build
from service.settings import Settings
from store.arrays.runs import medians_of
from store.db import tables
from store.db.database import Database
from store.db.engines import sqlite_url
from store.db.migrate import upgrade

SWEEP_ID = f"swp_{7:032x}"
FIRST_NUMBER = 10**9
STEPS = np.unique(np.geomspace(1, 5000, 60).astype(np.int64))
HORIZON, DIM = 40, 20


def add_sweep(database: Database, count: int, seeds: int) -> None:
    """Adds a sweep of ``count`` completed experiments over k and scale, with arrays and series."""
    axes = [
        {"kind": "list", "path": "training.length", "values": list(LENGTHS)},
        {"kind": "list", "path": "student.start.scale", "values": SCALES.tolist()},
    ]
    sweep = {
        "id": SWEEP_ID,
        "name": "phase",
        "owner": "ada",
        "base": {},
        "axes": axes,
        "created_at": 1.8e9,
        "version": 1,
        "staged_batch_id": None,
    }
    rng = np.random.default_rng(0)
    groups = [experiment_rows(position, seeds, rng) for position in range(count)]
    with database.write() as tx:
        tx.execute(insert(tables.sweeps), sweep)
        for table in (
            tables.experiments,
            tables.runs,
            tables.medians,
            tables.run_arrays,
            tables.series_chunks,
            tables.sweep_members,
        ):
            tx.execute(insert(table), [row for group in groups for row in group[table.name]])


def experiment_rows(position: int, seeds: int, rng: np.random.Generator) -> dict[str, list[dict]]:
    """All rows of the sweep's experiment at ``position``, by table."""
    k = LENGTHS[position % len(LENGTHS)]
    scale = float(SCALES[position // len(LENGTHS) % len(SCALES)])
    number, draft = FIRST_NUMBER + position, stored.make_draft(k, scale)
    experiment = {
        **stored.completed_row(number, draft, name=f"k = {k}, scale = {scale:g}"),
        "spec": {**draft.content, "seeds": list(range(seeds))},
        "spec_hash": f"{number:064x}",
        "teacher_response": pack({"response": 0.9 ** np.arange(HORIZON)}),
    }
    experiment_id = experiment["id"]
    member = {
        "sweep_id": SWEEP_ID,
        "position": position,
        "experiment_id": experiment_id,
        "coordinates": {"training.length": k, "student.start.scale": scale},
    }
    runs = [stored.run_row(experiment_id, seed, rng, spread=2) for seed in range(seeds)]
    return {
        "experiments": [experiment],
        "sweep_members": [member],
        "runs": runs,
        "medians": [{"experiment_id": experiment_id, **medians_of(runs)}],
        "run_arrays": [
            {"experiment_id": experiment_id, "seed": seed, "payload": pack(run_arrays(rng))}
            for seed in range(seeds)
        ],
        "series_chunks": [series_row(experiment_id, seeds, rng)],
    }


def run_arrays(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "response": rng.normal(size=HORIZON),
        "eigenvalues": rng.normal(size=(DIM, 2)),
        "hankel_singular_values": np.sort(rng.lognormal(size=HORIZON // 2))[::-1],
        "parameters/A": rng.normal(size=(DIM, DIM)),
    }


def series_row(experiment_id: str, seeds: int, rng: np.random.Generator) -> dict:
    points = seeds * len(STEPS)
    columns = {"seed": np.repeat(np.arange(seeds), len(STEPS)), "step": np.tile(STEPS, seeds)}
    columns |= {metric: rng.lognormal(size=points) for metric in SERIES}
    return {
        "experiment_id": experiment_id,
        "number": 0,
        "attempt": 1,
        "first_step": 1,
        "last_step": 5000,
        "rows": points,
        "payload": pack(columns),
    }


def figures() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The name, path and parameters of each figure."""
    path, preview = f"/v1/sweeps/{SWEEP_ID}/figures", "/v1/figures/preview"
    sweep_lines = {"x": "student.start.scale", "series": "training.length"}
    yield "sweep's heat map, svg", f"{path}/heatmap.svg", {}
    yield "sweep's heat map, json", f"{path}/heatmap.json", {}
    yield "sweep's lines, svg", f"{path}/lines.svg", sweep_lines
    yield "recipe's heat map, svg", f"{preview}.svg", HEAT_MAP
    lines = {
        "query": f"sweep:{SWEEP_ID} and student.start.scale > 0.1",
        "x": "training.length",
        "series": "student.start.scale",
    }
    for suffix in ("svg", "pdf", "png"):
        yield f"recipe's lines, {suffix}", f"{preview}.{suffix}", lines
    curves = {"query": f"sweep:{SWEEP_ID}", "series": "training.length"}
    yield "errors by lag, svg", f"{preview}.svg", {**curves, "x": "lag"}
    yield "training by step, svg", f"{preview}.svg", {**curves, "x": "step"}


HEAT_MAP = {
    "query": f"sweep:{SWEEP_ID}",
    "kind": "heatmap",
    "x": "training.length",
    "series": "student.start.scale",
}


def measure(client: TestClient) -> dict[str, tuple[float, float]]:
    """Milliseconds of wall time and CPU time of each figure."""

    def get(path: str, parameters: dict[str, str], status: int = 200, **headers: str) -> object:
        response = client.get(path, params=parameters, headers=headers)
        assert response.status_code == status, response.text
        return response

    measured = {
        name: milliseconds(lambda path=path, parameters=parameters: get(path, parameters))
        for name, path, parameters in figures()
    }
    path = "/v1/figures/preview.svg"
    etag = {"If-None-Match": get(path, HEAT_MAP).headers["etag"]}
    measured["recipe's heat map, unchanged"] = milliseconds(
        lambda: get(path, HEAT_MAP, 304, **etag)
    )
    return measured


def milliseconds(call: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """Median wall time and CPU time of the process, after a call that isn't counted."""
    call()
    times = []
    for _ in range(repeats):
        started, cpu_before = time.perf_counter(), time.process_time()
        call()
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu_before
        times.append((1000 * wall, 1000 * cpu))
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    return wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stored", type=int, default=10_000, help="other experiments in the lab")
    parser.add_argument("--experiments", type=int, default=1000, help="experiments of the sweep")
    parser.add_argument("--seeds", type=int, default=10, help="seeds per experiment")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        url = sqlite_url(Path(data) / "lab.db")
        upgrade(url)
        database = Database(url)
        fill(database, arguments.stored)
        add_sweep(database, arguments.experiments, arguments.seeds)
        database.dispose()
        app = build(Settings(database_url=url, broker_url="redis://localhost:1/0"))
        with TestClient(app) as client:
            measured = measure(client)
    least = min(cpu for _, cpu in measured.values())
    sweep = f"{arguments.experiments:,} experiments x {arguments.seeds} seeds"
    print(f"{sweep} among {arguments.stored:,} others")
    print(f"{'':32s}{'ms of wall time':>18s}{'of CPU':>10s}{'times the least':>18s}")
    for name, (wall, cpu) in measured.items():
        print(f"{name:32s}{wall:18.0f}{cpu:10.0f}{cpu / least:18.1f}")


if __name__ == "__main__":
    main()
