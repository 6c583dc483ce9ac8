"""The fault tests can fail: with any one safety mechanism removed, those about it turn red.

Each runs unchanged, in a process in which :mod:`tests.kit.sabotage` has removed a mechanism.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SABOTAGE = ROOT / "tests/kit/sabotage"
STORE, WORKER = "tests/integration/store", "tests/integration/worker"
SECONDS = 300
"""Time limit of one run, in which a worker and a PostgreSQL start, even on a busy machine."""

pytestmark = pytest.mark.timeout(SECONDS + 20)

SHORT = [
    ("fence", f"{STORE}/test_fences.py", "zombie and sqlite and run_on", 7),
    (
        "immediate",
        f"{STORE}/test_database.py",
        "excludes_others_before_its_first_change and sqlite",
        1,
    ),
    ("outbox", f"{STORE}/test_dispatcher.py", "lost_messages and sqlite", 1),
    ("heartbeat", f"{WORKER}/test_recorder.py", "extend_the_lease", 1),
]
"""The sabotage, the test file, the tests about it (``-k``), and the least number that must fail."""

LONG = [
    ("heartbeat", f"{WORKER}/test_faults.py", "outlasts_its_lease", 1),
    ("fence", f"{WORKER}/test_faults.py", "wakes_up_after_its_lease", 1),
    ("poller", f"{WORKER}/test_broker_faults.py", "killed_redis", 1),
    ("poller", f"{WORKER}/test_faults.py", "receives_no_wake_ups", 1),
    ("fence", f"{STORE}/test_machine.py", "sqlite", 1),
]
"""The same for whole workers, and for the state machine test."""


def count_failures(sabotage: str | None, file: str, words: str) -> tuple[int, str]:
    """Runs tests; returns the number of failures, and the output of pytest."""
    environment = {**os.environ, "PYTHONPATH": f"{SABOTAGE}:{ROOT}"}
    environment.pop("PYTEST_CURRENT_TEST", None)
    if sabotage is not None:
        environment["EXTRAPOLAB_TEST_SABOTAGE"] = sabotage
    command = [
        sys.executable,
        "-m",
        "pytest",
        file,
        "-k",
        words,
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=line",
    ]
    completed = subprocess.run(
        [*command, f"--timeout={SECONDS - 20}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    match = re.search(r"(\d+) failed", completed.stdout)
    assert match or completed.returncode == 0, (
        f"pytest could not run them:\n{completed.stdout}{completed.stderr}"
    )
    return int(match[1]) if match else 0, completed.stdout


def assert_noticed(sabotage: str, file: str, words: str, count: int) -> None:
    failed, output = count_failures(sabotage, file, words)
    assert failed >= count, f"without the {sabotage} the tests stay green:\n{output}"


@pytest.mark.parametrize(("sabotage", "file", "words", "count"), SHORT)
def test_the_tests_notice_the_sabotage(sabotage, file, words, count):
    assert_noticed(sabotage, file, words, count)


@pytest.mark.chaos
@pytest.mark.parametrize(("sabotage", "file", "words", "count"), LONG)
def test_the_long_tests_notice_the_sabotage(sabotage, file, words, count):
    assert_noticed(sabotage, file, words, count)


@pytest.mark.chaos
@pytest.mark.parametrize(("sabotage", "file", "words", "count"), [*SHORT, *LONG])
def test_the_tests_pass_without_sabotage(sabotage, file, words, count):
    assert count_failures(None, file, words)[0] == 0
