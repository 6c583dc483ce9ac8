"""How long others wait for SQLite's one write lock while very many experiments are submitted, cancelled or retried.

python -m benchmarks.lock --experiments 10000

Another process begins a write again and again. Its longest wait is as long as the lock was held at most, and somewhat
more: SQLite's waiting looks every 1 to 100 ms, the probe every millisecond.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from benchmarks.api import service
from benchmarks.lab import SPEC

_PROBE = """
import sqlite3, sys, threading, time
record = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), told.set()), daemon=True).start()
waits = []
while not told.is_set():
    begun = time.perf_counter()
    while True:
        try:
            record.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError:
            time.sleep(0.001)
    waits.append(time.perf_counter() - begun)
    record.execute("COMMIT")
    time.sleep(0.002)
print(max(waits), sum(wait > 0.1 for wait in waits))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=10_000)
    count = parser.parse_args().experiments
    lengths = {"path": "training.length", "values": [*range(4, 14)]}
    scales = {"path": "student.start.scale", "kind": "logspace", "low": 1e-4, "high": 1, "count": count // 10}
    more = {**scales, "low": 1.1e-4, "high": 1.1}
    base = {**SPEC, "seeds": 1, "tags": ["large"]}
    large = {"name": "large", "base": base, "axes": [lengths, scales]}
    tagged = {**large, "name": "again", "base": {**base, "tags": ["large", "again"]}}
    with service() as (url, file), httpx2.Client(base_url=url, timeout=300) as http:

        def timed(name: str, path: str, body: object = None) -> dict:
            probe = subprocess.Popen([sys.executable, "-c", _PROBE, str(file)], stdin=-1, stdout=-1, text=True)
            time.sleep(0.5)
            begun = time.perf_counter()
            content = None if body is None else json.dumps(body).encode()
            answer = http.post(path, content=content, headers={"Content-Type": "application/json"}).raise_for_status()
            seconds = time.perf_counter() - begun
            longest, often = probe.communicate("")[0].split()
            print(f"{name:45s}{seconds:7.2f} s   the lock: {1000 * float(longest):5.0f} ms at most, "
                  f"{often} times above 100", flush=True)  # fmt: skip
            return answer.json()

        place = f"/v1/sweeps/{timed('submit a sweep', '/v1/sweeps', large)['id']}"
        timed("submit it again", "/v1/sweeps", large)
        timed("submit it again with another tag", "/v1/sweeps", tagged)
        timed("extend it by as many", f"{place}:extend", {"axes": [lengths, more]})
        pending = {"q": "state = queued and tag:again", "expect_count": count}
        timed("cancel those by a filter", "/v1/experiments:cancel", pending)
        timed("cancel the sweep's others", f"{place}:cancel")
        timed("retry all of them", f"{place}:retry")
        print(f"{Path(file).stat().st_size / 2**20:.0f} MiB in all")


if __name__ == "__main__":
    main()
