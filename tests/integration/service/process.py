"""The service as its users run it: a uvicorn process over its own database."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.programs import API_COMMAND, API_ENVIRONMENT
from tests.integration.service.conftest import NO_BROKER

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Served:
    url: str
    pid: int
    log: list[str] = field(default_factory=list)
    """Lines of its log; complete when it has ended."""


@contextmanager
def served(database_url: str, **environment: str) -> Iterator[Served]:
    """Runs the service on a free port while the context is open."""
    command = [*API_COMMAND, "--port", "0", "--no-access-log"]
    service: Served | None = None
    settings = {"EXTRAPOLAB_DATABASE_URL": database_url, "EXTRAPOLAB_BROKER_URL": NO_BROKER}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | API_ENVIRONMENT | settings | environment,
            stderr=subprocess.PIPE,
            stdout=log,
            text=True,
        )
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if match := re.search(r"running on (http://[\d.:]+)", line):
                    service = Served(match[1], process.pid)
                    yield service
                    break
            else:
                raise AssertionError("the service did not start")
        finally:
            process.terminate()
            _, rest = process.communicate(timeout=20)
            if service is not None:
                service.log.extend(rest.splitlines())
