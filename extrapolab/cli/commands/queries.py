"""Commands that search and compare: query, export, compare, reproduce."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.result import METRICS
from extrapolab.cli.arguments import (
    AsJson,
    ExactText,
    ExperimentId,
    ExperimentIds,
    ExportFile,
    Filter,
    Limit,
    lab_of,
    take,
)
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.experiment_tables import print_warnings
from extrapolab.cli.figure_options import STYLE, VIEW, draws
from extrapolab.cli.listing import Columns, Sort, print_experiments
from extrapolab.cli.query_tables import fields_table, groups_table
from extrapolab.cli.result_tables import comparison_table, deviations_table
from extrapolab.cli.terminal import console, print_json, print_path, print_records, resumable
from extrapolab.client.requests.payloads import comma_list, sort_names
from extrapolab.models.experiments import ComparisonFigure

app = typer.Typer()
_PANEL = "Results"


@app.command(rich_help_panel=_PANEL)
def query(
    context: typer.Context,
    q: Filter = None,
    *,
    sort: Sort = None,
    limit: Limit = 20,
    columns: Columns = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="FIELDS",
            help="Group runs by these fields; setup_hash groups the seeds of one setup.",
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics of each group, such as fit_error,imbalance.")
    ] = None,
    statistic: Annotated[
        str,
        typer.Option(help="Of each group: median, q1, q3, mean, min, max, standard_error."),
    ] = "median,q1,q3",
    states: Annotated[
        str | None,
        typer.Option(help="States of the experiments in groups, or all. Default: completed."),
    ] = None,
    count: Annotated[
        bool, typer.Option("--count", help="Print only the number of matches.")
    ] = False,
    fields: Annotated[
        bool, typer.Option("--fields", help="List the fields of the filter language.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find experiments by a filter, or tabulate groups of their runs.

    What they are sorted by is shown. docs/query.md explains the filter language.

    For example:
    ```
    extrapolab query 'training.length > 4 and median(fit_error) < 0.01'
    extrapolab query 'any(outcome = fitted and extrapolation_error > 1)'
    extrapolab query tag:figure-1 --sort fit_error --columns name,optimizer.lr
    extrapolab query tag:figure-1 --group training.length --metrics fit_error
    extrapolab query --fields
    ```
    """
    _refuse_ineffective_options(group, states, metrics, columns)
    with lab_of(context) as lab:
        if fields:
            print_records(lab.fields(), fields_table, as_json=as_json)
            return
        if count:
            number = lab.count(q)
            typer.echo(json.dumps({"count": number}) if as_json else number)
            return
        if group is not None:
            groups = lab.query(q, limit=limit + 1).rows(
                comma_list(group),
                comma_list(metrics) or None,
                comma_list(statistic),
                sort=sort,
                states=comma_list(states) or ("completed",),
            )
            print_records(
                take(groups, limit),
                partial(groups_table, sorted_by=sort_names(sort)),
                as_json=as_json,
                empty="No completed experiments.",
            )
            return
        found = lab.query(q, sort=sort, limit=limit + 1)
        print_experiments(found, columns, limit, as_json=as_json)


def _refuse_ineffective_options(
    group: str | None, states: str | None, metrics: str | None, columns: str | None
) -> None:
    if group is not None and columns is not None:
        raise typer.BadParameter(
            "does not work with --group, which has columns of its own", param_hint="--columns"
        )
    for name, given in (("--metrics", metrics), ("--states", states)):
        if group is None and given is not None:
            raise typer.BadParameter("needs --group, such as --group setup_hash", param_hint=name)


