"""``extrapolab up``: a whole lab on this machine, from the lock on its folder to the end of its last child."""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import typer

from lab import broker, listener
from lab.errors import CannotStart
from lab.folder import DataFolder, claimed
from lab.managed_process import describe
from lab.migration import migrate
from lab.programs import Plan
from lab.settings import LabSettings, read
from lab.supervisor import Supervisor
from store.db.database import Database

_INTERRUPTED = 130


def up(data: Path, host: str, port: int, slots: int, *, demo: bool, once: bool) -> int:
    """Runs a lab until Ctrl-C or SIGTERM, with ``once`` until its demo's end; the exit code.

    Raises:
        LabError: The lab can't start, or a part of it can't be kept alive; nothing is left running.
    """
    began = time.monotonic()
    if sys.platform != "linux":
        raise CannotStart(
            "'extrapolab up' needs Linux, whose kernel ends processes with their parent. Use docker compose."
        )
    settings = read(LabSettings)
    with ExitStack() as stack:
        folder = stack.enter_context(claimed(data))
        socket = stack.enter_context(listener.opened(host, port))
        url = listener.url(socket)
        folder.sign(f"the lab at {url} (process {os.getpid()})")

        if settings.broker_url is not None:
            broker.check(settings.broker_url)
        database_url = settings.database_url or folder.database_url
        migrate(
            database_url,
            settings.database_seconds,
            None if settings.database_url else folder.backups,
        )
        database = Database(database_url)
        stack.callback(database.dispose)

        # Not in the data folder: the path of a unix socket has at most 107 bytes.
        place = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="extrapolab-", dir="/tmp"))
        )
        plan = Plan(
            folder,
            url,
            settings.child_environment(database_url, settings.broker_url or broker.url(place), url),
        )
        brokers = (
            []
            if settings.broker_url
            else [plan.redis(broker.find_server(settings.redis_server), place)]
        )
        workers = plan.workers(settings.device, slots, database)
        supervisor = stack.enter_context(Supervisor([brokers, [workers, plan.api(socket)]]))

        interrupted = (
            _INTERRUPTED if once else 0
        )  # a demo that was asked for and not shown is no success
        if not supervisor.until(lambda: supervisor.ready):
            return interrupted
        _announce(url, folder, slots, time.monotonic() - began)
        if demo:
            code = supervisor.attend(plan.demo())
            if code is None:
                return interrupted
            if once:
                return code
            typer.echo(
                f"\n{f'The demo {describe(code)}. ' if code else ''}The lab stays up at {url}; Ctrl-C ends it."
            )
        supervisor.until(lambda: False)
    return 0


def _announce(url: str, folder: DataFolder, slots: int, seconds: float) -> None:
    typer.echo(
        f"The lab is ready at {url} (after {seconds:.1f} s, {slots} worker slot{'s' * (slots > 1)})"
    )
    typer.echo(f"  documentation  {url}/docs")
    typer.echo(f"  data           {folder.path}")
    typer.echo(f"  logs           {folder.logs}")
    typer.echo("Ctrl-C ends it.\n")
