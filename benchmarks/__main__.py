"""All benchmarks, one after another: ``make bench``. The machine should have nothing else to do."""

import os
import platform
import subprocess
import sys

PIECES = (
    ("benchmarks.trainer",),
    ("benchmarks.trainer", "--structure", "general"),
    ("benchmarks.trainer", "--dim", "20", "--length", "8", "--steps", "2000"),
    ("benchmarks.trainer", "--dim", "100", "--length", "50", "--steps", "100"),
    ("benchmarks.lab",),
    ("benchmarks.queue",),
    ("benchmarks.api",),
    ("benchmarks.stored", "--most", "100000"),
    ("benchmarks.phase", "--students", "1000"),
)


def main() -> None:
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    for piece in PIECES:
        print(flush=True)
        subprocess.run([sys.executable, "-m", *piece], check=True)


if __name__ == "__main__":
    main()
