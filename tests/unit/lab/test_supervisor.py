"""The supervisor with small real programs: start, restart and stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from lab import managed_process, process_tree
from lab.errors import CrashLoop
from lab.managed_process import ManagedProcess, ProcessSpec
from lab.supervisor import Supervisor

SLEEPER = "import time; time.sleep(60)"
"""Ends on SIGTERM."""
IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ignoring", "w").close()
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _no_process_is_left():
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before


def spec(folder: Path, name: str, code: str, is_ready=lambda _pid: True) -> ProcessSpec:
    return ProcessSpec(
        name, (sys.executable, "-c", code), is_ready, os.environ, folder, folder / f"{name}.log"
    )


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def send(sig: signal.Signals) -> None:
    """Sends the supervisor's thread a signal, as a terminal would."""
    signal.pthread_kill(threading.main_thread().ident, sig)


def pids_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_processes_are_stopped_at_the_end_of_the_context(tmp_path):
    with Supervisor(
        [[spec(tmp_path, "one", SLEEPER), spec(tmp_path, "two", SLEEPER)]]
    ) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
        pids = [child.pid for child in psutil.Process().children() if SLEEPER in child.cmdline()]
        assert len(pids) == 2
    assert not any(map(alive, pids))


LIFE_CYCLE = """
import signal, sys, time
def report(event):
    print("{name}", event, file=open("events", "a"), flush=True)
signal.signal(signal.SIGTERM, lambda *_: (report("down"), sys.exit()))
time.sleep({pause})
report("up")
open("{name}", "w").close()
time.sleep(60)
"""


def test_tiers_start_in_order_once_ready_and_stop_in_reverse(tmp_path):
    first = spec(
        tmp_path,
        "first",
        LIFE_CYCLE.format(name="first", pause=0.5),
        lambda _pid: (tmp_path / "first").exists(),
    )
    second = spec(
        tmp_path,
        "second",
        LIFE_CYCLE.format(name="second", pause=0),
        lambda _pid: (tmp_path / "second").exists(),
    )
    with Supervisor([[first], [second]]) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
    events = (tmp_path / "events").read_text().splitlines()
    assert events == ["first up", "second up", "second down", "first down"]


def test_a_killed_process_is_restarted(tmp_path):
    code = "import os, time; print(os.getpid(), file=open('pids', 'a')); time.sleep(60)"
    with Supervisor(
        [[spec(tmp_path, "killed", code, lambda pid: pid in pids_in(tmp_path / "pids"))]]
    ) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
        (first,) = pids_in(tmp_path / "pids")
        os.kill(first, signal.SIGKILL)
        began = time.monotonic()
        assert supervisor.run_until(
            lambda: len(pids_in(tmp_path / "pids")) == 2 and supervisor.ready
        )
        assert time.monotonic() - began < 2.5
        assert not alive(first)


def test_a_crash_loop_stops_the_lab_and_shows_the_end_of_the_log(
    tmp_path,
):
    broken = spec(
        tmp_path, "broken", "print('no such table'); raise SystemExit(3)", lambda _pid: False
    )
    reason = r"(?s)broken ended with exit code 3, the 5th time.*no such table"
    with (
        pytest.raises(CrashLoop, match=reason),
        Supervisor([[spec(tmp_path, "fine", SLEEPER), broken]]) as supervisor,
    ):
        supervisor.run_until(lambda: supervisor.ready)


def test_a_process_that_gets_ready_is_restarted_without_limit(tmp_path):
    code = (
        "import os, time; print(os.getpid(), file=open('pids', 'a'), flush=True); time.sleep(0.3)"
    )
    ready = lambda pid: pid in pids_in(tmp_path / "pids")  # noqa: E731  # short
    with Supervisor([[spec(tmp_path, "short-lived", code, ready)]]) as supervisor:
        assert supervisor.run_until(lambda: len(pids_in(tmp_path / "pids")) > 6)


def test_a_stop_signal_ends_the_run(tmp_path):
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Supervisor([[spec(tmp_path, "one", SLEEPER)]]) as supervisor:
            assert supervisor.run_until(lambda: supervisor.ready)
            send(sig)
            assert not supervisor.run_until(lambda: False)


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path):
    file = tmp_path / "ignoring"
    process = spec(tmp_path, "ignoring", IGNORES_SIGTERM, lambda _pid: file.exists())
    with Supervisor([[process]]) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
        began = time.monotonic()
    assert 3 < time.monotonic() - began < 30, "it would sleep for a minute"


