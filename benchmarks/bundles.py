"""Bundles of many experiments over HTTP: without figures, with them, and the same again.

python -m benchmarks.bundles --experiments 1000 --drawn 50
"""

import argparse
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx2
import psutil

from benchmarks.answers import Api
from benchmarks.api import running_api
from benchmarks.figures import SWEEP_ID, add_sweep
from core.figures import FIGURES
from service.exports.bundle import FIGURE_NAMES
from store.db.database import Database
from store.db.engines import sqlite_url
from store.experiments import repository as experiments
from store.experiments import results
from store.query import pages
from store.query.query import ExperimentQuery


def bundle(api: Api, q: str, **options: str) -> tuple[float, float, float]:
    """Wall time and CPU time of a bundle in seconds, and its size in MB."""
    query = urlencode({"q": q, **options})
    started, cpu_before, size = time.perf_counter(), api.cpu_seconds(), 0
    with httpx2.stream("GET", f"{api.url}/v1/bundle?{query}", timeout=600) as response:
        for chunk in response.raise_for_status().iter_raw():
            size += len(chunk)
    return time.perf_counter() - started, api.cpu_seconds() - cpu_before, size / 1e6


def draw(database: Database, q: str) -> tuple[float, float]:
    """Wall time and CPU time of drawing the bundle's figures here, one by one, and nothing else."""
    infos = list(figure_data(database, q))
    FIGURES[infos[0][0]].file(infos[0][1], "svg")  # matplotlib reads its fonts
    started, cpu_before = time.perf_counter(), time.process_time()
    for name, info in infos:
        FIGURES[name].file(info, "svg")
    return time.perf_counter() - started, time.process_time() - cpu_before


def figure_data(database: Database, q: str) -> Iterator[tuple[str, object]]:
    """The names and data of the bundle's figures."""
    with database.read() as tx:
        for experiment_id in pages.ids(tx, ExperimentQuery.parse(q)):
            numbers = (
                experiments.get(tx, experiment_id).spec,
                results.result(tx, experiment_id),
                results.series(tx, experiment_id),
            )
            for name in FIGURE_NAMES:
                yield name, FIGURES[name].data(*numbers)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--drawn", type=int, default=50, help="experiments with figures")
    parser.add_argument("--seeds", type=int, default=3, help="seeds per experiment")
    arguments = parser.parse_args()
    with running_api() as (url, file):
        database = Database(sqlite_url(file))
        add_sweep(database, arguments.experiments, arguments.seeds)
        children = psutil.Process().children()
        api = Api(url, next(c for c in children if "service.app:create" in c.cmdline()))
        sweep = f"sweep:{SWEEP_ID}"
        with database.read() as tx:
            first, *others = sorted(pages.ids(tx, ExperimentQuery.parse(sweep)))
        chosen = others[: arguments.drawn]
        drawn = " or ".join(f"id = {experiment_id}" for experiment_id in chosen)

        def report(name: str, count: int, wall: float, cpu: float, rest: str = "") -> None:
            print(
                f"{name:28s}{count:6,d} experiments {wall:7.2f} s   CPU {cpu:6.2f} s   "
                f"API at most {api.peak_mb():.0f} MB   {rest}",
                flush=True,
            )

        wall, cpu, size = bundle(api, sweep, figures="false")
        report("without figures", arguments.experiments, wall, cpu, f"{size:.0f} MB")
        bundle(api, f"id = {first}")  # matplotlib reads its fonts
        bare_wall, bare_cpu = draw(database, drawn)
        report("bare drawing, one process", len(chosen), bare_wall, bare_cpu)
        for name in ("with figures", "with figures, again"):
            wall, cpu, size = bundle(api, drawn)
            ratios = f"bare drawing x {cpu / bare_cpu:.2f} in CPU, {wall / bare_wall:.2f} in wall"
            report(name, len(chosen), wall, cpu, f"{size:.1f} MB   {ratios}")
        database.dispose()


if __name__ == "__main__":
    main()
