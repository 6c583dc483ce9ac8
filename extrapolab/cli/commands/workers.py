"""Commands on the lab's worker slots: list, drain."""

from typing import Annotated

import typer

from extrapolab.cli.arguments import AsJson, lab_of
from extrapolab.cli.queue_tables import workers_table
from extrapolab.cli.terminal import console, print_json, print_records

slots = typer.Typer(rich_markup_mode="markdown")
app = typer.Typer()
app.add_typer(slots, name="workers", rich_help_panel="Lab")


@slots.callback(invoke_without_command=True)
def workers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the worker slots, with what they run, how far and how fast.

    For example:
    ```
    extrapolab workers
    ```
    """
    if context.invoked_subcommand is not None:
        return
    with lab_of(context) as lab:
        records = lab.workers()
    no_workers = "No workers. 'extrapolab worker' starts one."
    print_records(records, workers_table, as_json=as_json, empty=no_workers)


@slots.command()
def drain(
    context: typer.Context,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID", help="Ids of worker slots, or unique prefixes."),
    ],
    as_json: AsJson = False,
) -> None:
    """Make worker slots hand back their experiments and claim no more.

    A worker with drained slots can be stopped safely. After a restart, it claims again.

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
