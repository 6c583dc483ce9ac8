"""The check, submission and progress of a sweep, which several commands print."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.experiment_tables import expected_time
from extrapolab.cli.sweep_tables import axis_lines, print_sweep_warnings
from extrapolab.cli.terminal import console, print_json, resumable
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.lab import Lab

if TYPE_CHECKING:
    from rich.console import Console

SweepFile = Annotated[
    str, typer.Argument(metavar="FILE", help="A sweep file, YAML or JSON; - is standard input.")
]


def check_sweep(lab: Lab, content: Mapping[str, Any], *, rerun: bool, as_json: bool) -> None:
    """Prints what a sweep would be and cost; nothing is stored."""
    check = lab.check_sweep(**content, on_duplicate=_on_duplicate(rerun=rerun))
    if as_json:
        print_json(check)
        print_sweep_warnings(check.warnings, console(stderr=True))
        return
    out, cost = console(), check.cost
    there = "none is reused" if rerun else f"{check.reused:,} of which the lab already has"
    out.print(f"{check.count:,} experiments, {there}")
    for line in axis_lines(content["axes"]):
        out.print(f"  {line}")
    out.print(
        f"  need about {expected_time(cost)}, {cost.storage_mb:.3g} MB storage in total, "
        f"{cost.memory_mb:.3g} MB memory at most"
    )
    print_sweep_warnings(check.warnings, out)


def submit_sweep(
    lab: Lab,
    content: Mapping[str, Any],
    *,
    rerun: bool,
    notify: Sequence[str] | None,
    watch: bool,
    as_json: bool,
) -> Sweep:
    """Submits a sweep, and prints it: as JSON only if nobody watches, which prints its end."""
    sweep = lab.sweep(**content, on_duplicate=_on_duplicate(rerun=rerun), notify=notify)
    print_submission(sweep, as_json=as_json)
    if as_json and not watch:
        print_json(sweep.record)
    return sweep


def print_submission(sweep: Sweep, *, as_json: bool) -> None:
    """Prints how many experiments a submission or extension queued, the page, and warnings.

    Where JSON follows, only the warnings, on standard error.
    """
    if not as_json:
        reused = f", {sweep.reused:,} already there" if sweep.reused else ""
        console().print(f"{sweep.id}  {sweep.created:,} experiments queued{reused}")
        console().print(f"  {sweep.page}")
    print_sweep_warnings(sweep.warnings, console(stderr=as_json))


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


def _on_duplicate(*, rerun: bool) -> Literal["reuse", "rerun"]:
    return "rerun" if rerun else "reuse"
