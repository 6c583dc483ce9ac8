"""The command that shows it all: the paper's main experiment, run and judged."""

from pathlib import Path
from typing import Annotated

import typer

from extrapolab.cli.commands import lab_of
from extrapolab.cli.demo import demo as show
from extrapolab.cli.exit_codes import Exit
from extrapolab.cli.terminal import console
from extrapolab.client.study import Size

app = typer.Typer()


@app.command(rich_help_panel="Studies")
def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder that the figure is written to.")
    ] = Path(),
    size: Annotated[Size, typer.Option(help="quick takes minutes, full is the paper's.")] = "quick",
) -> None:
    """Run the paper's main experiment and say what came out: who fits, who extrapolates, which poles were found.

    What the lab has already is not computed again. If a claim fails, the exit code is 1.
    """
    with lab_of(context) as lab:
        report = show(lab, size, output, console())
    if report.fails:
        raise typer.Exit(Exit.FAILED)
