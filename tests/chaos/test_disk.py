"""A disk that fills under a lab that trains: it refuses what it can't keep, and loses nothing."""

import errno
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
import torch

from core.run import run
from core.spec import ExperimentSpec
from tests.chaos.history import digest
from tests.chaos.scene import HASTE, LEASE_SECONDS, until
from tests.kit import sample_specs
from tests.kit.lab import RunningLab, running_lab

SPEC = ExperimentSpec.model_validate(
    {
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": 30, "structure": "general"},
        "training": {"length": 8},
        "optimizer": {"kind": "momentum", "steps": 150_000},
        "seeds": [0, 1],
    }
)
"""Many seconds of training."""


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of 64 MB, in memory; skips the test where nobody may mount one."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "lab", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(
            f"NOT TESTED: a disk of its own needs root and a kernel that lets it mount one: {error}"
        )
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Writes until nothing more fits, page by page at the end."""
    with ballast.open("ab", buffering=0) as file:
        for size in (2**20, 4096):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
        with pytest.raises(OSError, match=f"Errno {errno.ENOSPC}"):
            file.write(bytes(4096))


def submit(lab: RunningLab, spec: ExperimentSpec) -> httpx2.Response:
    return httpx2.post(
        f"{lab.url}/v1/experiments?on_duplicate=rerun",
        json=spec.model_dump(mode="json"),
        timeout=60.0,
    )


def ask(lab: RunningLab, path: str) -> dict:
    return httpx2.get(f"{lab.url}{path}", timeout=60.0).raise_for_status().json()


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_disk_that_fills_while_it_trains_costs_time_and_nothing_else(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    expected = digest(json.loads(run(SPEC).model_dump_json()))
    torch.set_num_threads(threads)
    small = sample_specs.spec(optimizer={"steps": 10})
    with (
        small_disk(tmp_path / "disk") as disk,
        running_lab(disk / "data", "--workers", "1", variables=HASTE) as lab,
    ):
        before = submit(lab, small).headers["location"]
        until(lambda: ask(lab, before)["state"] == "completed")
        result = ask(lab, f"{before}/result")
        training = submit(lab, SPEC).headers["location"]
        until(lambda: (ask(lab, training)["progress"] or {}).get("step"))
        until(lambda: not fill(disk / "ballast") and submit(lab, small).status_code == 503)
        refused = submit(lab, small)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "disk" in refused.json()["detail"]
        time.sleep(2 * LEASE_SECONDS)  # nobody can renew a lease
        assert ask(lab, f"{before}/result") == result
        assert ask(lab, training)["state"] in {"queued", "running"}
        (disk / "ballast").unlink()
        after = until(lambda: (answer := submit(lab, small)).is_success and answer).headers[
            "location"
        ]
        until(lambda: ask(lab, after)["state"] == "completed")
        until(lambda: ask(lab, training)["state"] == "completed")
        assert digest(ask(lab, f"{training}/result")) == expected
        kinds = [event["kind"] for event in ask(lab, f"{training}/events")["items"]]
        assert kinds.count("completed") == 1
        found = ask(lab, "/v1/experiments?limit=500")["items"]
        assert {one["state"] for one in found} == {"completed"}
