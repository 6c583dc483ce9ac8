"""The commands on the lab's workers."""

from typing import Annotated

import typer

from extrapolab.cli.commands import AsJson, lab_of
from extrapolab.cli.tables import workers_table
from extrapolab.cli.terminal import console, print_json

slots = typer.Typer(rich_markup_mode="markdown")
app = typer.Typer()
app.add_typer(slots, name="workers", rich_help_panel="Lab")


@slots.callback(invoke_without_command=True)
def workers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the lab's worker slots: host, device, last heartbeat, what they run."""
    if context.invoked_subcommand is not None:
        return
    with lab_of(context) as lab:
        found = lab.workers()
    if as_json:
        for slot in found:
            print_json(slot)
    else:
        console().print(
            workers_table(found) if found else "No workers. 'extrapolab worker' starts one."
        )


@slots.command()
def drain(
    context: typer.Context,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID", help="Ids of worker slots, or enough of their beginnings."),
    ],
    as_json: AsJson = False,
) -> None:
    """Have worker slots hand back what they run and claim no more.

    Once they are drained, their process may be ended; one that is started anew is not drained.

    For example:
    ```
    extrapolab workers drain $(extrapolab workers --json | jq -r .id)
    ```
    """
    with lab_of(context) as lab:
        for worker_id in ids:
            slot = lab.drain(worker_id)
            if as_json:
                print_json(slot)
            else:
                console().print(f"{slot.id}  {slot.state}")
