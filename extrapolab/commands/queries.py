"""Commands that ask: query."""

from typing import Annotated

import typer

from extrapolab.commands import AsJson, lab_of
from extrapolab.tables import experiments_table, fields_table
from extrapolab.terminal import console, print_json

app = typer.Typer()
_PANEL = "Results"

Filter = Annotated[
    str | None, typer.Argument(metavar="FILTER", help="Such as 'tag:figure-1 and outcome = diverged'; all without.")
]
Sort = Annotated[
    str | None, typer.Option(help="Such as -created,name or median(train_loss); the newest first where left out.")
]


@app.command(rich_help_panel=_PANEL)
def query(
    context: typer.Context,
    q: Filter = None,
    *,
    sort: Sort = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    fields: Annotated[bool, typer.Option("--fields", help="List the names that a filter can ask about.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find experiments by anything that is known of them. docs/query.md teaches the language.

    For example:
    ```
    extrapolab query 'student.start.scale <= 1e-3 and median(extrapolation_error) < 0.01'
    extrapolab query 'any(outcome = fitted and extrapolation_error > 1)' --sort -created
    extrapolab query --fields
    ```
    """
    with lab_of(context) as lab:
        if fields:
            named = lab.fields()
            if as_json:
                for field in named:
                    print_json(field)
            else:
                console().print(fields_table(named))
            return
        records = [experiment.record for experiment in lab.query(q, sort=sort, limit=limit)]
    if as_json:
        for record in records:
            print_json(record)
    else:
        console().print(experiments_table(records) if records else "No experiments.")
