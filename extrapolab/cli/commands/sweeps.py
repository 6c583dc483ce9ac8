"""Commands on sweeps: submit, list, status, watch, table, figure; what adds and changes."""

from typing import Annotated, Any, Literal

import typer

from core.result import METRICS
from extrapolab.cli import sweep_changes, sweep_growth
from extrapolab.cli.arguments import (
    AsJson,
    DryRun,
    ExactText,
    FigureFile,
    Limit,
    Notify,
    Rerun,
    SweepId,
    Watch,
    lab_of,
    take,
)
from extrapolab.cli.figure_options import STYLE, draws
from extrapolab.cli.spec_files import load_sweep
from extrapolab.cli.sweep_progress import SweepFile, check_sweep, submit_sweep, watch_sweep
from extrapolab.cli.sweep_tables import (
    axis_lines,
    grid_tables,
    members_table,
    print_sweep_warnings,
    sweeps_table,
)
from extrapolab.cli.table_layout import styled
from extrapolab.cli.terminal import (
    console,
    print_json,
    print_path,
    print_records,
)
from extrapolab.client.answers.formats import format_counts, format_left, format_time
from extrapolab.client.requests.payloads import comma_list, sort_names

_HELP = """
Run many experiments at once: one per combination of values on the axes.

A sweep is a base spec and axes over its fields, in a file such as `phase.yaml`:

```
name: phase diagram
base:
  teacher: {kind: balanced, eigenvalues: {kind: list, values: [0.9, -0.5]}}
  student: {kind: linear, dim: 20}
  optimizer: {lr: 0.02, steps: 5000}
  seeds: 3
axes:
  - {path: training.length, values: [3, 4, 5, 6, 8]}
  - {path: student.start.scale, kind: logspace,
     low: 0.001, high: 1, count: 4}
```

An axis is a `list` (the default), a `linspace` or a `logspace` (with `whole: true` for whole
numbers). `random` and `sobol` draw `count` values (`scale: log`, `seed: 0`); all such axes are
drawn together. A `zip` advances several `axes` together; a `grid` in it combines its own axes.
Every point is checked before anything is stored, and what the lab already has is not computed
again.

```
extrapolab sweep submit phase.yaml --dry-run     check it, estimate its cost
extrapolab sweep submit phase.yaml --watch       run it
extrapolab sweep table ID                        show the numbers
extrapolab sweep figure ID heatmap -o phase.svg  draw them
extrapolab sweep extend ID wider.yaml            run what is missing
extrapolab sweep refine ID --axis training.length --watch   find a threshold
```
"""

sweeps = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app = typer.Typer()
app.add_typer(
    sweeps,
    name="sweep",
    help=_HELP,
    short_help="Run many experiments at once, over axes.",
    rich_help_panel="Sweeps",
)

AxisPath = Annotated[
    str | None, typer.Option(metavar="PATH", help="An axis, such as training.length.")
]


