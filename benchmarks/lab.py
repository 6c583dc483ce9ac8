"""A warm, idle lab on this machine, started by ``extrapolab up``, for the other benchmarks.

python -m benchmarks.lab    prints the memory of its API process after drawing a figure
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

SPEC = {
    "teacher": {"kind": "balanced", "dim": 2},
    "student": {"kind": "linear", "dim": 20},
    "training": {"length": 6},
    "optimizer": {"steps": 1},
}
UNFINISHED = frozenset({"queued", "running"})


@dataclass(frozen=True)
class Lab:
    """A running lab.

    Attributes:
        url: The address of its API.
        http: A client of its API.
        data: Its data folder.
        process: The ``extrapolab up`` process.
    """

    url: str
    http: httpx2.Client
    data: Path
    process: psutil.Popen

    @property
    def api(self) -> psutil.Process:
        """The API process."""
        descendants = self.process.children(recursive=True)
        return next(
            child for child in descendants if "service.app:create" in " ".join(child.cmdline())
        )

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far; other processes on the machine don't count."""
        times = [process.cpu_times() for process in self.process.children(recursive=True)]
        return sum(time.user + time.system for time in times)

    def wait_until_completed(self, path: str, pause: float = 0.005) -> dict:
        """The experiment or sweep at ``path``, once it has completed."""
        while True:
            item = self.http.get(path).raise_for_status().json()
            if item["state"] not in UNFINISHED:
                break
            time.sleep(pause)
        if item["state"] != "completed":
            reason = item.get("error") or item.get("counts")
            raise SystemExit(f"{path} ended {item['state']}: {reason}")
        return item


@contextmanager
def running(workers: int) -> Iterator[Lab]:
    """A lab on SQLite with ``workers`` warm slots; it is stopped when the context ends."""
    with tempfile.TemporaryDirectory() as data:
        options = ["--data", data, "--port", "0", "--workers", str(workers)]
        process = psutil.Popen(
            [sys.executable, "-m", "extrapolab", "up", *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )
        try:
            matches = (re.search(r"http://\S+", line) for line in process.stdout)
            url = next(match[0] for match in matches if match)
            with httpx2.Client(base_url=url, timeout=120) as http:
                lab = Lab(url, http, Path(data), process)
                warm_up(lab, workers)
                yield lab
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def warm_up(lab: Lab, workers: int) -> None:
    """Trains enough experiments that every slot takes part."""
    seeds = {"path": "seeds", "values": [*range(1, 1 + 8 * workers)]}
    sweep = {"name": "warm", "base": SPEC, "axes": [seeds]}
    response = lab.http.post("/v1/sweeps", json=sweep).raise_for_status()
    lab.wait_until_completed(response.headers["location"])


def main() -> None:
    with running(1) as lab:
        page = lab.http.get("/v1/experiments", params={"limit": 1}).json()
        experiment_id = page["items"][0]["id"]
        lab.http.get(f"/v1/experiments/{experiment_id}/figures/response.svg").raise_for_status()
        maps = Path(f"/proc/{lab.api.pid}/maps").read_text()
        torch = "LOADED" if "libtorch" in maps else "not loaded"
        megabytes = lab.api.memory_info().rss / 1e6
        print(f"API process after a figure: {megabytes:.0f} MB resident, torch {torch}")


if __name__ == "__main__":
    main()
