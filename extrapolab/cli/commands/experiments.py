"""Commands that run and show experiments: submit, status, watch, list, log."""

from datetime import datetime
from typing import Annotated

import typer

from extrapolab.cli.arguments import (
    AsJson,
    DryRun,
    ExperimentId,
    ExperimentIds,
    Limit,
    MaxMemory,
    MaxSeconds,
    Notify,
    Rerun,
    Watch,
    experiments_of,
    lab_of,
)
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.experiment_tables import (
    expected_time,
    print_experiment,
    print_warnings,
    setup_line,
)
from extrapolab.cli.listing import Columns, Sort, print_experiments
from extrapolab.cli.result_tables import runs_table
from extrapolab.cli.spec_files import SpecFile, load_submissions
from extrapolab.cli.sweep_progress import check_sweep, submit_sweep, watch_sweep
from extrapolab.cli.terminal import console, print_json, resumable
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.lab import Lab

app = typer.Typer()
_PANEL = "Experiments"


def _parse_time(text: str) -> datetime:
    """Parses a time; without a time zone it is local."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise typer.BadParameter(
            f"should be a time such as 2026-11-30T22:00, or 2026-11-30T22:00Z; it is {text!r}"
        ) from None


@app.command(rich_help_panel=_PANEL)
def submit(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Files of specs or sweeps, JSON or YAML; - is standard input."
        ),
    ],
    *,
    watch: Watch = False,
    rerun: Rerun = False,
    priority: Annotated[int | None, typer.Option(help="Higher is sooner; 0 by default.")] = None,
    not_before: Annotated[
        datetime | None,
        typer.Option(
            parser=_parse_time,
            metavar="TIME",
            help="The earliest start, such as 2026-11-30T22:00, local time.",
        ),
    ] = None,
    max_seconds: MaxSeconds = None,
    max_memory: MaxMemory = None,
    notify: Notify = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Queue experiments and sweeps.

    All files are checked before the first is sent. An experiment that the lab already has is
    reused. A sweep's file, with a base and axes, is submitted as by `sweep submit`. A file such as
    `spec.yaml`, which `extrapolab new` writes:
    ```
    name: two poles, near zero
    teacher: {kind: balanced, eigenvalues: {kind: list, values: [0.9, -0.5]}}
    student: {kind: linear, dim: 20, start: {kind: gaussian, scale: 0.001}}
    training: {length: 6}
    optimizer: {kind: gd, lr: 0.02, steps: 5000}
    seeds: 3
    ```

    For example:
    ```
    extrapolab submit balanced.yaml --watch
    extrapolab submit k6.json k8.json k10.json --priority 5 --max-seconds 3600
    cat spec.json | extrapolab submit - --json | jq -r .id
    ```
    """
    specs = load_submissions(files)
    sweeps = [spec.name for spec in specs if spec.is_sweep]
    options = {
        "--priority": priority,
        "--not-before": not_before,
        "--max-seconds": max_seconds,
        "--max-memory": max_memory,
    }
    given = next((name for name, value in options.items() if value is not None), None)
    if sweeps and given:
        raise typer.BadParameter(f"{sweeps[0]} is a sweep, which can't have it", param_hint=given)
    if sweeps and watch and len(specs) > 1:
        message = f"follows experiments, or one sweep; {sweeps[0]} is a sweep: submit it alone"
        raise typer.BadParameter(message, param_hint="--watch")
    with lab_of(context) as lab:
        if dry_run:
            for spec in specs:
                _check(lab, spec, rerun=rerun, as_json=as_json)
            return
        experiments: list[Experiment] = []
        submitted: list[Sweep] = []
        for spec in specs:
            if spec.is_sweep:
                content = {"axes": (), **spec.content}
                submitted.append(
                    submit_sweep(
                        lab, content, rerun=rerun, notify=notify, watch=watch, as_json=as_json
                    )
                )
                continue
            experiment = lab.submit(
                spec.content,
                priority=priority,
                not_before=not_before,
                max_seconds=max_seconds,
                max_memory_mb=max_memory,
                on_duplicate="rerun" if rerun else "reuse",
                notify=notify,
            )
            experiments.append(experiment)
            _print_submission(spec, experiment, as_json=as_json)
            if as_json and not watch:
                print_json(experiment.record)
        if watch:
            for sweep in submitted:
                watch_sweep(sweep, as_json=as_json)
            if experiments:
                _watch(experiments, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def status(context: typer.Context, id: ExperimentId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show an experiment's state, progress and outcomes.

    For example:
    ```
    extrapolab status exp_5a0c
    ```
    """
    with lab_of(context) as lab:
        record = lab.experiment(id).record
    if as_json:
        print_json(record)
    else:
        print_experiment(record, console())


@app.command(rich_help_panel=_PANEL)
def watch(context: typer.Context, ids: ExperimentIds, as_json: AsJson = False) -> None:
    """Show experiments' progress until they end. Ctrl-C only stops watching.

    For example:
    ```
    extrapolab watch exp_5a0c
    ```
    """
    with lab_of(context) as lab:
        _watch(experiments_of(lab, ids), as_json=as_json)


@app.command("list", rich_help_panel=_PANEL)
def list_(
    context: typer.Context,
    *,
    tag: Annotated[str | None, typer.Option(help="Only experiments with this tag.")] = None,
    state: Annotated[
        str | None,
        typer.Option(help="queued, running, paused, completed, failed or cancelled."),
    ] = None,
    sort: Sort = None,
    columns: Columns = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List experiments, newest first. `query` finds them by a filter.

    For example:
    ```
    extrapolab list --tag study:balanced --state running
    extrapolab list --tag draft --sort fit_error --columns name,optimizer.lr
    ```
    """
    with lab_of(context) as lab:
        found = lab.query(sort=sort, tag=tag, state=state, limit=limit + 1)
        print_experiments(found, columns, limit, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def log(context: typer.Context, id: ExperimentId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Print the trainer's output by attempt, tracebacks included.

    For example:
    ```
    extrapolab log exp_5a0c
    ```
    """
    with lab_of(context) as lab:
        for attempt in lab.experiment(id).log():
            if as_json:
                print_json(attempt)
            else:
                console().print(f"attempt {attempt.attempt}\n{attempt.text}")


def _check(lab: Lab, spec: SpecFile, *, rerun: bool, as_json: bool) -> None:
    if spec.is_sweep:
        check_sweep(lab, {"axes": (), **spec.content}, rerun=rerun, as_json=as_json)
        return
    check = lab.check(spec.content)
    if as_json:
        print_json(check)
        print_warnings(check.warnings, console(stderr=True))
        return
    out, cost = console(), check.cost
    out.print(f"{spec.name} is valid: {setup_line(check.spec)}")
    out.print(
        f"  needs about {expected_time(cost)}, {cost.memory_mb:.3g} MB memory, "
        f"{cost.storage_mb:.3g} MB storage"
    )
    print_warnings(check.warnings, out)


def _print_submission(spec: SpecFile, experiment: Experiment, *, as_json: bool) -> None:
    """Prints id, state and page; where JSON follows, only warnings, on standard error."""
    if not as_json:
        reused = ", the lab has it already" if experiment.reused else ""
        console().print(f"{experiment.id}  {experiment.state}{reused}  ({spec.name})")
        console().print(f"  {experiment.page}")
    print_warnings(experiment.warnings, console(stderr=as_json))


def _watch(experiments: list[Experiment], *, as_json: bool) -> None:
    from extrapolab.client.progress import show_progress  # noqa: PLC0415  # loads the bars

    ids = " ".join(experiment.id for experiment in experiments)
    with resumable(f"extrapolab watch {ids}"):
        show_progress(experiments, console(stderr=as_json))
    for experiment in experiments:
        if as_json:
            print_json(experiment.record)
        elif len(experiments) == 1 and experiment.state == "completed":
            console().print(runs_table(experiment.runs))
        elif failure := experiment.failure:
            console().print(f"{experiment.id} failed ({failure.kind}): {failure.sentence}")
    if any(experiment.state != "completed" for experiment in experiments):
        raise typer.Exit(ExitCode.FAILED)
