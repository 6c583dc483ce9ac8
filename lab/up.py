"""``extrapolab up``: a whole lab on this machine."""

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import typer

from lab import listener
from lab.browser import browser
from lab.errors import CannotStart
from lab.folder import DataFolder, lock_data_folder
from lab.managed_process import describe_exit
from lab.preparation import Plan, prepare
from lab.programs import LabPrograms
from lab.runtime_folder import runtime_folder
from lab.supervisor import Supervisor

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
    if not allow_anyone:
        listener.require_loopback(host)
    with ExitStack() as stack:
        folder = stack.enter_context(lock_data_folder(data))
        socket = stack.enter_context(listener.listen(host, port))
        url = listener.url(socket)
        folder.write_owner(f"the lab at {url} (process {os.getpid()})")
        sockets = stack.enter_context(runtime_folder())

        plan = Plan(str(folder.path), str(sockets), url, host, allow_anyone)
        prepared = prepare(plan)
        programs = LabPrograms(folder, url, prepared.environment)
        brokers = []
        if prepared.redis_server is not None:
            brokers = [programs.redis(Path(prepared.redis_server), sockets)]
        workers = programs.workers(prepared.device, slots)
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
