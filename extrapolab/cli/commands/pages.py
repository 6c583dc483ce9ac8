"""The command that shows pages of the lab in a browser: open."""

import os
import sys
import webbrowser
from collections.abc import Callable
from typing import Annotated

import typer

from extrapolab.cli.arguments import lab_of
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.figure import Figure
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.lab import Lab
from extrapolab.errors import NotFound

app = typer.Typer()


@app.command("open", rich_help_panel="Lab")
def open_(
    context: typer.Context,
    id: Annotated[  # noqa: A002  # the lab's word
        str | None,
        typer.Argument(
            metavar="ID",
            help="The id or name of an experiment, sweep or saved figure, the name of a study, or "
            "@latest, the newest experiment. By default the first page.",
        ),
    ] = None,
) -> None:
    """Open a page of the lab in a browser, and print its address.

    Without a display, only print the address.

    For example:
    ```
    extrapolab open
    extrapolab open exp_5a0c
    extrapolab open balanced
    ```
    """
    with lab_of(context) as lab:
        address = _page(lab, id)
    typer.echo(address)
    if _has_display():
        webbrowser.open(address)


def _page(lab: Lab, name: str | None) -> str:
    """The address of a page; raises an error of the lab if what it should show is not there."""
    if name is None:
        lab.workers()  # an error says more than an empty browser
        return lab.url
    readers: dict[str, Callable[[str], Experiment | Sweep | Figure]] = {
        "exp": lab.experiment,
        "swp": lab.sweep_of,
        "fig": lab.figure_of,
    }
    kind, underscore, _ = name.partition("_")
    if underscore and kind in readers:
        return readers[kind](name).page
    studies = [study.name for study in lab.studies()]
    if name in studies:
        return f"{lab.url}/studies/{name}"
    for read in readers.values():
        try:
            return read(name).page
        except NotFound as error:
            if any(problem.code == "ambiguous_id" for problem in error.problems):
                raise
    raise typer.BadParameter(
        f"{name!r} is not an id (exp_..., swp_..., fig_...), a name or a study: "
        f"{', '.join(studies)}",
        param_hint="ID",
    )


def _has_display() -> bool:
    is_desktop = sys.platform in {"darwin", "win32"}
    return is_desktop or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
