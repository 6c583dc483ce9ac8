"""An ``extrapolab up`` that can't start prints one sentence with a remedy and exits with 1."""

import os
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from store.db.database import Database
from store.db.migrate import upgrade
from tests.kit.lab import EXTRAPOLAB, environment, up


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed start prints."""
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def up_on(file_system: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs ``up`` with its data on a file system that only it sees."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*namespace, "true"], check=False).returncode
    ):
        pytest.skip("NOT TESTED: this machine has no unprivileged mounts")
    folder.mkdir()
    script = f'mount -t tmpfs -o "$1" none "$2" && exec {EXTRAPOLAB} up --port 0 --data "$2/data"'
    command = [*namespace, "sh", "-c", script, "sh", file_system, str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=60, check=False
    )


def test_a_busy_port(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = sentence(up(data, "--port", str(port)))
    assert message == (
        f"Can't listen on port {port} of 127.0.0.1: Address already in use. "
        "Choose another with --port or --host.\n"
    )


def test_an_address_that_other_machines_reach(data):
    message = sentence(up(data, "--port", "0", "--host", "0.0.0.0"))
    assert message.startswith("The lab authenticates no one, and everyone who reaches 0.0.0.0")
    assert not data.exists()


def test_a_folder_that_cannot_be_created(tmp_path):
    (tmp_path / "file").touch()
    message = sentence(up(tmp_path / "file" / "data"))
    assert message.startswith(f"The data folder {tmp_path}/file/data can't be written")


def test_a_full_disk(tmp_path):
    message = sentence(up_on("size=8m", tmp_path / "disk"))
    assert message.startswith(f"The disk of the data folder {tmp_path}/disk/data is full: ")
    assert "Free some space." in message


def test_a_read_only_disk(tmp_path):
    message = sentence(up_on("ro", tmp_path / "disk"))
    assert message.startswith(
        f"The data folder {tmp_path}/disk/data can't be written: Read-only file system."
    )


def test_a_damaged_database(data):
    data.mkdir()
    (data / "extrapolab.db").write_bytes(os.urandom(20_000))
    message = sentence(up(data, "--port", "0"))
    assert message.startswith(
        f"The database sqlite:///{data}/extrapolab.db can't be used: its file is damaged"
    )
    assert "restore a backup" in message


def test_a_database_that_cannot_be_opened(data):
    data.mkdir()
    (data / "extrapolab.db").mkdir()
    message = sentence(up(data, "--port", "0"))
    assert (
        "can't be used: its file can't be opened; check its folder, permissions and disk" in message
    )


def test_a_database_of_a_newer_version(data):
    data.mkdir()
    url = f"sqlite:///{data}/extrapolab.db"
    upgrade(url)
    database = Database(url)
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    assert "the database is newer; use a newer Extrapolab" in sentence(up(data, "--port", "0"))


def test_a_locked_database(data):
    data.mkdir()
    with sqlite3.connect(data / "extrapolab.db") as held:
        held.execute("BEGIN EXCLUSIVE")
        message = sentence(up(data, "--port", "0", EXTRAPOLAB_DATABASE_SECONDS="1"))
    assert message.startswith("The database did not answer within 1 s: ")
    assert "locked" in message


def test_an_unreachable_broker(data):
    message = sentence(
        up(data, "--port", "0", EXTRAPOLAB_BROKER_URL="redis://:secret@127.0.0.1:1/0")
    )
    assert message.startswith("The broker redis://:**@127.0.0.1:1/0 does not answer: ")


def test_a_crash_loop_names_the_process_and_shows_its_log(data):
    broken = data.with_name("redis-server")
    broken.write_text("#!/bin/sh\necho out of luck\nexit 3\n")
    broken.chmod(0o700)
    ended = up(data, "--port", "0", EXTRAPOLAB_REDIS_SERVER=str(broken))
    assert ended.returncode == 1
    assert "redis ended with exit code 3, the 5th time in a row before it was ready" in ended.stderr
    assert "out of luck" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXTRAPOLAB_DATABASE_URL", "mysql://somewhere"),
        ("EXTRAPOLAB_LEASE_SECONDS", "soon"),
        ("EXTRAPOLAB_REDIS_SERVER", "/no/such/file"),
    ],
)
def test_an_invalid_setting_is_named(data, name, value):
    assert name in sentence(up(data, "--port", "0", **{name: value}))


def test_once_needs_the_demo(data):
    ended = up(data, "--once")
    assert ended.returncode == 2
    assert "--demo" in ended.stderr
