"""The command on the lab's workers."""

import typer

from extrapolab.commands import AsJson, lab_of
from extrapolab.tables import workers_table
from extrapolab.terminal import console, print_json

app = typer.Typer()


@app.command(rich_help_panel="Lab")
def workers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the lab's worker slots: host, device, last heartbeat, what they run."""
    with lab_of(context) as lab:
        slots = lab.workers()
    if as_json:
        for slot in slots:
            print_json(slot)
    else:
        console().print(workers_table(slots) if slots else "No workers. 'extrapolab worker' starts one.")
