"""The demo command: the paper's main experiment, run and judged."""

from pathlib import Path
from typing import Annotated

import typer

from extrapolab.cli.arguments import SizeOption, lab_of
from extrapolab.cli.demo import run_demo
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import console, resumable

app = typer.Typer()


@app.command(rich_help_panel="Studies")
def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the figure.")
    ] = Path(),
    size: SizeOption = "quick",
) -> None:
    """Run the paper's main experiment and explain the results.

    It shows which starts fit, which extrapolate, and which poles they learn. What the lab already
    has is not computed again. If a claim fails, the exit code is 1.

    For example:
    ```
    extrapolab demo --output figures
    ```
    """
    with lab_of(context) as lab, resumable(f"extrapolab demo --size {size}"):
        report = run_demo(lab, size, output, console())
    if report.fails:
        raise typer.Exit(ExitCode.FAILED)
