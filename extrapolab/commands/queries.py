"""Commands that ask: query, export."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from extrapolab.commands import AsJson, lab_of
from extrapolab.tables import experiments_table, fields_table, groups_table
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
    group: Annotated[
        str | None,
        typer.Option(metavar="FIELDS", help="Statistics over runs that share these; setup_hash: all but seeds."),
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Of a grouped table, such as fit_error,imbalance.")] = None,
    statistic: Annotated[
        str, typer.Option(help="Of a grouped table: median, q1, q3, mean, min, max, standard_error.")
    ] = "median,q1,q3",
    fields: Annotated[bool, typer.Option("--fields", help="List the names that a filter can ask about.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find experiments by anything that is known of them. docs/query.md teaches the language.

    For example:
    ```
    extrapolab query 'student.start.scale <= 1e-3 and median(extrapolation_error) < 0.01'
    extrapolab query 'any(outcome = fitted and extrapolation_error > 1)' --sort -created
    extrapolab query tag:figure-1 --group training.length,student.start.scale --metrics extrapolation_error
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
        if group is not None:
            wanted = metrics.split(",") if metrics else None
            rows = list(lab.query(q, limit=limit).rows(group.split(","), wanted, statistic.split(",")))
            if as_json:
                for row in rows:
                    print_json(row)
            else:
                console().print(groups_table(rows) if rows else "No completed experiments.")
            return
        records = [experiment.record for experiment in lab.query(q, sort=sort, limit=limit)]
    if as_json:
        for record in records:
            print_json(record)
    else:
        console().print(experiments_table(records) if records else "No experiments.")


@app.command(rich_help_panel=_PANEL)
def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to; .csv, .json, .ndjson, .parquet or .arrow.")],
    q: Filter = None,
    *,
    what: Annotated[
        Literal["runs", "series", "experiments"],
        typer.Option(help="A row for each run, point or experiment."),
    ] = "runs",
    fields: Annotated[str | None, typer.Option(help="Of the experiment, beside the numbers.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Such as train_loss,imbalance; all where left out.")] = None,
    sort: Sort = None,
    as_json: AsJson = False,
) -> None:
    """Write all that a filter finds to a file, never sampled, and print its path.

    For example:
    ```
    extrapolab export tag:figure-1 -o runs.parquet
    extrapolab export 'sweep:swp_019ab3' --what series --metrics train_loss -o curves.csv
    ```
    """
    if not output.suffix:
        raise typer.BadParameter("needs an ending that names the format, such as .csv", param_hint="--output")
    with lab_of(context) as lab:
        found = lab.query(q, sort=sort)
        named = (text.split(",") if text else None for text in (fields, metrics))
        path = found.export(output, what, **dict(zip(("fields", "metrics"), named, strict=True)))
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)
