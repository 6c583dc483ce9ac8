"""PgBouncer, the system's, in front of the test session's PostgreSQL server.

It gives each transaction whichever of its few server connections is free, so that whatever one
leaves behind meets another client.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
_SETTINGS = """
[databases]
* = host={server} user=postgres

[pgbouncer]
pool_mode = {mode}
default_pool_size = 8
unix_socket_dir = {folder}
listen_port = 5432
auth_type = any
logfile = {folder}/log
"""


@contextmanager
def running_pgbouncer(server: str, mode: str = "transaction") -> Iterator[str]:
    """A PgBouncer for the server whose socket is in ``server``; yields its own socket's folder."""
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail("CI must test connection poolers: there is no PgBouncer")
        pytest.skip("no PgBouncer: poolers are NOT tested here; install Debian's `pgbouncer`")
    with tempfile.TemporaryDirectory(prefix="pgb-", dir="/tmp") as folder:
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(_SETTINGS.format(server=server, mode=mode, folder=folder))
        user = {}
        if os.geteuid() == 0:  # which it refuses
            user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody")
            settings.chmod(0o644)
        process = subprocess.Popen([PROGRAM, "--quiet", settings], cwd="/", **user)
        try:
            _wait_for(process, folder)
            yield folder
        finally:
            process.kill()
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", folder: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            return psycopg.connect(host=folder, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = Path(folder) / "log"
                text = log.read_text() if log.exists() else "no log"
                raise RuntimeError(f"PgBouncer did not start:\n{text}") from error
            time.sleep(0.01)


@pytest.fixture(scope="session")
def pgbouncer(postgres: str) -> Iterator[str]:
    """The socket folder of the test session's PgBouncer, which pools transactions."""
    with running_pgbouncer(postgres) as folder:
        yield folder
