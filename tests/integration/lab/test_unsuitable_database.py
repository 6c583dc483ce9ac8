"""Databases that no lab can work on: each part of one refuses them at its start."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from lab.doctor import run_checks
from lab.programs import API_COMMAND
from tests.kit.database import postgres_url
from tests.kit.lab import EXTRAPOLAB, environment

COMMANDS = {
    "up": [EXTRAPOLAB, "up", "--port", "0", "--data", "data"],
    "migrate": [EXTRAPOLAB, "migrate"],
    "worker": [EXTRAPOLAB, "worker", "--slots", "1"],
    "api": [*API_COMMAND, "--port", "0"],
}


@pytest.fixture(scope="module")
def other_encodings(postgres) -> Iterator[dict[str, str]]:
    """The URLs of databases that are not UTF-8, by their encodings."""
    urls = {name: postgres_url(postgres, name.lower()) for name in ("LATIN1", "SQL_ASCII")}
    with psycopg.connect(host=postgres, user="postgres", autocommit=True) as server:
        for name in urls:
            server.execute(f"CREATE DATABASE {name} ENCODING {name} LOCALE 'C' TEMPLATE template0")
        yield urls
        for name in urls:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_another_encoding_is_refused_at_the_start(command, other_encodings, tmp_path):
    variables = {"EXTRAPOLAB_DATABASE_URL": other_encodings["LATIN1"]}
    refused = subprocess.run(
        command,
        env=environment(**variables),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert "its encoding is LATIN1, and a lab needs UTF8; create another" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_doctor_names_the_encoding(other_encodings, tmp_path, monkeypatch):
    for encoding, url in other_encodings.items():
        monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", url)
        [database] = [finding for finding in run_checks(tmp_path) if finding.name == "database"]
        assert f"its encoding is {encoding}" in database.remedy


@pytest.mark.parametrize("database_url", ["pgbouncer"], indirect=True)
def test_doctor_names_a_pooler(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", database_url)
    [database] = [finding for finding in run_checks(tmp_path) if finding.name == "database"]
    assert database.observation.startswith("postgresql behind a connection pooler at schema ")
    assert not database.remedy
