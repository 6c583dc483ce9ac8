"""The command that shows the queue."""

from typing import Annotated

import typer

from extrapolab.cli.arguments import AsJson, lab_of
from extrapolab.cli.queue_tables import print_queue
from extrapolab.cli.terminal import console, print_json

app = typer.Typer()


@app.command(rich_help_panel="Lab")
def queue(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=500, help="Most experiments to list.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what runs and waits on each device, and what starts next.

    For example:
    ```
    extrapolab queue
    ```
    """
    with lab_of(context) as lab:
        answer = lab.queue(limit=limit)
    if as_json:
        print_json(answer)
    else:
        print_queue(answer, console())
