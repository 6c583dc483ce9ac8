"""The lab's commands: ``up``, its parts, and the care for its data.

They plug into ``extrapolab`` by its entry point.

The rooms behind them are imported when a command runs: the client's command line has to start fast,
and where only the client is installed it has to start at all.
"""
# ruff: noqa: PLC0415  # late imports, as said above

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.errors import LabError

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

_DATA = Path("~/.local/share/extrapolab")

DataFolder = Annotated[
    Path, typer.Option("--data", help="Folder of database and logs.", envvar="EXTRAPOLAB_DATA")
]


class Device(StrEnum):
    """What a worker trains on."""

    CPU = "cpu"
    CUDA = "cuda"


@app.command()
def up(  # noqa: PLR0917  # options have names, not places
    data: DataFolder = _DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    workers: Annotated[
        int | None,
        typer.Option(help="Experiments trained at once.", show_default="one per core", min=1),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Run the main experiment once the lab is ready.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End with the demo, with its exit code.")
    ] = False,
) -> None:
    """Run a whole lab on this machine: API, workers, database and broker, until Ctrl-C."""
    if once and not demo:
        raise typer.BadParameter("it ends with the demo, so it needs --demo", param_hint="--once")
    with _plain_errors():
        from lab.up import up as run_lab

        # else the interpreter looks through all these modules once more at its end: 0.3 s of a
        # Ctrl-C
        gc.freeze()
        code = run_lab(data, host, port, workers or _cores(), demo=demo, once=once)
    raise typer.Exit(code)


@app.command()
def worker(
    device: Annotated[
        Device, typer.Option(help="What to train on.", envvar="EXTRAPOLAB_DEVICE")
    ] = Device.CPU,
    slots: Annotated[
        int | None,
        typer.Option(help="Trainings at once.", show_default="one per core; on a GPU 1", min=1),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether a worker of this host is alive.")
    ] = False,
) -> None:
    """Run a worker for the lab that EXTRAPOLAB_DATABASE_URL and EXTRAPOLAB_BROKER_URL name."""
    with _plain_errors():
        from lab.programs import worker_command
        from lab.settings import require_database_url
        from lab.worker_checks import check_host

        require_database_url()
        if check:
            typer.echo(check_host())
            return
        command = worker_command(device, slots or (_cores() if device is Device.CPU else 1))
    os.environ["EXTRAPOLAB_DEVICE"] = device
    os.execv(command[0], command)  # noqa: S606  # the worker takes this process's place, and hears its signals


@app.command()
def migrate(
    wait: Annotated[float, typer.Option(help="Seconds to wait for the database.", min=0)] = 60.0,
) -> None:
    """Bring the database that EXTRAPOLAB_DATABASE_URL names to the schema of this software."""
    with _plain_errors():
        from lab.migration import migrate as bring_up_to_date
        from lab.settings import read, require_database_url
        from store.settings import Settings

        require_database_url()
        bring_up_to_date(read(Settings).database_url, wait)
    typer.echo("The database is up to date.")


@app.command()
def backup(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The file to write; there must be none of that name."),
    ],
    data: DataFolder = _DATA,
) -> None:
    """Copy the lab's whole database to FILE, also while the lab runs, and check the copy.

    The lab is the one whose data is in --data, or whose database EXTRAPOLAB_DATABASE_URL names.
    """
    with _plain_errors():
        from lab import backup as backups

        typer.echo(backups.write(data, file))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    data: DataFolder = _DATA,
) -> None:
    """Make a lab from a backup, in an empty folder or an empty database; nothing is ever overwritten.

    For example, to go from one machine to several:
    ```
    extrapolab backup lab.backup --data .lab
    EXTRAPOLAB_DATABASE_URL=postgresql://... extrapolab restore lab.backup
    ```
    """
    with _plain_errors():
        from lab import backup as backups

        typer.echo(backups.restore(file, data))


@app.command()
def doctor(data: DataFolder = _DATA) -> None:
    """Look at all that a lab here needs, and say what to do where something is amiss; it ends with 1 then."""
    with _plain_errors():
        from lab.doctor import examine

        findings = examine(data)
    for finding in findings:
        typer.echo(finding)
    raise typer.Exit(any(finding.remedy for finding in findings))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Where the command can't do its work, it says so in a sentence and ends with exit code 1."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("lab").setLevel(logging.INFO)
    try:
        yield
    except LabError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    except ModuleNotFoundError as error:
        typer.echo(
            f"The Python package {error.name} is missing: install 'extrapolab[all]'.", err=True
        )
        raise typer.Exit(1) from error