@sweeps.command()
def submit(
    context: typer.Context,
    file: SweepFile,
    *,
    watch: Watch = False,
    rerun: Rerun = False,
    notify: Notify = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Queue a sweep: all of its experiments, or none if one is not valid.

    `extrapolab sweep --help` shows a whole file, and `extrapolab init sweep` writes one.

    For example:
    ```
    extrapolab sweep submit phase.yaml --watch
    ```
    """
    content = load_sweep(file)
    with lab_of(context) as lab:
        if dry_run:
            check_sweep(lab, content, rerun=rerun, as_json=as_json)
            return
        sweep = submit_sweep(lab, content, rerun=rerun, notify=notify, watch=watch, as_json=as_json)
        if watch:
            watch_sweep(sweep, as_json=as_json)


@sweeps.command("list")
def list_(context: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List sweeps, newest first.

    For example:
    ```
    extrapolab sweep list --limit 5
    ```
    """
    with lab_of(context) as lab:
        records = [sweep.record for sweep in take(lab.sweeps(limit=limit + 1), limit)]
    print_records(records, sweeps_table, as_json=as_json, empty="No sweeps.")


@sweeps.command()
def status(context: typer.Context, id: SweepId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show a sweep's axes and the state of each experiment.

    For example:
    ```
    extrapolab sweep status swp_b68f
    ```
    """
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        if as_json:
            print_json(sweep.record)
            return
        out, record = console(), sweep.record
        out.print(f"{record.name or record.id}  ", styled(record.state))
        created = format_time(record.created_at)
        left = format_left(record.eta_seconds)
        out.print(f"{record.id}  {format_counts(record)}{left}  created {created}")
        for line in axis_lines(record.axes):
            out.print(f"  {line}")
        print_sweep_warnings(record.warnings, out)
        out.print(members_table([*sweep.members()]))


@sweeps.command()
def watch(context: typer.Context, id: SweepId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show a sweep's progress until it ends. Ctrl-C only stops watching.

    For example:
    ```
    extrapolab sweep watch swp_b68f
    ```
    """
    with lab_of(context) as lab:
        watch_sweep(lab.sweep_of(id), as_json=as_json)


@sweeps.command()
def table(
    context: typer.Context,
    id: SweepId,  # noqa: A002  # the lab's word
    *,
    metrics: Annotated[str | None, typer.Option(help="Such as fit_error,effective_rank.")] = None,
    statistic: Annotated[
        str, typer.Option(help="Over seeds: median, q1, q3, mean, min, max, or all.")
    ] = "median",
    sort: Annotated[
        str | None, typer.Option(help="Such as median(fit_error) or -state. Default: by the axes.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option(metavar="PATH", help="The vertical axis of a grid of two axes.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="PATH", help="The horizontal axis of that grid.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with exact numbers.")] = False,
    exact: ExactText = False,
    as_json: AsJson = False,
) -> None:
    """Tabulate a sweep's experiments, or cross two of its axes.

    For example:
    ```
    extrapolab sweep table swp_b68f --metrics fit_error --statistic median,q3
    extrapolab sweep table swp_b68f --sort extrapolation_error
    extrapolab sweep table swp_b68f --statistic all --csv > phase.csv
    extrapolab sweep table swp_b68f --rows student.start.scale
    ```
    """
    names = comma_list(metrics) or None
    if names is not None:
        sorted_by = (key.rpartition("(")[2].rstrip(")") for key in sort_names(sort))
        names += [key for key in sorted_by if key in METRICS and key not in names]
    statistics = None if statistic == "all" else comma_list(statistic)
    is_grid = bool(rows or columns)
    if sort is not None and (is_grid or as_csv):
        raise typer.BadParameter(
            "does not work with --csv, --rows and --columns; export has it too", param_hint="--sort"
        )
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        if as_csv:
            crossed = {"rows": rows, "columns": columns} if is_grid else None
            text = sweep.table_csv(names, statistics, crossed=crossed, safe=not exact)
            typer.echo(text, nl=False)
        elif is_grid:
            grid = sweep.grid(rows, columns, names, statistics)
            print_json(grid) if as_json else console().print(*grid_tables(grid))
        else:
            members = sweep.rows(names, statistics, sort=sort)
            print_records(members, members_table, as_json=as_json, empty="No experiments.")


@sweeps.command()
@draws(*STYLE)
def figure(
    context: typer.Context,
    id: SweepId,  # noqa: A002  # the lab's word
    name: Annotated[
        Literal["lines", "heatmap"], typer.Argument(metavar="NAME", help="lines or heatmap")
    ],
    *,
    output: FigureFile = None,
    x: AxisPath = None,
    y: Annotated[str | None, typer.Option(metavar="METRIC", help="The metric to draw.")] = None,
    series: AxisPath = None,
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Draw a figure to a file, NAME.svg by default, and print its path.

    lines: the metric against x, one line per value of series. heatmap: its median over x and
    series.

    For example:
    ```
    extrapolab sweep figure swp_b68f heatmap -o phase.svg
    extrapolab sweep figure swp_b68f lines --x student.start.scale
    ```
    """
    with lab_of(context) as lab:
        path = lab.sweep_of(id).figure(name, output, x=x, y=y, series=series, **options)
    print_path(path, as_json=as_json)


sweeps.add_typer(sweep_growth.app)
sweeps.add_typer(sweep_changes.app)
