"""A warm, idle lab on this machine, as ``extrapolab up`` starts it: what the other benchmarks measure.

python -m benchmarks.lab    what its API process holds after it has drawn a figure
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


@dataclass(frozen=True)
class Lab:
    """A running lab: where its API answers, a client of it, and its data."""

    url: str
    http: httpx2.Client
    data: Path
    process: psutil.Popen

    @property
    def api(self) -> psutil.Process:
        """The API process."""
        family = self.process.children(recursive=True)
        return next(child for child in family if "service.app:create" in " ".join(child.cmdline()))

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far: what it takes, whoever else is busy on this machine."""
        times = [process.cpu_times() for process in self.process.children(recursive=True)]
        return sum(time.user + time.system for time in times)

    def completed(self, path: str) -> dict:
        """The experiment or sweep at ``path`` once it has ended well."""
        while (found := self.http.get(path).raise_for_status().json())["state"] in {
            "queued",
            "running",
        }:
            time.sleep(0.005)
        if found["state"] != "completed":
            raise SystemExit(f"{path} ended {found['state']}: {found.get('error')}")
        return found


@contextmanager
def running(workers: int) -> Iterator[Lab]:
    """A lab on SQLite with so many slots, each of which has trained before; it is gone at the end."""
    with tempfile.TemporaryDirectory() as data:
        command = [
            sys.executable,
            "-m",
            "extrapolab",
            "up",
            "--data",
            data,
            "--port",
            "0",
            "--workers",
            str(workers),
        ]
        process = psutil.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
        )
        try:
            url = next(
                found[0] for line in process.stdout if (found := re.search(r"http://\S+", line))
            )
            with httpx2.Client(base_url=url, timeout=120) as http:
                lab = Lab(url, http, Path(data), process)
                warm = {
                    "name": "warm",
                    "base": SPEC,
                    "axes": [{"path": "seeds", "values": [*range(1, 1 + 8 * workers)]}],
                }
                lab.completed(
                    http.post("/v1/sweeps", json=warm).raise_for_status().headers["location"]
                )
                yield lab
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def main() -> None:
    with running(1) as lab:
        first = lab.http.get("/v1/experiments", params={"limit": 1}).json()["items"][0]["id"]
        lab.http.get(f"/v1/experiments/{first}/figures/response.svg").raise_for_status()
        maps = Path(f"/proc/{lab.api.pid}/maps").read_text()
        torch = "LOADED" if "libtorch" in maps else "not loaded"
        print(
            f"API process after a figure: {lab.api.memory_info().rss / 1e6:.0f} MB resident, torch {torch}"
        )


if __name__ == "__main__":
    main()
