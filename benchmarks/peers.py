"""Software to compare the lab with, run from the environment .venv-bench (see the Makefile)."""

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
    """The URL of an MLflow tracking server on SQLite, with its defaults."""
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        options = ["--host", "127.0.0.1", "--port", str(port)]
        options += ["--backend-store-uri", f"sqlite:///{data}/mlflow.db"]
        options += ["--artifacts-destination", f"{data}/files"]
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        server = psutil.Popen(
            [BIN / "mlflow", "server", *options],
            cwd=data,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            yield url
        finally:
            # Its children start sessions of their own, and it stops slowly.
            for process in (*server.children(recursive=True), server):
                process.kill()
            server.wait(timeout=30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait(url: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/health").is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.2)
    raise SystemExit("MLflow did not start; `make bench` installs it into .venv-bench")
