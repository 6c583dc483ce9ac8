"""Commands on sweeps: submit, list, status, watch, table, figure, extend, cancel, retry."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from core.spec.difference import differences
from extrapolab.cli import spec_files
from extrapolab.cli.commands import AsJson, Picture, first, lab_of
from extrapolab.cli.exit_codes import Exit
from extrapolab.cli.progress import LINE_EVERY
from extrapolab.cli.tables import (
    axis_lines,
    counts,
    grid_tables,
    members_table,
    say_doubts,
    sweeps_table,
)
from extrapolab.cli.terminal import console, moment, print_json, styled
from extrapolab.client.lab import Lab
from extrapolab.client.sweep import Sweep

_HELP = """
One base spec, axes over its fields, an experiment for each combination of values.

A sweep is a file, say `phase.yaml`:

```
name: phase diagram
base:
  teacher: {kind: balanced, eigenvalues: {kind: list, values: [0.9, -0.5]}}
  student: {kind: linear, dim: 20}
  optimizer: {steps: 5000}
  seeds: 3
axes:
  - {path: training.length, values: [3, 4, 5, 6, 8]}
  - {path: student.start.scale, kind: logspace,
     low: 0.001, high: 1, count: 4}
```

An axis is a `list` (as `training.length` here), `linspace` or `logspace` (with `whole: true` for whole numbers), or a
`zip` of `axes` that advance together, with a `grid` of axes in it for all combinations of those. Every point is checked
before one is stored, and what the lab has is not computed again.

```
extrapolab sweep submit phase.yaml --dry-run     how many, what they cost
extrapolab sweep submit phase.yaml --watch       run them
extrapolab sweep table ID                        the numbers side by side
extrapolab sweep figure ID heatmap -o phase.svg  the picture
extrapolab sweep extend ID wider.yaml            run what is missing
```
"""

sweeps = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app = typer.Typer()
app.add_typer(
    sweeps,
    name="sweep",
    help=_HELP,
    short_help="Many experiments at once: a base and axes.",
    rich_help_panel="Sweeps",
)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The sweep's id, swp_..., or enough of its beginning.")
]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="A sweep file, YAML or JSON; - reads one from stdin.")
]
Path_ = Annotated[
    str | None, typer.Option(metavar="PATH", help="An axis, such as training.length.")
]


@sweeps.command()
def submit(
    context: typer.Context,
    file: File,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show its progress until nothing is pending.")
    ] = False,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run again what the lab has already.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what the lab would do, how many and what cost; store nothing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Queue a sweep: all of its experiments, or none if one of them is not valid.

    For example:
    ```
    extrapolab sweep submit phase.yaml --watch
    ```
    """
    content = _read(file)
    with lab_of(context) as lab:
        if dry_run:
            _check(lab, content, as_json=as_json)
            return
        sweep = lab.sweep(**content, on_duplicate="rerun" if rerun else "reuse")
        if not as_json:
            _say_submitted(sweep)
            say_doubts(sweep.warnings, console())
        if watch:
            _watch(sweep, as_json=as_json)
        elif as_json:
            print_json(sweep.record)


@sweeps.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List sweeps, newest first."""
    with lab_of(context) as lab:
        records = [sweep.record for sweep in first(lab.sweeps(limit=limit + 1), limit)]
    if as_json:
        for record in records:
            print_json(record)
    else:
        console().print(sweeps_table(records) if records else "No sweeps.")


@sweeps.command()
def status(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show a sweep: its axes, and where on them its experiments are and how."""
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        if as_json:
            print_json(sweep.record)
            return
        out, record = console(), sweep.record
        out.print(f"{record.name or record.id}  ", styled(record.state))
        out.print(f"{record.id}  {counts(record)}  created {moment(record.created_at)}")
        for line in axis_lines(record.axes):
            out.print(f"  {line}")
        out.print(members_table(list(sweep.members())))


