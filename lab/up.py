"""``extrapolab up``: a whole lab on this machine."""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import typer

from lab import broker, listener
from lab.browser import browser
from lab.errors import CannotStart
from lab.folder import DataFolder, lock_data_folder
from lab.managed_process import describe_exit
from lab.migration import migrate
from lab.programs import LabPrograms
from lab.settings import LabSettings, read
from lab.supervisor import Supervisor
from store.db.database import Database

_INTERRUPTED = 130


def up(
    data: Path,
    host: str,
    port: int,
    slots: int,
    *,
    allow_anyone: bool,
    demo: bool,
    once: bool,
    open_page: bool,
) -> int:
    """Runs a lab until Ctrl-C or SIGTERM, or with ``once`` until its demo ends.

    With ``allow_anyone``, other machines may reach it. With ``open_page``, its page is opened in a
    browser once it is ready.

    Returns:
        The exit code.

    Raises:
        LabError: The lab can't start or one of its processes can't be kept running. No process is
            left behind.
    """
    started_at = time.monotonic()
    if sys.platform != "linux":
        raise CannotStart(
            "'extrapolab up' needs Linux, whose kernel ends processes with their parent. "
            "Use docker compose instead."
        )
    settings = read(LabSettings)
    with ExitStack() as stack:
        folder = stack.enter_context(lock_data_folder(data))
        socket = stack.enter_context(listener.listen(host, port, allow_anyone=allow_anyone))
        url = listener.url(socket)
        folder.write_owner(f"the lab at {url} (process {os.getpid()})")

        if settings.broker_url is not None:
            broker.check(settings.broker_url)
        database_url = settings.database_url or folder.database_url
        backups = None if settings.database_url else folder.backups
        migrate(database_url, settings.database_seconds, backups)
        database = Database(database_url)
        stack.callback(database.dispose)

        # Not in the data folder: the path of a unix socket has at most 107 bytes.
        temporary = tempfile.TemporaryDirectory(prefix="extrapolab-", dir="/tmp")
        broker_folder = Path(stack.enter_context(temporary))
        broker_url = settings.broker_url or broker.url(broker_folder)
        environment = settings.child_environment(
            database_url, broker_url, url, host, allow_anyone=allow_anyone
        )
        programs = LabPrograms(folder, url, environment)
        brokers = []
        if settings.broker_url is None:
            server = broker.find_server(settings.redis_server)
            brokers = [programs.redis(server, broker_folder)]
        workers = programs.workers(settings.device, slots, database)
        open_url = stack.enter_context(browser()) if open_page else None
        supervisor = stack.enter_context(Supervisor([brokers, [workers, programs.api(socket)]]))

        interrupted = _INTERRUPTED if once else 0  # no success if the demo was not shown
        if not supervisor.run_until(lambda: supervisor.ready):
            return interrupted
        _announce(url, folder, slots, time.monotonic() - started_at)
        if open_url is not None:
            open_url(url)
        if demo:
            code = supervisor.run_once(programs.demo())
            if code is None:
                return interrupted
            if once:
                return code
            failure = f"The demo {describe_exit(code)}. " if code else ""
            typer.echo(f"\n{failure}The lab keeps running at {url}; Ctrl-C stops it.")
        supervisor.run_until(lambda: False)
    return 0


def _announce(url: str, folder: DataFolder, slots: int, seconds: float) -> None:
    typer.echo(
        f"The lab is ready at {url} (after {seconds:.1f} s, {slots} worker slot{'s' * (slots > 1)})"
    )
    typer.echo(f"  documentation  {url}/docs")
    typer.echo(f"  data           {folder.path}")
    typer.echo(f"  logs           {folder.logs}")
    typer.echo("Ctrl-C stops it.\n")
