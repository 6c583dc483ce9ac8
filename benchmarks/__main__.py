"""All benchmarks, one after another: ``make bench``. The machine should have nothing else to do."""

import os
import platform
import subprocess
import sys

PIECES = (
    ("benchmarks.trainer",),
    ("benchmarks.batches",),
    ("benchmarks.growth",),
    ("benchmarks.lab",),
    ("benchmarks.queue",),
    ("benchmarks.api",),
    ("benchmarks.stored", "--most", "100000"),
    ("benchmarks.answers",),
    ("benchmarks.lock",),
    ("benchmarks.figures", "--stored", "10000"),
    ("benchmarks.phase", "--students", "1000"),
    ("benchmarks.study", "balanced"),
)


def main() -> None:
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    for piece in PIECES:
        print(flush=True)
        one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as trainers and API have it
        subprocess.run([sys.executable, "-m", *piece], check=True, env=one_thread)


if __name__ == "__main__":
    main()
