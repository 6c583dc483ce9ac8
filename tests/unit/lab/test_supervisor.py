"""The supervisor with small real programs: what it promises about start, end and restart."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from lab.errors import ChildGaveUp
from lab.managed_process import Program
from lab.supervisor import Supervisor

SLEEPER = "import time; time.sleep(60)"
"""Ends at once on SIGTERM."""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(60)"
"""Ends on SIGKILL only."""


@pytest.fixture(autouse=True)
def _nothing_is_left():
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) == before


def program(folder: Path, name: str, code: str, ready=lambda _pid: True) -> Program:
    return Program(
        name, (sys.executable, "-c", code), ready, os.environ, folder, folder / f"{name}.log"
    )


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def tell(sig: signal.Signals) -> None:
    """Sends the supervisor's thread a signal, as the terminal would."""
    signal.pthread_kill(threading.main_thread().ident, sig)


def written(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_what_runs_is_stopped_on_leaving(tmp_path):
    with Supervisor(
        [[program(tmp_path, "one", SLEEPER), program(tmp_path, "two", SLEEPER)]]
    ) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
        pids = [child.pid for child in psutil.Process().children() if SLEEPER in child.cmdline()]
        assert len(pids) == 2
    assert not any(map(alive, pids))


STORY = """
import signal, sys, time
def say(word):
    print("{name}", word, file=open("story", "a"), flush=True)
signal.signal(signal.SIGTERM, lambda *_: (say("down"), sys.exit()))
time.sleep({pause})
say("up")
open("{name}", "w").close()
time.sleep(60)
"""


def test_a_tier_is_started_when_the_one_before_is_ready_and_stopped_before_it(tmp_path):
    first = program(
        tmp_path,
        "first",
        STORY.format(name="first", pause=0.5),
        lambda _pid: (tmp_path / "first").exists(),
    )
    second = program(
        tmp_path,
        "second",
        STORY.format(name="second", pause=0),
        lambda _pid: (tmp_path / "second").exists(),
    )
    with Supervisor([[first], [second]]) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
    story = (tmp_path / "story").read_text().splitlines()
    assert story == ["first up", "second up", "second down", "first down"]


def test_a_killed_program_is_started_again(tmp_path):
    code = "import os, time; print(os.getpid(), file=open('pids', 'a')); time.sleep(60)"
    with Supervisor(
        [[program(tmp_path, "victim", code, lambda pid: pid in written(tmp_path / "pids"))]]
    ) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
        (first,) = written(tmp_path / "pids")
        os.kill(first, signal.SIGKILL)
        began = time.monotonic()
        assert supervisor.until(lambda: len(written(tmp_path / "pids")) == 2 and supervisor.ready)
        assert time.monotonic() - began < 2.5
        assert not alive(first)


def test_a_program_that_ends_again_and_again_before_it_is_ready_ends_the_lab_with_its_last_words(
    tmp_path,
):
    broken = program(
        tmp_path, "broken", "print('no such table'); raise SystemExit(3)", lambda _pid: False
    )
    reason = r"(?s)broken ended with exit code 3, the 5th time.*no such table"
    with (
        pytest.raises(ChildGaveUp, match=reason),
        Supervisor([[program(tmp_path, "fine", SLEEPER), broken]]) as supervisor,
    ):
        supervisor.until(lambda: supervisor.ready)


def test_a_program_that_was_ready_may_end_as_often_as_it_likes(tmp_path):
    code = (
        "import os, time; print(os.getpid(), file=open('pids', 'a'), flush=True); time.sleep(0.3)"
    )
    ready = lambda pid: pid in written(tmp_path / "pids")  # noqa: E731  # one line, used once
    with Supervisor([[program(tmp_path, "mayfly", code, ready)]]) as supervisor:
        assert supervisor.until(lambda: len(written(tmp_path / "pids")) > 6)


def test_a_signal_ends_the_wait(tmp_path):
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Supervisor([[program(tmp_path, "one", SLEEPER)]]) as supervisor:
            assert supervisor.until(lambda: supervisor.ready)
            tell(sig)
            assert not supervisor.until(lambda: False)


def test_a_deaf_program_is_killed_after_a_while(tmp_path):
    with Supervisor(
        [[program(tmp_path, "deaf", DEAF, lambda _pid: (tmp_path / "deaf").exists())]]
    ) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
        began = time.monotonic()
    assert 3 < time.monotonic() - began < 4.5


def test_a_second_signal_kills_at_once(tmp_path):
    with Supervisor(
        [[program(tmp_path, "deaf", DEAF, lambda _pid: (tmp_path / "deaf").exists())]]
    ) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
        tell(signal.SIGINT)
        assert not supervisor.until(lambda: False)
        tell(signal.SIGINT)
        began = time.monotonic()
    assert time.monotonic() - began < 1


def test_a_guest_is_run_once_and_its_exit_code_handed_on(tmp_path):
    with Supervisor([[program(tmp_path, "one", SLEEPER)]]) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
        assert supervisor.attend(program(tmp_path, "guest", "raise SystemExit(7)")) == 7
        tell(signal.SIGTERM)
        assert supervisor.attend(program(tmp_path, "guest", SLEEPER)) is None


def test_what_a_program_leaves_behind_is_ended_too_even_from_another_session(tmp_path):
    code = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '60'], start_new_session=True); "
    )
    code += "print(p.pid, file=open('left', 'w'), flush=True); time.sleep(60)"
    with Supervisor(
        [[program(tmp_path, "parent", code, lambda _pid: bool(written(tmp_path / "left")))]]
    ) as supervisor:
        assert supervisor.until(lambda: supervisor.ready)
        (left,) = written(tmp_path / "left")
        assert alive(left)
    assert not psutil.pid_exists(left)


def test_a_child_that_the_process_had_before_is_left_alone(tmp_path):
    before = psutil.Popen(["sleep", "60"])
    try:
        with Supervisor([[program(tmp_path, "one", SLEEPER)]]) as supervisor:
            assert supervisor.until(lambda: supervisor.ready)
        assert before.is_running()
    finally:
        before.kill()
        before.wait()


def test_programs_die_with_a_supervisor_that_is_killed(tmp_path):
    code = f"""
import os, sys, pathlib
from lab.managed_process import Program
from lab.supervisor import Supervisor
here = pathlib.Path({str(tmp_path)!r})
program = Program("one", (sys.executable, "-c", {SLEEPER!r}), lambda pid: True, os.environ, here, here / "log")
with Supervisor([[program]]) as supervisor:
    supervisor.until(lambda: supervisor.ready)
    print(supervisor._tiers[0][0].pid, flush=True)
    supervisor.until(lambda: False)
"""
    parent = psutil.Popen([sys.executable, "-c", code], stdout=-1, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([child], timeout=3)
    assert not alive(child.pid)
