"""A disk that fills during training: the lab refuses new work and loses nothing."""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from core.spec import ExperimentSpec
from tests.chaos.chaos_lab import FAST_SETTINGS, LEASE_SECONDS, fill, mounted_disk, wait_for
from tests.chaos.digests import expected_digest, stored_digest
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
"""An experiment of many seconds."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mounts a disk of 64 MB in memory, or skips the test."""
    with mounted_disk(folder, 64) as disk:
        if disk is None:
            pytest.skip("NOT TESTED: a private disk needs root and a kernel that can mount it")
        yield disk


def fill_up(ballast: Path) -> None:
    """Fills the disk, and checks that nothing more can be written to it."""
    fill(ballast)
    full = pytest.raises(OSError, match=f"Errno {errno.ENOSPC}")
    with ballast.open("ab", buffering=0) as file, full:
        file.write(bytes(4096))


def submit(lab: RunningLab, spec: ExperimentSpec) -> httpx2.Response:
    return httpx2.post(
        f"{lab.url}/v1/experiments?on_duplicate=rerun",
        json=spec.model_dump(mode="json"),
        timeout=60.0,
    )


def get(lab: RunningLab, path: str) -> dict:
    return httpx2.get(f"{lab.url}{path}", timeout=60.0).raise_for_status().json()


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_disk_that_fills_during_training_costs_only_time(tmp_path):
    expected = expected_digest(SPEC)
    small = sample_specs.spec(optimizer={"steps": 10})
    with (
        small_disk(tmp_path / "disk") as disk,
        running_lab(disk / "data", "--workers", "1", variables=FAST_SETTINGS) as lab,
    ):
        before = submit(lab, small).headers["location"]
        wait_for(lambda: get(lab, before)["state"] == "completed")
        result = get(lab, f"{before}/result")
        training = submit(lab, SPEC).headers["location"]
        wait_for(lambda: (get(lab, training)["progress"] or {}).get("step"))
        wait_for(lambda: not fill_up(disk / "ballast") and submit(lab, small).status_code == 503)
        refused = submit(lab, small)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "disk" in refused.json()["detail"]
        time.sleep(2 * LEASE_SECONDS)  # no lease can be renewed
        assert get(lab, f"{before}/result") == result
        assert get(lab, training)["state"] in {"queued", "running"}
        (disk / "ballast").unlink()
        after = wait_for(lambda: (answer := submit(lab, small)).is_success and answer).headers[
            "location"
        ]
        wait_for(lambda: get(lab, after)["state"] == "completed")
        wait_for(lambda: get(lab, training)["state"] == "completed")
        assert stored_digest(partial(get, lab), training) == expected
        kinds = [event["kind"] for event in get(lab, f"{training}/events")["items"]]
        assert kinds.count("completed") == 1
        experiments = get(lab, "/v1/experiments?limit=500")["items"]
        assert {experiment["state"] for experiment in experiments} == {"completed"}
