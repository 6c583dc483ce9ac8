"""``extrapolab up`` with real processes and real signals."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from lab.browser import browser, has_desktop
from lab.supervisor import Supervisor
from tests.kit.lab import RunningLab, running_lab, up

LONG = {
    "teacher": {
        "kind": "balanced",
        "dim": 2,
        "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
        "seed": 0,
    },
    "student": {"kind": "linear", "dim": 20},
    "training": {"length": 6},
    "optimizer": {"kind": "gd", "lr": 1e-6, "steps": 1_000_000_000},
    "seeds": 1,
}
SHORT = {**LONG, "optimizer": {"kind": "gd", "lr": 0.01, "steps": 200}}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def submit(lab: RunningLab, spec: dict) -> str:
    answer = httpx2.post(
        f"{lab.url}/v1/experiments", json=spec, params={"on_duplicate": "rerun"}, timeout=30
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def state(lab: RunningLab, experiment: str) -> str:
    return httpx2.get(f"{lab.url}/v1/experiments/{experiment}", timeout=30).json()["state"]


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def gone(processes: list[psutil.Process], within: float = 0) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=within)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def script(file: Path, line: str) -> Path:
    """A shell script, ready to run."""
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o700)
    return file


def broker_folder(lab: RunningLab) -> Path:
    """The folder of the private broker's socket."""
    return Path(re.search(r"/tmp/extrapolab-\w+", " ".join(lab.child("redis-server").cmdline()))[0])


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[RunningLab]:
    """A lab shared by tests that leave it unchanged."""
    with running_lab(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


def test_the_supervisor_is_small(lab):
    supervisor = psutil.Process(lab.process.pid)
    assert supervisor.memory_info().rss < 40 * 10**6
    maps = Path(f"/proc/{supervisor.pid}/maps").read_text()
    assert "sqlalchemy" not in maps
    assert "numpy" not in maps


def test_it_prints_its_url_and_answers_there(lab):
    assert httpx2.get(f"{lab.url}/readyz").status_code == 200
    assert str(lab.data / "logs") in lab.output
    slots = httpx2.get(f"{lab.url}/v1/workers").json()["items"]
    assert len(slots) == 2
    assert {slot["pid"] for slot in slots} <= {process.pid for process in lab.processes()}


def test_a_second_lab_on_the_same_folder_is_refused(lab):
    second = up(lab.data, "--port", "0")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"in use by the lab at {lab.url} (process {lab.process.pid})" in second.stderr


@pytest.mark.parametrize("word", ["redis-server", "uvicorn", "celery"])
def test_a_killed_process_is_restarted_and_the_lab_keeps_working(lab, word):
    killed = lab.child(word)
    killed.kill()
    wait_until(lambda: gone([killed]))
    experiment = submit(lab, SHORT)
    wait_until(lambda: state(lab, experiment) == "completed")
    wait_until(lambda: lab.child(word).pid != killed.pid)
    assert "was killed by SIGKILL; restarting it" in lab.output


def test_requests_wait_while_the_api_restarts(lab):
    codes: list[int] = []
    call = lambda: codes.append(httpx2.get(f"{lab.url}/healthz", timeout=30).status_code)  # noqa: E731
    callers = [threading.Thread(target=call) for _ in range(5)]
    api = lab.child("uvicorn")
    api.kill()
    wait_until(lambda: gone([api]))
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert codes == [200] * 5


def test_ctrl_c_stops_it_in_five_seconds_and_the_next_lab_resumes_its_work(data):
    with running_lab(data, "--workers", "1") as lab:
        folder = broker_folder(lab)
        assert folder.exists()
        experiment = submit(lab, LONG)
        wait_until(lambda: state(lab, experiment) == "running")
        processes = lab.processes()
        began = time.monotonic()
        assert lab.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 5
        assert gone(processes)
    assert not folder.exists()
    assert "Traceback" not in lab.output
    opened = data.with_name("opened")
    variables = {"BROWSER": str(script(data.with_name("browser"), f"echo $1 > {opened}"))}
    with running_lab(data, "--workers", "1", "--open", variables=variables) as lab:
        wait_until(lambda: state(lab, experiment) == "running")
        wait_until(lambda: opened.exists() and opened.read_text() == f"{lab.url}\n")


def test_sigterm_stops_it_in_five_seconds_despite_an_unfinished_request(data):
    with running_lab(data, "--workers", "1") as lab:
        processes = lab.processes()
        with socket.create_connection(("127.0.0.1", int(lab.url.rpartition(":")[2]))) as idle:
            idle.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n")
            began = time.monotonic()
            assert lab.stop(signal.SIGTERM) == 0
            assert time.monotonic() - began < 5
        assert gone(processes)


def test_a_browser_that_it_opened_stays_open(tmp_path, monkeypatch):
    opened = tmp_path / "pid"
    line = f"sleep 60 &\necho $! > {opened}.new && mv {opened}.new {opened}"
    monkeypatch.setenv("BROWSER", str(script(tmp_path / "browser", line)))
    with browser() as open_url, Supervisor([]) as supervisor:
        open_url("http://127.0.0.1:8000")
        assert supervisor.run_until(opened.exists)
    page = psutil.Process(int(opened.read_text()))
    assert page.status() == psutil.STATUS_SLEEPING
    page.kill()


@pytest.mark.parametrize(
    ("variables", "is_terminal", "expected"),
    [
        ({"DISPLAY": ":0"}, True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ({}, True, False),
        ({"DISPLAY": ":0"}, False, False),
        ({"DISPLAY": ":0", "CI": "true"}, True, False),
        ({"DISPLAY": "localhost:10", "SSH_CONNECTION": "::1 9 ::1 22"}, True, False),
    ],
)
def test_it_opens_a_browser_only_where_someone_sees_it(
    variables, is_terminal, expected, monkeypatch
):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    assert has_desktop() is expected


def test_a_second_ctrl_c_kills(data):
    with running_lab(data, "--workers", "1") as lab:
        processes = lab.processes()
        os.kill(lab.child("celery").pid, signal.SIGSTOP)  # it ignores SIGTERM now
        lab.process.send_signal(signal.SIGINT)
        wait_until(lambda: "Stopping" in lab.output)
        began = time.monotonic()
        lab.stop(signal.SIGINT)
        assert time.monotonic() - began < 2
        assert gone(processes)


def test_sigkill_leaves_no_process_behind(data):
    with running_lab(data) as lab:
        experiment = submit(lab, LONG)
        wait_until(lambda: state(lab, experiment) == "running")
        processes = lab.processes()
        assert len(processes) >= 7  # redis, API, Celery with two slots, two trainers
        lab.process.kill()
        assert gone(processes, within=5)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_running_broker_and_database_replace_the_private_ones(data, database_url, broker_url):
    variables = {"EXTRAPOLAB_DATABASE_URL": database_url, "EXTRAPOLAB_BROKER_URL": broker_url}
    with running_lab(data, "--workers", "1", variables=variables) as lab:
        assert not any("redis-server" in " ".join(process.cmdline()) for process in lab.processes())
        experiment = submit(lab, SHORT)
        wait_until(lambda: state(lab, experiment) == "completed")
    assert not list(data.glob("*.db"))