def test_a_second_signal_kills_at_once(tmp_path):
    file = tmp_path / "ignoring"
    process = spec(tmp_path, "ignoring", IGNORES_SIGTERM, lambda _pid: file.exists())
    with Supervisor([[process]]) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
        send(signal.SIGINT)
        assert not supervisor.run_until(lambda: False)
        send(signal.SIGINT)
        began = time.monotonic()
    assert time.monotonic() - began < 3, "no grace period"


def test_a_one_shot_runs_once_and_its_exit_code_is_returned(tmp_path):
    with Supervisor([[spec(tmp_path, "one", SLEEPER)]]) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
        assert supervisor.run_once(spec(tmp_path, "one-shot", "raise SystemExit(7)")) == 7
        send(signal.SIGTERM)
        assert supervisor.run_once(spec(tmp_path, "one-shot", SLEEPER)) is None


def test_orphans_are_killed_even_in_another_session(tmp_path):
    code = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '60'], start_new_session=True); "
    )
    code += "print(p.pid, file=open('orphan', 'w'), flush=True); time.sleep(60)"
    with Supervisor(
        [[spec(tmp_path, "parent", code, lambda _pid: bool(pids_in(tmp_path / "orphan")))]]
    ) as supervisor:
        assert supervisor.run_until(lambda: supervisor.ready)
        (orphan,) = pids_in(tmp_path / "orphan")
        assert alive(orphan)
    assert not psutil.pid_exists(orphan)


def test_a_preexisting_child_is_left_alone(tmp_path):
    before = psutil.Popen(["sleep", "60"])
    try:
        with Supervisor([[spec(tmp_path, "one", SLEEPER)]]) as supervisor:
            assert supervisor.run_until(lambda: supervisor.ready)
        assert before.is_running()
    finally:
        before.kill()
        before.wait()


def test_processes_die_with_a_killed_supervisor(tmp_path):
    code = f"""
import os, sys, pathlib
from lab.managed_process import ProcessSpec
from lab.supervisor import Supervisor
here = pathlib.Path({str(tmp_path)!r})
command = (sys.executable, "-c", {SLEEPER!r})
spec = ProcessSpec("one", command, lambda pid: True, os.environ, here, here / "log")
with Supervisor([[spec]]) as supervisor:
    supervisor.run_until(lambda: supervisor.ready)
    print(supervisor._tiers[0][0].pid, flush=True)
    supervisor.run_until(lambda: False)
"""
    parent = psutil.Popen([sys.executable, "-c", code], stdout=-1, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([child], timeout=3)
    assert not alive(child.pid)


def test_a_busy_start_goes_on_and_an_idle_one_is_ended(tmp_path, monkeypatch):
    """The clock is the test's: a window ends as soon as its end is looked for."""
    monkeypatch.setattr(managed_process, "_READY_SECONDS", 0.0)
    monkeypatch.setattr(managed_process, "_LEAST_CPU_SECONDS", 0.01)
    used = iter([1.0, 2.0, 3.0, 3.005])
    monkeypatch.setattr(process_tree, "cpu_seconds", lambda _pid: next(used))
    process = ManagedProcess(spec(tmp_path, "slow", "import time; time.sleep(60)", lambda _: False))
    process.start(0.0)
    for now in (1.0, 2.0, 3.0):
        process.poll(now)
        assert process.running
    process.poll(4.0)
    assert not process.running


def test_a_start_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(managed_process, "_READY_SECONDS", 0.0)
    monkeypatch.setattr(process_tree, "cpu_seconds", lambda _pid: 61.0)
    process = ManagedProcess(spec(tmp_path, "loop", "while True: pass", lambda _: False))
    process.start(0.0)
    process.poll(1.0)
    assert not process.running


def test_the_cpu_time_of_a_process_includes_its_children():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))']);"
    command = [sys.executable, "-c", f"{code} print(); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert process_tree.cpu_seconds(process.pid) > 0.1
        process.communicate(b"\n")
