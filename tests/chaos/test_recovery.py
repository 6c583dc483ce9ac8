"""How long a lab takes to recover from each fault, one at a time, with the settings that users have, as a table.

What decides is that it recovers, not how soon.
"""

import signal
import time
from collections.abc import Callable

import httpx2
import psutil
import pytest

from tests.chaos.scene import Scene, on_stage, signalled, until
from tests.kit import sample_specs
from tests.kit.database import KINDS

LONG = sample_specs.spec(
    student={"kind": "linear", "dim": 20},
    optimizer={"kind": "gd", "lr": 1e-6, "steps": 1_000_000_000},
    seeds=1,
)
SMALL = sample_specs.spec(optimizer={"steps": 10})
TIMES = 2


class Patient:
    """A lab with one slot, and what is asked of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def submit(self, spec) -> str:
        query = "/v1/experiments?on_duplicate=rerun"
        answer = until(
            lambda: self._request("POST", query, json=spec.model_dump(mode="json")), seconds=60
        )
        return f"/v1/experiments/{answer['id']}"

    def _request(self, method: str, path: str, **options):
        try:
            answer = httpx2.request(method, f"{self.scene.url}{path}", timeout=30.0, **options)
        except httpx2.TransportError:
            return None
        return answer.json() if answer.is_success else None

    def get(self, path: str):
        return self._request("GET", path) or {}

    def in_training(self) -> str:
        """An experiment that has come some way."""
        path = self.submit(LONG)
        until(
            lambda: (
                (now := self.get(path)).get("state") == "running"
                and (now["progress"] or {}).get("step")
            )
        )
        until(self.scene.at_work)
        return path

    def place(self, path: str) -> tuple[int, int]:
        """How far a training is: its attempt, and the step of that; nowhere while it waits."""
        now = self.get(path)
        if now.get("state") != "running" or not (step := (now["progress"] or {}).get("step")):
            return 0, 0
        return now["attempts"], step

    def completes(self, path: str) -> bool:
        return self.get(path).get("state") == "completed"

    def end(self, path: str) -> None:
        self._request("POST", f"{path}:cancel")
        until(lambda: self.get(path).get("state") == "cancelled")


def timed(condition: Callable[[], object]) -> float:
    began = time.monotonic()
    until(condition)
    return time.monotonic() - began


def of_training(patient: Patient, fault: Callable[[], object], *, interrupts: bool = True) -> float:
    """From the fault to the first steps of the next attempt; of this one, too, where the fault may leave it alive."""
    path = patient.in_training()
    attempt, _ = patient.place(path)
    fault()
    before = (attempt + 1, 0) if interrupts else patient.place(path)
    seconds = timed(lambda: patient.place(path) > before)
    patient.end(path)
    return seconds


def of_next(patient: Patient, fault: Callable[[], object]) -> float:
    """From the fault to the end of a small experiment that was submitted right after it."""
    fault()
    began = time.monotonic()
    path = patient.submit(SMALL)
    until(lambda: patient.completes(path))
    return time.monotonic() - began


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_it_recovers_from_each_fault(kind, tmp_path, capsys):
    found: dict[str, list[float]] = {}
    with on_stage(kind, tmp_path, slots=1, variables={"EXTRAPOLAB_THREADS": "1"}) as scene:
        patient, lab = Patient(scene), scene.lab

        def slot() -> psutil.Process:
            return psutil.Process(until(scene.at_work)[0]["pid"])

        def trainer() -> psutil.Process:
            return psutil.Process(until(scene.at_work)[0]["trainer_pid"])

        def freeze() -> None:
            everybody = scene.worker()
            signalled(everybody, signal.SIGSTOP)
            time.sleep(8)
            signalled(everybody, signal.SIGCONT)

        def stop_database() -> None:
            with scene.database_stopped():
                time.sleep(8)

        def flush() -> None:
            scene.redis.flushall()

        of_next(patient, lambda: None)  # the first trainer of a new lab has its loops to compile
        plan = {
            "nothing, for comparison": lambda: of_next(patient, lambda: None),
            "SIGKILL of the worker": lambda: of_training(
                patient, lambda: lab.child("celery").kill()
            ),
            "SIGKILL of a slot": lambda: of_training(patient, lambda: slot().kill()),
            "SIGKILL of a trainer": lambda: of_training(patient, lambda: trainer().kill()),
            "the worker frozen for 8 s, then awake": lambda: of_training(patient, freeze),
            "the database away for 8 s": lambda: of_training(
                patient, stop_database, interrupts=False
            ),
            "SIGKILL of the API": lambda: of_next(patient, lambda: lab.child("uvicorn").kill()),
            "SIGKILL of Redis, which comes back empty": lambda: of_next(
                patient, lambda: lab.child("redis-server").kill()
            ),
            "FLUSHALL": lambda: of_next(patient, flush),
        }
        for fault, look in plan.items():
            found[fault] = sorted(look() for _ in range(TIMES))
        processes = lab.processes()
        began = time.monotonic()
        lab.process.kill()
        psutil.wait_procs(processes, timeout=30)
        found["SIGKILL of `up`: no process left"] = [time.monotonic() - began]
    with capsys.disabled():
        print(f"\nrecovery on {kind}, seconds, {TIMES} times each:")
        for fault, seconds in found.items():
            print(f"  {fault:42} {', '.join(f'{one:.1f}' for one in seconds)}")
