"""The lab's commands, which plug into ``extrapolab`` by its entry point.

Commands import what they need when they run: the command line starts fast that way, even if only
the client is installed.
"""
# ruff: noqa: PLC0415  # late imports, see above

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
    Path, typer.Option("--data", help="Folder of the database and logs.", envvar="EXTRAPOLAB_DATA")
]


class Device(StrEnum):
    """A device to train on."""

    CPU = "cpu"
    CUDA = "cuda"


@app.command()
def up(  # noqa: PLR0917  # options are passed by name
    data: DataFolder = _DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65535)
    ] = 8000,
    allow_anyone: Annotated[
        bool,
        typer.Option(
            "--allow-anyone",
            help="Allow a --host that other machines reach: everyone who does may read and change "
            "everything.",
            envvar="EXTRAPOLAB_ALLOW_ANYONE",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(help="Experiments to train in parallel.", show_default="one per core", min=1),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Run the main experiment once the lab is ready.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the demo, with its exit code.")
    ] = False,
    open_page: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="Open the lab's page in a browser.",
            show_default="on a desktop, without --once",
        ),
    ] = None,
) -> None:
    """Run a whole lab on this machine until Ctrl-C: API, workers, database and broker."""
    if once and not demo:
        raise typer.BadParameter("--once needs --demo", param_hint="--once")
    with _lab_command():
        from lab.browser import has_desktop
        from lab.up import up as run_lab

        if open_page is None:
            open_page = has_desktop() and not once
        # The interpreter would otherwise scan all these modules when it exits: 0.3 s of a Ctrl-C.
        gc.freeze()
        code = run_lab(
            data,
            host,
            port,
            workers or _cores(),
            allow_anyone=allow_anyone,
            demo=demo,
            once=once,
            open_page=open_page,
        )
    raise typer.Exit(code)


@app.command()
def worker(
    device: Annotated[
        Device, typer.Option(help="Device to train on.", envvar="EXTRAPOLAB_DEVICE")
    ] = Device.CPU,
    slots: Annotated[
        int | None,
        typer.Option(
            help="Experiments to train in parallel.",
            show_default="one per core; 1 on a GPU",
            min=1,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only check whether a worker of this host is alive.")
    ] = False,
) -> None:
    """Run a worker for the lab of EXTRAPOLAB_DATABASE_URL and EXTRAPOLAB_BROKER_URL."""
    with _lab_command():
        from lab.programs import worker_command
        from lab.settings import require_database_url
        from lab.worker_checks import check_host

        require_database_url()
        if check:
            typer.echo(check_host())
            return
        command = worker_command(device, slots or (_cores() if device is Device.CPU else 1))
    os.environ["EXTRAPOLAB_DEVICE"] = device
    os.execv(command[0], command)  # noqa: S606  # the worker replaces this process, to get its signals


@app.command()
def migrate(
    wait: Annotated[float, typer.Option(help="Seconds to wait for the database.", min=0)] = 60.0,
) -> None:
    """Migrate the database of EXTRAPOLAB_DATABASE_URL to the schema of this version."""
    with _lab_command():
        from lab.migration import migrate as migrate_database
        from lab.settings import read, require_database_url
        from store.settings import Settings

        require_database_url()
        migrate_database(read(Settings).database_url, wait)
    typer.echo("The database is up to date.")


@app.command()
def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")
    ],
    data: DataFolder = _DATA,
) -> None:
    """Back up the lab's database to FILE, even while the lab runs, and verify the copy.

    The lab is the one in --data, or the one whose database EXTRAPOLAB_DATABASE_URL names.
    """
    with _lab_command():
        from lab import backup as backups

        typer.echo(backups.write(data, file))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file written by `backup`.")],
    data: DataFolder = _DATA,
) -> None:
    """Restore a backup to an empty folder or database; never overwrites anything.

    For example, to move a lab from one machine to several:
    ```
    extrapolab backup lab.backup --data .lab
    EXTRAPOLAB_DATABASE_URL=postgresql://... extrapolab restore lab.backup
    ```
    """
    with _lab_command():
        from lab import backup as backups

        typer.echo(backups.restore(file, data))


@app.command()
def doctor(data: DataFolder = _DATA) -> None:
    """Check everything that a lab on this machine needs; exits with 1 if a check fails."""
    with _lab_command():
        from lab.doctor import run_checks

        findings = run_checks(data)
    for finding in findings:
        typer.echo(finding)
    raise typer.Exit(any(finding.remedy for finding in findings))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@contextmanager
def _lab_command() -> Iterator[None]:
    """Prints errors of the lab as sentences, and exits with code 1.

    What is written inside, by this process or its children, only this user may read.
    """
    logging.basicConfig(format="%(message)s")  # for the terminal: no timestamps
    for name in ("lab", "store.db.table_copy"):  # the latter says how far a backup is
        logging.getLogger(name).setLevel(logging.INFO)
    umask = os.umask(0o077)
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
    finally:
        os.umask(umask)
