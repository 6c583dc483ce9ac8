"""The software that the lab is measured against, run from an environment of its own, .venv-bench (see the Makefile)."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

BIN = Path(__file__).parent.parent / ".venv-bench" / "bin"


@contextmanager
def mlflow() -> Iterator[str]:
    """The URL of an MLflow tracking server on SQLite with its own defaults, gone at the end."""
    with tempfile.TemporaryDirectory() as data, socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        door.close()
        store = (
            "--backend-store-uri",
            f"sqlite:///{data}/mlflow.db",
            "--artifacts-destination",
            f"{data}/files",
        )
        command = [BIN / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *store]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        server = psutil.Popen(command, cwd=data, env=environment, **quiet)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            yield url
        finally:
            for process in (
                *server.children(recursive=True),
                server,
            ):  # it has sessions of its own, and takes its time
                process.kill()
            server.wait(timeout=30)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/health").is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.2)
    raise SystemExit("MLflow did not start; is .venv-bench there? make bench makes it")
