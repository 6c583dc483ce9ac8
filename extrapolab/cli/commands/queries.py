"""Commands that ask: query, export, compare; and one that asks again: reproduce."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.result import METRICS
from extrapolab.cli.commands import AsJson, Id, Ids, first, lab_of
from extrapolab.cli.exit_codes import Exit
from extrapolab.cli.progress import watch as show_progress
from extrapolab.cli.tables import (
    comparison_table,
    deviations_table,
    experiments_table,
    fields_table,
    groups_table,
)
from extrapolab.cli.terminal import console, print_json
from extrapolab.client import reproduction
from extrapolab.models.experiments import ComparisonFigure

app = typer.Typer()
_PANEL = "Results"

Filter = Annotated[
    str | None,
    typer.Argument(
        metavar="FILTER", help="Such as 'tag:figure-1 and outcome = diverged'; all without."
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        help="Such as -created,name or median(train_loss); the newest first where left out."
    ),
]


@app.command(rich_help_panel=_PANEL)
def query(
    context: typer.Context,
    q: Filter = None,
    *,
    sort: Sort = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="FIELDS",
            help="Statistics over runs that share these; setup_hash: all but seeds.",
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Of a grouped table, such as fit_error,imbalance.")
    ] = None,
    statistic: Annotated[
        str,
        typer.Option(help="Of a grouped table: median, q1, q3, mean, min, max, standard_error."),
    ] = "median,q1,q3",
    fields: Annotated[
        bool, typer.Option("--fields", help="List the names that a filter can ask about.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find experiments by anything that is known of them. docs/query.md teaches the language.

    For example:
    ```
    extrapolab query 'training.length > 4 and median(fit_error) < 0.01'
    extrapolab query 'any(outcome = fitted and extrapolation_error > 1)'
    extrapolab query tag:figure-1 --group training.length --metrics fit_error
    extrapolab query --fields
    ```
    """
    _refuse_stray(group, sort, metrics)
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
            rows = first(
                lab.query(q, limit=limit + 1).rows(group.split(","), wanted, statistic.split(",")),
                limit,
            )
            if as_json:
                for row in rows:
                    print_json(row)
            else:
                console().print(groups_table(rows) if rows else "No completed experiments.")
            return
        records = [
            experiment.record
            for experiment in first(lab.query(q, sort=sort, limit=limit + 1), limit)
        ]
    if as_json:
        for record in records:
            print_json(record)
    else:
        console().print(experiments_table(records) if records else "No experiments.")


def _refuse_stray(group: str | None, sort: str | None, metrics: str | None) -> None:
    """No option is passed over in silence."""
    if group is not None and sort is not None:
        raise typer.BadParameter(
            "goes without --group: groups are in the order of their fields", param_hint="--sort"
        )
    if group is None and metrics is not None:
        raise typer.BadParameter(
            "goes with --group, such as --group setup_hash", param_hint="--metrics"
        )


@app.command(rich_help_panel=_PANEL)
def export(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="To here; .csv, .json, .ndjson, .parquet, .arrow; or .zip: everything.",
        ),
    ],
    q: Filter = None,
    *,
    what: Annotated[
        Literal["runs", "series", "experiments"],
        typer.Option(help="A row for each run, point or experiment."),
    ] = "runs",
    fields: Annotated[
        str | None, typer.Option(help="Of the experiment, beside the numbers.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Such as train_loss,imbalance; all where left out.")
    ] = None,
    sort: Sort = None,
    as_json: AsJson = False,
) -> None:
    """Write all that a filter finds to a file, never sampled, and print its path.

    For example:
    ```
    extrapolab export tag:figure-1 -o runs.parquet
    extrapolab export tag:figure-1 -o supplement.zip
    extrapolab export tag:figure-1 --what series -o curves.csv
    ```
    """
    if not output.suffix:
        raise typer.BadParameter(
            "needs an ending that names the format, such as .csv", param_hint="--output"
        )
    with lab_of(context) as lab:
        found = lab.query(q, sort=sort)
        named = (text.split(",") if text else None for text in (fields, metrics))
        chosen = dict(zip(("fields", "metrics"), named, strict=True))
        path = (
            found.bundle(output)
            if output.suffix == ".zip"
            else found.export(output, what, **chosen)
        )
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


@app.command(rich_help_panel=_PANEL)
def compare(
    context: typer.Context,
    ids: Ids,
    *,
    metrics: Annotated[
        str, typer.Option(help="What to show of each.")
    ] = "fit_error,extrapolation_error,zero_baseline",
    figure: Annotated[
        ComparisonFigure,
        typer.Option(help="What to draw where --output is given; ratios are over the first's."),
    ] = "response",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw them over each other to here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare experiments: only the fields that differ, and how their runs ended.

    For example:
    ```
    extrapolab compare exp_019ab3 exp_019ab4 -o both.pdf
    extrapolab compare exp_019ab3 exp_019ab4 --figure training -o loss.pdf
    ```
    """
    named = metrics.split(",")
    if strange := [name for name in named if name not in METRICS]:
        raise typer.BadParameter(
            f"{strange[0]} is not one of {', '.join(METRICS)}", param_hint="--metrics"
        )
    with lab_of(context) as lab:
        found = lab.compare(*ids)
        if output is not None:
            lab.compare_figure(figure, *ids, path=output)
    if as_json:
        print_json(found)
    else:
        console().print(comparison_table(found, named))
        if output is not None:
            console().print(str(output))


@app.command(rich_help_panel=_PANEL)
def reproduce(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Wait for it, and compare all that it computed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run an experiment again. With --verify: does the same come out?

    On the same software, processor and number of threads every bit should be the same; elsewhere
    responses and parameters should be, but for rounding.

    For example:
    ```
    extrapolab reproduce exp_019ab3 --verify
    ```
    """
    with lab_of(context) as lab:
        again = lab.reproduce(id)
        if not verify:
            print_json(again.record) if as_json else typer.echo(again.id)
            return
        original = lab.experiment(id)
        show_progress([again], console(stderr=True))
        found = reproduction.verify(original, again.wait())
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        out = console()
        out.print(f"{found.original} again as {found.again}: {found.sentence}")
        out.print(deviations_table(found))
    if not found.passed:
        raise typer.Exit(Exit.FAILED)
