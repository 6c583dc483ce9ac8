"""Measures the time to recover from each fault with the default settings, and prints a table.

The tests require recovery, not a certain time.
"""

import signal
import time
from collections.abc import Callable

import httpx2
import psutil
import pytest

from tests.chaos.chaos_lab import ChaosLab, running_chaos_lab, send_signal_to_all, wait_for
from tests.kit import sample_specs
from tests.kit.database import KINDS

LONG = sample_specs.spec(
    student={"kind": "linear", "dim": 20},
    optimizer={"kind": "gd", "lr": 1e-6, "steps": 1_000_000_000},
    seeds=1,
)
SMALL = sample_specs.spec(optimizer={"steps": 10})
TIMES = 2


class LabUnderTest:
    """A lab with one slot, and requests to it."""

    def __init__(self, chaos_lab: ChaosLab) -> None:
        self.chaos_lab = chaos_lab

    def submit(self, spec) -> str:
        query = "/v1/experiments?on_duplicate=rerun"
        answer = wait_for(
            lambda: self._request("POST", query, json=spec.model_dump(mode="json")), seconds=60
        )
        return f"/v1/experiments/{answer['id']}"

    def _request(self, method: str, path: str, **options):
        try:
            answer = httpx2.request(method, f"{self.chaos_lab.url}{path}", timeout=30.0, **options)
        except httpx2.TransportError:
            return None
        return answer.json() if answer.is_success else None

    def get(self, path: str):
        return self._request("GET", path) or {}

    def start_training(self) -> str:
        """Submits an experiment and waits until it progresses."""
        path = self.submit(LONG)
        wait_for(
            lambda: (
                (now := self.get(path)).get("state") == "running"
                and (now["progress"] or {}).get("step")
            )
        )
        wait_for(self.chaos_lab.training_slots)
        return path

    def position(self, path: str) -> tuple[int, int]:
        """Attempt and step of a training; zeros while it waits."""
        now = self.get(path)
        if now.get("state") != "running" or not (step := (now["progress"] or {}).get("step")):
            return 0, 0
        return now["attempts"], step

    def is_completed(self, path: str) -> bool:
        return self.get(path).get("state") == "completed"

    def cancel(self, path: str) -> None:
        self._request("POST", f"{path}:cancel")
        wait_for(lambda: self.get(path).get("state") == "cancelled")


def timed(condition: Callable[[], object]) -> float:
    began = time.monotonic()
    wait_for(condition)
    return time.monotonic() - began


def recovery_of_training(
    lab: LabUnderTest, fault: Callable[[], object], *, interrupts: bool = True
) -> float:
    """Seconds until the next attempt progresses, or this one if the fault doesn't interrupt it."""
    path = lab.start_training()
    attempt, _ = lab.position(path)
    fault()
    before = (attempt + 1, 0) if interrupts else lab.position(path)
    seconds = timed(lambda: lab.position(path) > before)
    lab.cancel(path)
    return seconds


def recovery_of_next(lab: LabUnderTest, fault: Callable[[], object]) -> float:
    """Seconds until a small experiment completes that is submitted right after the fault."""
    fault()
    began = time.monotonic()
    path = lab.submit(SMALL)
    wait_for(lambda: lab.is_completed(path))
    return time.monotonic() - began


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lab_recovers_from_each_fault(kind, tmp_path, capsys):
    seconds_by_fault: dict[str, list[float]] = {}
    with running_chaos_lab(
        kind, tmp_path, slots=1, variables={"EXTRAPOLAB_THREADS": "1"}
    ) as chaos_lab:
        lab, running = LabUnderTest(chaos_lab), chaos_lab.lab

        def slot() -> psutil.Process:
            return psutil.Process(wait_for(chaos_lab.training_slots)[0]["pid"])

        def trainer() -> psutil.Process:
            return psutil.Process(wait_for(chaos_lab.training_slots)[0]["trainer_pid"])

        def freeze() -> None:
            processes = chaos_lab.worker_processes()
            send_signal_to_all(processes, signal.SIGSTOP)
            time.sleep(8)
            send_signal_to_all(processes, signal.SIGCONT)

        def stop_database() -> None:
            with chaos_lab.database_stopped():
                time.sleep(8)

        def flush() -> None:
            chaos_lab.redis.flushall()

        recovery_of_next(lab, lambda: None)  # the first trainer of a new lab compiles the loops
        measurements = {
            "nothing, for comparison": lambda: recovery_of_next(lab, lambda: None),
            "SIGKILL of the worker": lambda: recovery_of_training(
                lab, lambda: running.child("celery").kill()
            ),
            "SIGKILL of a slot": lambda: recovery_of_training(lab, lambda: slot().kill()),
            "SIGKILL of a trainer": lambda: recovery_of_training(lab, lambda: trainer().kill()),
            "the worker frozen for 8 s, then awake": lambda: recovery_of_training(lab, freeze),
            "the database away for 8 s": lambda: recovery_of_training(
                lab, stop_database, interrupts=False
            ),
            "SIGKILL of the API": lambda: recovery_of_next(
                lab, lambda: running.child("uvicorn").kill()
            ),
            "SIGKILL of Redis, which comes back empty": lambda: recovery_of_next(
                lab, lambda: running.child("redis-server").kill()
            ),
            "FLUSHALL": lambda: recovery_of_next(lab, flush),
        }
        for fault, measure in measurements.items():
            seconds_by_fault[fault] = sorted(measure() for _ in range(TIMES))
        processes = running.processes()
        began = time.monotonic()
        running.process.kill()
        psutil.wait_procs(processes, timeout=30)
        seconds_by_fault["SIGKILL of `up`: no process left"] = [time.monotonic() - began]
    with capsys.disabled():
        print(f"\nrecovery on {kind}, seconds, {TIMES} times each:")
        for fault, seconds in seconds_by_fault.items():
            print(f"  {fault:42} {', '.join(f'{value:.1f}' for value in seconds)}")
