"""The tests of faults can fail: with any one safety taken out, those that are about it turn red.

Each is run as it stands, in a process of its own in which :mod:`tests.kit.sabotage` has taken
something out.
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
"""A worker and a PostgreSQL have to start within it, however busy the machine is."""

pytestmark = pytest.mark.timeout(SECONDS + 20)

SHORT = [
    ("fence", f"{STORE}/test_fences.py", "zombie and sqlite and run_on", 7),
    ("immediate", f"{STORE}/test_database.py", "keeps_others_out and sqlite", 1),
    ("outbox", f"{STORE}/test_dispatcher.py", "lost_messages and sqlite", 1),
    ("heartbeat", f"{WORKER}/test_recorder.py", "extend_the_lease", 1),
]
"""What is taken out, the file, the tests in it that are about that, and how many of them have to
notice."""

LONG = [
    ("heartbeat", f"{WORKER}/test_faults.py", "outlasts_its_lease", 1),
    ("fence", f"{WORKER}/test_faults.py", "wakes_up_after_its_lease", 1),
    ("poller", f"{WORKER}/test_broker_faults.py", "killed_redis", 1),
    ("poller", f"{WORKER}/test_faults.py", "receives_no_wake_ups", 1),
    ("fence", f"{STORE}/test_machine.py", "sqlite", 1),
]
"""The same with whole workers, and with the machine of all moves."""


def failures(sabotage: str | None, file: str, words: str) -> tuple[int, str]:
    """How many of the tests fail, and what pytest said."""
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
    ran = subprocess.run(
        [*command, f"--timeout={SECONDS - 20}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    found = re.search(r"(\d+) failed", ran.stdout)
    assert found or ran.returncode == 0, f"pytest could not run them:\n{ran.stdout}{ran.stderr}"
    return int(found[1]) if found else 0, ran.stdout


def holds(sabotage: str, file: str, words: str, count: int) -> None:
    failed, said = failures(sabotage, file, words)
    assert failed >= count, f"without the {sabotage} the tests stay green:\n{said}"


@pytest.mark.parametrize(("sabotage", "file", "words", "count"), SHORT)
def test_without_this_safety_the_tests_turn_red(sabotage, file, words, count):
    holds(sabotage, file, words, count)


@pytest.mark.chaos
@pytest.mark.parametrize(("sabotage", "file", "words", "count"), LONG)
def test_without_this_safety_the_long_tests_turn_red_too(sabotage, file, words, count):
    holds(sabotage, file, words, count)


@pytest.mark.chaos
@pytest.mark.parametrize(("sabotage", "file", "words", "count"), [*SHORT, *LONG])
def test_with_everything_in_place_they_are_green(sabotage, file, words, count):
    assert failures(None, file, words)[0] == 0
