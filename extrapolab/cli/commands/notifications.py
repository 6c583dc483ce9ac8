"""Commands on notifications: notify, notifications."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from extrapolab.cli.arguments import AsJson, Limit, lab_of, take
from extrapolab.cli.table_layout import table
from extrapolab.cli.terminal import print_records
from extrapolab.client.answers.formats import format_time
from extrapolab.models.notifications import Notification

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer()
_PANEL = "Lab"


@app.command(rich_help_panel=_PANEL)
def notify(
    context: typer.Context,
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET",
            help="Names of the lab's targets, or URLs such as ntfys://ntfy.sh/my-topic.",
        ),
    ],
    of: Annotated[
        str, typer.Option(metavar="ID", help="The experiment or sweep. Default: a test message.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Notify targets once an experiment or a sweep has ended, or test them now.

    For example:
    ```
    extrapolab notify ntfys://ntfy.sh/my-topic
    extrapolab notify team --of swp_b68f
    ```
    """
    with lab_of(context) as lab:
        records = lab.notify(*targets, of=of)
    print_records(records, _table, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def notifications(context: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Show whom the lab notified of what, and why it could not; newest first.

    For example:
    ```
    extrapolab notifications --json | jq 'select(.state == "failed")'
    ```
    """
    with lab_of(context) as lab:
        records = take(lab.notifications(limit=limit + 1), limit)
    print_records(records, _table, as_json=as_json, empty="No notifications.")


def _table(records: Sequence[Notification]) -> "Table":
    rows = table(
        "id", "asked for", "of", "target", "state", "attempts", "error", folding=("error",)
    )
    for record in records:
        rows.add_row(
            record.id,
            format_time(record.created_at),
            record.of or record.kind,
            record.target,
            record.state,
            str(record.attempts),
            record.error or "",
        )
    return rows
