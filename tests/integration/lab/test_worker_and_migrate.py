"""``extrapolab worker`` and ``extrapolab migrate``, the parts of a lab that containers run."""

import subprocess
import time

import pytest

from store.db.schema import check
from tests.kit.lab import EXTRAPOLAB, environment

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def extrapolab(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [EXTRAPOLAB, *arguments]
    return subprocess.run(
        command,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_migrate_creates_the_tables_and_can_run_again(empty_url, tmp_path):
    for _ in range(2):
        done = extrapolab("migrate", EXTRAPOLAB_DATABASE_URL=empty_url)
        assert (done.returncode, done.stdout) == (0, "The database is up to date.\n"), done.stderr
        check(empty_url)
    for file in tmp_path.glob("*.db*"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_migrate_waits_for_the_database_and_reports_a_timeout():
    began = time.monotonic()
    failed = extrapolab("migrate", "--wait", "1", EXTRAPOLAB_DATABASE_URL=NOWHERE)
    assert failed.returncode == 1
    assert failed.stderr.startswith("The database did not answer within 1 s: ")
    assert "Traceback" not in failed.stderr
    assert time.monotonic() - began > 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_passes_its_check_while_it_runs(database_url, broker_url):
    variables = {"EXTRAPOLAB_DATABASE_URL": database_url, "EXTRAPOLAB_BROKER_URL": broker_url}
    assert extrapolab("worker", "--check", **variables).returncode == 1
    worker = subprocess.Popen([EXTRAPOLAB, "worker", "--slots", "1"], env=environment(**variables))
    try:
        deadline = time.monotonic() + 30
        while (alive := extrapolab("worker", "--check", **variables)).returncode != 0:
            assert worker.poll() is None
            assert time.monotonic() < deadline, alive.stderr
        assert alive.stdout.endswith(": 1.\n")
        worker.terminate()
        assert worker.wait(timeout=15) == 0
        assert extrapolab("worker", "--check", **variables).returncode == 1
    finally:
        worker.kill()
        worker.wait()


def test_an_invalid_setting_is_named():
    for command in (["migrate"], ["worker", "--check"]):
        refused = extrapolab(
            *command, EXTRAPOLAB_LEASE_SECONDS="soon", EXTRAPOLAB_DATABASE_URL=NOWHERE
        )
        assert refused.returncode == 1
        assert refused.stderr.startswith("EXTRAPOLAB_LEASE_SECONDS: ")
        assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", [["migrate"], ["worker"], ["worker", "--check"]])
def test_without_a_database_url_no_database_is_created(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = extrapolab(*command)
    assert refused.returncode == 1
    assert refused.stderr.startswith("EXTRAPOLAB_DATABASE_URL is not set")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("arguments", [["--slots", "0"], ["--device", "tpu"]])
def test_invalid_worker_options_are_refused(arguments):
    refused = extrapolab("worker", *arguments)
    assert refused.returncode == 2
    assert arguments[0] in refused.stderr
