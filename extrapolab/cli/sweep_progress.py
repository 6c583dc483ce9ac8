"""What commands on sweeps share: their arguments, and what they print of one that runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import console, print_json, resumable
from extrapolab.client.sweep import Sweep

if TYPE_CHECKING:
    from rich.console import Console

SweepFile = Annotated[
    str, typer.Argument(metavar="FILE", help="A sweep file, YAML or JSON; - is standard input.")
]


def print_submission(sweep: Sweep) -> None:
    """Prints how many experiments a submission or extension queued, and the sweep's page."""
    reused = f", {sweep.reused:,} already there" if sweep.reused else ""
    console().print(f"{sweep.id}  {sweep.created:,} experiments queued{reused}")
    console().print(f"  {sweep.page}")


def run_sweep(sweep: Sweep, out: "Console") -> None:
    """Shows a sweep's progress until it ends. Ctrl-C only stops watching."""
    from extrapolab.client.progress import show_sweep_progress  # noqa: PLC0415  # loads the bars

    with resumable(f"extrapolab sweep watch {sweep.id}"):
        show_sweep_progress(sweep, out)


def watch_sweep(sweep: Sweep, *, as_json: bool) -> None:
    """Shows a sweep's progress until it ends; exits with an error unless all completed."""
    run_sweep(sweep, console(stderr=as_json))
    if as_json:
        print_json(sweep.record)
    if sweep.state != "completed":
        raise typer.Exit(ExitCode.FAILED)