@sweeps.command()
def watch(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show a sweep's progress until nothing is pending; Ctrl-C ends the watching only."""
    with lab_of(context) as lab:
        _watch(lab.sweep_of(id), as_json=as_json)


@sweeps.command()
def table(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    *,
    metrics: Annotated[str | None, typer.Option(help="Such as fit_error,effective_rank.")] = None,
    statistic: Annotated[
        str, typer.Option(help="Over seeds, among median, q1, q3, mean, min and max; or all.")
    ] = "median",
    rows: Annotated[
        str | None, typer.Option(metavar="PATH", help="Cross two axes: the one that runs down.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="PATH", help="And the one that runs to the right.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, with numbers that are read back exactly.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the numbers of all experiments of a sweep side by side, or two of its axes crossed.

    For example:
    ```
    extrapolab sweep table swp_019ab3 --metrics fit_error --statistic median,q3
    extrapolab sweep table swp_019ab3 --statistic all --csv > phase.csv
    extrapolab sweep table swp_019ab3 --rows student.start.scale
    ```
    """
    chosen = (
        metrics.split(",") if metrics else None,
        None if statistic == "all" else statistic.split(","),
    )
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        if as_csv:
            crossed = {"rows": rows, "columns": columns} if rows or columns else None
            typer.echo(sweep.table_csv(*chosen, crossed=crossed), nl=False)
            return
        if rows or columns:
            grid = sweep.grid(rows, columns, *chosen)
            print_json(grid) if as_json else console().print(*grid_tables(grid))
            return
        found = sweep.rows(*chosen)
    if as_json:
        for row in found:
            print_json(row)
    else:
        console().print(members_table(found))


@sweeps.command()
def figure(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    name: Annotated[
        Literal["lines", "heatmap"], typer.Argument(metavar="NAME", help="lines or heatmap")
    ],
    *,
    output: Picture = None,
    x: Path_ = None,
    y: Annotated[
        str | None, typer.Option(metavar="METRIC", help="The metric that is shown.")
    ] = None,
    series: Path_ = None,
    as_json: AsJson = False,
) -> None:
    """Write a figure of a sweep to a file, NAME.svg where none is named, and print its path.

    lines: the metric against x, one line per value of series. heatmap: its median over x and
    series.

    For example:
    ```
    extrapolab sweep figure swp_019ab3 heatmap -o phase.svg
    extrapolab sweep figure swp_019ab3 lines --x student.start.scale
    ```
    """
    with lab_of(context) as lab:
        path = lab.sweep_of(id).figure(name, output, x=x, y=y, series=series)
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


@sweeps.command()
def extend(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    file: File,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show its progress until nothing is pending.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a sweep the axes of a file and run only what is missing; its base stays.

    For example:
    ```
    extrapolab sweep extend swp_019ab3 phase.yaml --watch
    ```
    """
    content = _read(file)
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        if content["base"] and (other := differences([sweep.record.base, content["base"]])):
            console(stderr=True).print(
                f"Its base stays; the file's differs in {', '.join(one.path for one in other)}."
            )
        sweep.extend(content["axes"])
        if not as_json:
            _say_submitted(sweep)
        if watch:
            _watch(sweep, as_json=as_json)
        elif as_json:
            print_json(sweep.record)


@sweeps.command()
def cancel(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Cancel what is queued or running of a sweep, but what another sweep has too."""
    with lab_of(context) as lab:
        _say_state(lab.sweep_of(id).cancel(), as_json=as_json)


@sweeps.command()
def retry(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Queue again what failed or was cancelled of a sweep."""
    with lab_of(context) as lab:
        _say_state(lab.sweep_of(id).retry(), as_json=as_json)


def _read(file: str) -> dict[str, Any]:
    """What a sweep file holds; or its problems, and the end."""
    try:
        content: Mapping[str, Any] = spec_files.read_sweep(file).content
    except (spec_files.Unreadable, spec_files.Invalid) as error:
        console(stderr=True).print(str(error))
        code = Exit.USAGE if isinstance(error, spec_files.Unreadable) else Exit.REFUSED
        raise typer.Exit(code) from error
    return {"axes": (), **content}


def _check(lab: Lab, content: dict[str, Any], *, as_json: bool) -> None:
    check = lab.check_sweep(**content)
    if as_json:
        print_json(check)
        return
    out, cost = console(), check.cost
    out.print(f"{check.count:,} experiments, {check.reused:,} of which the lab has already")
    for line in axis_lines(content["axes"]):
        out.print(f"  {line}")
    out.print(
        f"  need about {cost.flop:.2g} flop and {cost.storage_mb:.2g} MB storage together, "
        f"{cost.memory_mb:.2g} MB memory at most"
    )
    say_doubts(check.warnings, out)


def _say_submitted(sweep: Sweep) -> None:
    there = f", {sweep.reused:,} were there" if sweep.reused else ""
    console().print(f"{sweep.id}  {sweep.created:,} experiments queued{there}")


def _say_state(sweep: Sweep, *, as_json: bool) -> None:
    if as_json:
        print_json(sweep.record)
    else:
        console().print(f"{sweep.id}  {sweep.state}: {counts(sweep.record)}")


def _watch(sweep: Sweep, *, as_json: bool) -> None:
    out = console(stderr=as_json)
    try:
        if out.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
            )
            with Progress(
                *columns, TextColumn("{task.fields[counts]}", markup=False), console=out
            ) as progress:
                task = progress.add_task(sweep.record.name or sweep.id, counts="")
                sweep.wait(
                    observe=lambda seen: progress.update(
                        task,
                        completed=seen.record.progress.done,
                        total=seen.record.progress.of,
                        counts=counts(seen.record),
                    )
                )
        else:
            sweep.wait(observe=_lines(out))
    except KeyboardInterrupt:
        console(stderr=True).print(f"It goes on. To look again: extrapolab sweep watch {sweep.id}")
        raise
    if as_json:
        print_json(sweep.record)
    if sweep.state != "completed":
        raise typer.Exit(Exit.FAILED)


def _lines(out: Console) -> Callable[[Sweep], None]:
    """A line now and then, and one at the end."""
    last = -LINE_EVERY

    def tell(sweep: Sweep) -> None:
        nonlocal last
        record = sweep.record
        if record.is_final or time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            out.print(
                f"[{record.progress.done}/{record.progress.of}]  {record.name or record.id}  {counts(record)}"
            )

    return tell
