"""The format of log lines, and the ids bound to them."""

import io
import logging
import os
import re
import subprocess
import sys
import threading
import time

import pytest

from store import process_log
from store.process_log import UtcFormatter


@pytest.fixture
def lines(monkeypatch):
    """Returns the lines logged so far, as a worker formats them."""
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # else configure() would close pytest's
    process_log.configure("worker", logging.INFO)
    yield lambda: output.getvalue().splitlines()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_time_level_process_ids_and_logger(lines):
    with process_log.bound(experiment="exp_1", attempt=2):
        logging.getLogger("worker.attempt").warning("the lease %s", "ended")
    (line,) = lines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING "
        rf"worker\[{os.getpid()}\] experiment=exp_1 attempt=2 worker\.attempt: the lease ended",
        line,
    )


def test_ids_are_nested_and_removed_at_the_end(lines):
    logger = logging.getLogger("a")
    with process_log.bound(request="r"):
        with process_log.bound(attempt=1):
            logger.info("inner")
        logger.info("outer")
    logger.info("neither")
    assert [line.split("] ")[1] for line in lines()] == [
        "request=r attempt=1 a: inner",
        "request=r a: outer",
        "a: neither",
    ]


def test_ids_of_one_thread_are_not_seen_in_another(lines):
    with process_log.bound(attempt=1):
        thread = threading.Thread(target=logging.getLogger("a").warning, args=["elsewhere"])
        thread.start()
        thread.join()
    assert "attempt" not in lines()[0]


def test_the_level_is_respected(lines):
    logging.getLogger("a").debug("unseen")
    assert lines() == []


def test_timestamps_are_utc_in_any_time_zone():
    code = (
        "import logging; from store import process_log; process_log.configure('api');"
        "logging.getLogger('a').warning('now')"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TZ": "Pacific/Kiritimati"},
        capture_output=True,
        text=True,
        check=True,
    )
    logged = time.mktime(time.strptime(process.stderr[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert abs(logged - time.time()) < 60


def test_numbers_that_overflow_are_results_and_no_lines_of_the_log():
    code = (
        "import numpy as np; from store import process_log; process_log.configure('worker');"
        "large = np.array([1e300]); large * large; np.log(-large); large / 0; np.mean([]);"
        "import warnings; warnings.warn('something else', RuntimeWarning)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "something else" in process.stderr
    assert process.stderr.count("RuntimeWarning") == 1


def test_drawing_says_nothing_about_characters_in_the_log():
    code = (
        "from store import process_log; process_log.configure('api');"
        "from core.figures import FIGURES; from core.look import Look;"
        "from tests.kit import sample_specs as kit; figure = FIGURES['response'];"
        "info = figure.data(kit.spec(), kit.result(kit.run(0), kit.run(1)), kit.points([0, 9]));"
        "look = Look(title='实验 🚂 देव ไทย \\ue000 \\U000e0001 \\U0010ffff');"
        "[figure.file(info, form, look) for form in ('png', 'pdf')]"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stderr == ""


def test_milliseconds_are_padded():
    record = logging.LogRecord("a", logging.INFO, "", 0, "", None, None)
    record.created = 0.0075
    assert UtcFormatter().formatTime(record) == "1970-01-01T00:00:00.007Z"


def test_repeated_warnings_are_folded_for_a_minute(lines, monkeypatch):
    logger = logging.getLogger("store")
    for request in range(50):
        with process_log.bound(request=request):
            logger.warning("the database is away")
            logger.info("asked")
    logger.warning("the broker is away")
    warnings = [line for line in lines() if "WARNING" in line]
    assert [line.split(": ")[1] for line in warnings] == [
        "the database is away",
        "the broker is away",
    ]
    assert len(lines()) == 52, "what is no warning is not folded"
    monkeypatch.setattr(process_log, "FOLDED_SECONDS", 0.0)
    logger.warning("the database is away")
    assert lines()[-1].endswith("the database is away (49 more times since the last such line)")


def test_warnings_about_different_experiments_are_all_written(lines):
    for experiment in ("exp_1", "exp_2"):
        with process_log.bound(experiment=experiment):
            logging.getLogger("worker").warning("the lease ended")
    assert len(lines()) == 2


def test_a_warning_whose_arguments_do_not_fit_disturbs_nobody():
    code = (
        "import logging; from store import process_log; process_log.configure('worker');"
        "logging.getLogger('a').warning('%d experiments', 'several'); print('goes on')"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "goes on\n"
    assert "Logging error" in process.stderr
