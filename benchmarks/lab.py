"""A warm, idle lab on this machine: from POST to the first training step, and what the API process holds.

python -m benchmarks.lab --experiments 100
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx2
import psutil

SPEC = {
    "teacher": {"kind": "balanced", "dim": 2},
    "student": {"kind": "linear", "dim": 20},
    "training": {"length": 6},
    "optimizer": {"steps": 1},
}


def latencies(http: httpx2.Client, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds from sending each POST to its claim, and to its end: one step and its results in SQL."""
    claimed, ended = [], []
    for seed in range(count):
        sent = time.time()
        answer = http.post("/v1/experiments", json={**SPEC, "seeds": [time.time_ns() + seed]})
        path = answer.raise_for_status().headers["location"]
        while (experiment := http.get(path).json())["state"] not in {"completed", "failed"}:
            time.sleep(0.005)
        if experiment["state"] == "failed":
            raise SystemExit(str(experiment["error"]))
        started, finished = (datetime.fromisoformat(experiment[name]) for name in ("started_at", "finished_at"))
        claimed.append(1000 * (started.timestamp() - sent))
        ended.append(1000 * (finished.timestamp() - sent))
    return claimed, ended


def quantiles(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49]:6.1f} ms   p99 {cuts[98]:6.1f} ms"


def api_process(lab: psutil.Process) -> psutil.Process:
    return next(child for child in lab.children(recursive=True) if "service.app:create" in " ".join(child.cmdline()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "extrapolab", "up", "--data", data, "--port", "0", "--workers", "1"]
        lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
        try:
            assert lab.stdout is not None
            url = next(found[0] for line in lab.stdout if (found := re.search(r"http://\S+", line)))
            with httpx2.Client(base_url=url, timeout=60) as http:
                latencies(http, 5)
                claimed, ended = latencies(http, asked.experiments)
                first = http.get("/v1/experiments", params={"limit": 1}).json()["items"][0]["id"]
                http.get(f"/v1/experiments/{first}/figures/response.svg").raise_for_status()
            api = api_process(psutil.Process(lab.pid))
            maps = Path(f"/proc/{api.pid}/maps").read_text()
            print(f"{asked.experiments} experiments of one step, one after another, SQLite, one slot")
            print(f"POST to claim                      {quantiles(claimed)}")
            print(f"POST to one step and its results   {quantiles(ended)}")
            print(f"API process after a figure         {api.memory_info().rss / 2**20:.0f} MiB resident, torch "
                  f"{'LOADED' if 'libtorch' in maps else 'not loaded'}")  # fmt: skip
        finally:
            lab.send_signal(signal.SIGINT)
            lab.wait(timeout=30)


if __name__ == "__main__":
    main()
