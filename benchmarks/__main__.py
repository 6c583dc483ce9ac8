"""Runs all benchmarks in turn: ``make bench``. The machine should be idle otherwise."""

import os
import platform
import subprocess
import sys

BENCHMARKS = (
    ("benchmarks.trainer",),
    ("benchmarks.batches",),
    ("benchmarks.growth",),
    ("benchmarks.long",),
    ("benchmarks.costs",),
    ("benchmarks.lab",),
    ("benchmarks.queue",),
    ("benchmarks.api",),
    ("benchmarks.stored", "--most", "100000"),
    ("benchmarks.answers",),
    ("benchmarks.lock",),
    ("benchmarks.bulk",),
    ("benchmarks.figures", "--stored", "10000"),
    ("benchmarks.bundles",),
    ("benchmarks.phase", "--students", "1000"),
    ("benchmarks.study", "balanced"),
)


def main() -> None:
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as in trainers and the API
    for benchmark in BENCHMARKS:
        print(flush=True)
        subprocess.run([sys.executable, "-m", *benchmark], check=True, env=one_thread)


if __name__ == "__main__":
    main()
