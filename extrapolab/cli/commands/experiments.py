"""Commands on experiments: submit, status, watch, list, edit, cancel, pause, resume, retry, delete, log."""

import json
from datetime import datetime
from typing import Annotated

import typer

from extrapolab.cli import spec_files
from extrapolab.cli.commands import AsJson, Id, Ids, PerhapsId, first, lab_of
from extrapolab.cli.exit_codes import Exit
from extrapolab.cli.progress import watch as show_progress
from extrapolab.cli.spec_files import SpecFile
from extrapolab.cli.tables import describe, experiments_table, runs_table, say_warnings, setup_line
from extrapolab.cli.terminal import console, print_json
from extrapolab.client.experiment import Experiment
from extrapolab.client.lab import Lab

app = typer.Typer()
_PANEL = "Experiments"


def _moment(text: str) -> datetime:
    """A time as it is typed; without a time zone it is this machine's."""
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
        typer.Argument(metavar="FILE", help="Spec files, JSON or YAML; - reads one from stdin."),
    ],
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show their progress until they have ended.")
    ] = False,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run again what the lab has already.")
    ] = False,
    priority: Annotated[
        int | None, typer.Option(help="Higher is sooner; 0 where left out.")
    ] = None,
    not_before: Annotated[
        datetime | None,
        typer.Option(
            parser=_moment,
            metavar="TIME",
            help="Don't start earlier; such as 2026-11-30T22:00, local time.",
        ),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="End it as failed after so long in training."),
    ] = None,
    max_memory: Annotated[
        int | None, typer.Option(metavar="MB", help="End it as failed when its trainer needs more.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what the lab would do, warnings and cost; store nothing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Queue experiments.

    All files are checked before the first one is sent. An experiment that the lab has already is
    reused.

    For example:
    ```
    extrapolab submit balanced.yaml --watch
    extrapolab submit k6.json k8.json k10.json --priority 5 --max-seconds 3600
    cat spec.json | extrapolab submit - --json | jq -r .id
    ```
    """
    specs = read_all(files)
    with lab_of(context) as lab:
        if dry_run:
            for spec in specs:
                _check(lab, spec, as_json=as_json)
            return
        experiments = []
        for spec in specs:
            experiment = lab.submit(
                spec.content,
                priority=priority,
                not_before=not_before,
                max_seconds=max_seconds,
                max_memory_mb=max_memory,
                on_duplicate="rerun" if rerun else "reuse",
            )
            experiments.append(experiment)
            if not as_json:
                _say_submitted(spec, experiment)
            elif not watch:
                print_json(experiment.record)
        if watch:
            _watch(experiments, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def status(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show an experiment: its state, how far it is, how its seeds ended."""
    with lab_of(context) as lab:
        record = lab.experiment(id).record
    if as_json:
        print_json(record)
    else:
        describe(record, console())


@app.command(rich_help_panel=_PANEL)
def watch(
    context: typer.Context,
    ids: Ids,
    as_json: AsJson = False,
) -> None:
    """Show experiments' progress until they have ended; Ctrl-C ends the watching only.

    For example:
    ```
    extrapolab watch exp_019ab3
    ```
    """
    with lab_of(context) as lab:
        _watch([lab.experiment(id) for id in ids], as_json=as_json)  # noqa: A001  # the lab's word


@app.command("list", rich_help_panel=_PANEL)
def list_(
    context: typer.Context,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="Only those in this state: queued, running, paused, completed, failed or cancelled."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List experiments, newest first.

    For example:
    ```
    extrapolab list --tag study:balanced --state running
    ```
    """
    with lab_of(context) as lab:
        records = [
            experiment.record
            for experiment in first(lab.experiments(tag=tag, state=state, limit=limit + 1), limit)
        ]
    if as_json:
        for record in records:
            print_json(record)
    else:
        console().print(experiments_table(records) if records else "No experiments.")


@app.command(rich_help_panel=_PANEL)
def edit(
    context: typer.Context,
    ids: Ids,
    *,
    name: Annotated[str | None, typer.Option(help="What to call it; '' for nothing.")] = None,
    notes: Annotated[
        str | None, typer.Option(help="What there is to say about it; '' for nothing.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="A tag to give it; more than once for several."),
    ] = None,
    untags: Annotated[
        list[str] | None, typer.Option("--untag", metavar="TAG", help="A tag to take away.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change name, tags or notes of experiments. What they compute never changes.

    For example:
    ```
    extrapolab edit exp_019ab3 --name "near zero" --notes "for figure 2"
    extrapolab edit exp_019ab3 exp_019ab4 --tag figure-2 --untag draft
    ```
    """
    if name is None and notes is None and not tags and not untags:
        raise typer.BadParameter("give what to change: --name, --notes, --tag or --untag")
    with lab_of(context) as lab:
        for experiment in [lab.experiment(id) for id in ids]:  # noqa: A001  # the lab's word
            kept = dict.fromkeys([*experiment.record.tags, *(tags or ())])
            left = [tag for tag in kept if tag not in (untags or ())] if tags or untags else None
            experiment.edit(name=name, tags=left, notes=notes)
            if as_json:
                print_json(experiment.record)
            else:
                console().print(f"{experiment.id}  edited")


@app.command(rich_help_panel=_PANEL)
def cancel(
    context: typer.Context,
    id: PerhapsId = None,  # noqa: A002  # the lab's word
    *,
    where: Annotated[
        str | None, typer.Option("--where", metavar="FILTER", help="Cancel all that this finds.")
    ] = None,
    expect: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="How many those are; if there are others, none is."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Cancel an experiment that is queued, running or paused, or all that a filter finds.

    For example:
    ```
    extrapolab cancel --where 'tag:figure-1 and state = queued' --expect 12
    ```
    """
    if (id is None) == (where is None) or (where is None) != (expect is None):
        raise typer.BadParameter(
            "give the ID of one experiment, or --where FILTER with --expect NUMBER"
        )
    with lab_of(context) as lab:
        if id is not None:
            _say_state(lab.experiment(id).cancel(), as_json=as_json)
            return
        states = lab.cancel(where or "", expect or 0)
    if as_json:
        typer.echo(json.dumps(states))
    else:
        for name, state in states.items():
            console().print(
                f"{name}  {state}"
                + (", to be cancelled within seconds" if state == "running" else "")
            )


@app.command(rich_help_panel=_PANEL)
def pause(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Put an experiment aside; a running one is saved where it is."""
    with lab_of(context) as lab:
        _say_state(lab.experiment(id).pause(), as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def resume(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Queue a paused experiment again; it goes on where it was."""
    with lab_of(context) as lab:
        _say_state(lab.experiment(id).resume(), as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def retry(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Queue an experiment again that failed or was cancelled."""
    with lab_of(context) as lab:
        _say_state(lab.experiment(id).retry(), as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def delete(context: typer.Context, ids: Ids, as_json: AsJson = False) -> None:
    """Remove experiments that have ended for good, with all that is known of them.

    For example:
    ```
    extrapolab delete $(extrapolab query tag:import:3c1f --json | jq -r .id)
    ```
    """
    with lab_of(context) as lab:
        for experiment in [lab.experiment(id) for id in ids]:  # noqa: A001  # the lab's word
            experiment.delete()
            told = {"id": experiment.id, "deleted": True}
            typer.echo(json.dumps(told) if as_json else f"{experiment.id}  deleted")


@app.command(rich_help_panel=_PANEL)
def log(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Print what the trainer wrote, tracebacks included, attempt by attempt."""
    with lab_of(context) as lab:
        for part in lab.experiment(id).log():
            if as_json:
                print_json(part)
            else:
                console().print(f"attempt {part.attempt}\n{part.text}")


def read_all(files: list[str]) -> list[SpecFile]:
    """Every file's spec; or the problems of all of them, and the end."""
    specs, code = [], Exit.OK
    for file in files:
        try:
            specs.append(spec_files.read(file))
        except spec_files.Unreadable as error:
            console(stderr=True).print(str(error))
            code = Exit.USAGE
        except spec_files.Invalid as error:
            console(stderr=True).print(str(error))
            code = code or Exit.REFUSED
    if code:
        raise typer.Exit(code)
    return specs


def _check(lab: Lab, spec: SpecFile, *, as_json: bool) -> None:
    check = lab.check(spec.content)
    if as_json:
        print_json(check)
        return
    out, cost = console(), check.cost
    out.print(f"{spec.name} is valid: {setup_line(check.spec)}")
    out.print(
        f"  needs about {cost.flop:.2g} flop, {cost.memory_mb:.2g} MB memory, {cost.storage_mb:.2g} MB storage"
    )
    say_warnings(check.warnings, out)


def _say_submitted(spec: SpecFile, experiment: Experiment) -> None:
    out = console()
    known = ", the lab has it already" if experiment.reused else ""
    out.print(f"{experiment.id}  {experiment.state}{known}  ({spec.name})")
    say_warnings(experiment.warnings, out)


def _say_state(experiment: Experiment, *, as_json: bool) -> None:
    if as_json:
        print_json(experiment.record)
    else:
        record = experiment.record
        wish = (
            "cancelled" if record.cancel_requested else "paused" if record.pause_requested else ""
        )
        asked = f", to be {wish} within seconds" if wish else ""
        console().print(f"{experiment.id}  {experiment.state}{asked}")


def _watch(experiments: list[Experiment], *, as_json: bool) -> None:
    try:
        show_progress(experiments, console(stderr=as_json))
    except KeyboardInterrupt:
        ids = " ".join(experiment.id for experiment in experiments)
        console(stderr=True).print(f"They go on. To look again: extrapolab watch {ids}")
        raise
    for experiment in experiments:
        if as_json:
            print_json(experiment.record)
        elif len(experiments) == 1 and experiment.state == "completed":
            console().print(runs_table(experiment.runs))
        elif experiment.failure:
            console().print(
                f"{experiment.id} failed ({experiment.failure.kind}): {experiment.failure.sentence}"
            )
    if any(experiment.state != "completed" for experiment in experiments):
        raise typer.Exit(Exit.FAILED)