@app.command(rich_help_panel=_PANEL)
def export(
    context: typer.Context,
    output: ExportFile,
    q: Filter = None,
    *,
    what: Annotated[
        Literal["runs", "series", "experiments"],
        typer.Option(help="One row per run, recorded point or experiment."),
    ] = "runs",
    fields: Annotated[
        str | None,
        typer.Option(help="Fields of the experiment to add as columns, such as training.length."),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Such as train_loss,imbalance. Default: all.")
    ] = None,
    sort: Sort = None,
    figures: Annotated[
        bool, typer.Option(help="Figures in a .zip; drawing them takes most of the time.")
    ] = True,
    exact: ExactText = False,
    as_json: AsJson = False,
) -> None:
    """Write everything that a filter finds to a file, and print its path.

    For example:
    ```
    extrapolab export tag:figure-1 -o runs.parquet
    extrapolab export tag:figure-1 -o supplement.zip
    extrapolab export tag:figure-1 -o numbers.zip --no-figures
    extrapolab export tag:figure-1 --what series -o curves.csv
    ```
    """
    if not figures and output.suffix != ".zip":
        raise typer.BadParameter("needs a .zip file", param_hint="--no-figures")
    with lab_of(context) as lab:
        query = lab.query(q, sort=sort)
        if output.suffix == ".zip":
            from extrapolab.client.progress import bundle_progress  # noqa: PLC0415  # loads the bars

            with bundle_progress(console(stderr=True)) as observe:
                path = query.bundle(output, figures=figures, observe=observe)
        else:
            path = query.export(
                output,
                what,
                fields=comma_list(fields) or None,
                metrics=comma_list(metrics) or None,
                safe=not exact and output.suffix == ".csv",
            )
    print_path(path, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
@draws(*VIEW, *STYLE)
def compare(
    context: typer.Context,
    ids: ExperimentIds,
    *,
    metrics: Annotated[
        str, typer.Option(help="The metrics to show.")
    ] = "fit_error,extrapolation_error,zero_baseline",
    figure: Annotated[
        ComparisonFigure,
        typer.Option(help="The figure for --output; ratios are to the first experiment."),
    ] = "response",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Also draw them in one figure, and write it to this file."
        ),
    ] = None,
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Compare experiments: the fields that differ, and how their runs ended.

    For example:
    ```
    extrapolab compare exp_5a0c exp_e3d1 -o both.pdf
    extrapolab compare exp_5a0c exp_e3d1 --figure training -o loss.pdf
    ```
    """
    names = comma_list(metrics)
    if unknown := [name for name in names if name not in METRICS]:
        raise typer.BadParameter(
            f"{unknown[0]} is not one of {', '.join(METRICS)}", param_hint="--metrics"
        )
    with lab_of(context) as lab:
        comparison = lab.compare(*ids)
        if output is not None:
            lab.compare_figure(figure, *ids, path=output, **options)
    if as_json:
        print_json(comparison)
        return
    console().print(comparison_table(comparison, names))
    if output is not None:
        console().print(str(output))


@app.command(rich_help_panel=_PANEL)
def reproduce(
    context: typer.Context,
    id: ExperimentId,  # noqa: A002  # the lab's word
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Wait until it ends, and compare every array.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run an experiment again; with --verify, compare its results.

    On the same build, processor, number of threads and device, every bit must agree. Otherwise
    responses and parameters must agree up to rounding.

    For example:
    ```
    extrapolab reproduce exp_5a0c --verify
    ```
    """
    from extrapolab.client import reproduction  # noqa: PLC0415  # loads NumPy
    from extrapolab.client.progress import show_progress  # noqa: PLC0415  # loads the bars

    with lab_of(context) as lab:
        again = lab.reproduce(id)
        print_warnings(again.warnings, console(stderr=True))
        if not verify:
            print_json(again.record) if as_json else typer.echo(again.id)
            return
        original = lab.experiment(id)
        with resumable(f"extrapolab watch {again.id}"):
            show_progress([again], console(stderr=True))
        comparison = reproduction.verify(original, again.wait())
    if as_json:
        typer.echo(json.dumps(asdict(comparison)))
    else:
        out = console()
        out.print(f"{comparison.original} run again as {comparison.again}: {comparison.sentence}")
        out.print(deviations_table(comparison))
    if not comparison.passed:
        raise typer.Exit(ExitCode.FAILED)
