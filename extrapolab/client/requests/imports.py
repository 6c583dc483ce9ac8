"""Imports: a file is sent once, and the lab says how far it is until it is done."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extrapolab.client.connection.transport import Transport
from extrapolab.errors import NotFound, ServerProblem, error_of
from extrapolab.models.experiments import ImportResult

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two questions for the state; growing by half each time."""


@dataclass(frozen=True)
class ImportProgress:
    """The progress of an import.

    Attributes:
        done: Rows that are read.
        of: Rows of the file; None until they are counted.
    """

    done: int
    of: int | None


ObserveImport = Callable[[ImportProgress], object]


def run(
    transport: Transport,
    body: Mapping[str, Any],
    observe: ObserveImport | None = None,
    *,
    dry_run: bool = False,
) -> ImportResult:
    """Imports a file, and waits until it is done.

    Raises:
        ValueError: The file is larger than the lab takes.
        Refused: The file is not valid.
        ServerProblem: The lab failed.
    """
    _check_size(transport, body)
    parameters = {"background": "true"} | ({"dry_run": "true"} if dry_run else {})
    job = transport.post("/v1/imports", body, parameters, repeatable=True)
    pause = FIRST_PAUSE
    while job["state"] == "running":
        if observe is not None:
            observe(ImportProgress(job["done"], job["of"]))
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)
        job = transport.get(f"/v1/imports/{job['id']}")
    if job["imported"] is not None:
        return ImportResult.read(job["imported"])
    if job["problem"] is not None:
        raise error_of(job["problem"]["status"], json.dumps(job["problem"]).encode())
    raise ServerProblem(500, "The lab ended while it imported the file. Import it again.")


def _check_size(transport: Transport, body: Mapping[str, Any]) -> None:
    try:
        most = transport.get("/v1/imports")["max_bytes"]
    except NotFound:  # an earlier lab
        return
    size = len(json.dumps(body).encode())
    if size > most:
        message = f"{body['file']} is {size:,} bytes long as JSON; this lab accepts {most:,}"
        raise ValueError(f"{message}: split it into several files")
