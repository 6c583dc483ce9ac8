"""Commands that change experiments: edit, tag, prioritise, cancel, pause, resume, retry, delete."""

import json
from collections.abc import Callable
from typing import Annotated

import typer

from extrapolab.cli.arguments import (
    AsJson,
    ExperimentIds,
    MaxMemory,
    MaxSeconds,
    OptionalExperimentIds,
    Yes,
    experiments_of,
    lab_of,
)
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import confirm, console, print_error, print_json
from extrapolab.client.bulk import Changed
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.lab import Lab

app = typer.Typer()
_PANEL = "Experiments"

Where = Annotated[
    str | None,
    typer.Option("--where", metavar="FILTER", help="Every experiment that this finds."),
]
Expect = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Number of experiments that it should change; if it differs, nothing is done.",
    ),
]


@app.command(rich_help_panel=_PANEL)
def edit(
    context: typer.Context,
    ids: ExperimentIds,
    *,
    name: Annotated[str | None, typer.Option(help="The new name; '' removes it.")] = None,
    notes: Annotated[str | None, typer.Option(help="The new notes; '' removes them.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag to add; repeatable.")
    ] = None,
    untags: Annotated[
        list[str] | None,
        typer.Option("--untag", metavar="TAG", help="A tag to remove; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change the name, tags or notes of experiments; nothing is computed again.

    For example:
    ```
    extrapolab edit exp_5a0c --name "near zero" --notes "for figure 2"
    extrapolab edit exp_5a0c exp_e3d1 --tag figure-2 --untag draft
    ```
    """
    if name is None and notes is None and not tags and not untags:
        raise typer.BadParameter("give what to change: --name, --notes, --tag or --untag")
    with lab_of(context) as lab:
        for experiment in experiments_of(lab, ids):
            new_tags = None
            if tags or untags:
                candidates = dict.fromkeys([*experiment.record.tags, *(tags or ())])
                new_tags = [tag for tag in candidates if tag not in (untags or ())]
            experiment.edit(name=name, tags=new_tags, notes=notes)
            if as_json:
                print_json(experiment.record)
            else:
                console().print(f"{experiment.id}  edited")


@app.command(rich_help_panel=_PANEL)
def tag(
    context: typer.Context,
    ids: OptionalExperimentIds = None,
    *,
    add: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="A tag to add; repeatable.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="A tag to remove; repeatable.")
    ] = None,
    where: Where = None,
    expect: Expect = None,
    as_json: AsJson = False,
) -> None:
    """Add tags to experiments, or to everything that a filter finds; or remove some.

    For example:
    ```
    extrapolab tag --where 'outcome = diverged' --expect 7 --add look-again
    ```
    """
    if not add and not remove:
        raise typer.BadParameter("give what to change: --add or --remove")
    added, removed = add or (), remove or ()

    def tag_one(lab: Lab, experiment: Experiment) -> Experiment:
        lab.tag(ids=[experiment.id], add=added, remove=removed)
        return experiment.refresh()

    _change(
        context,
        (ids, where, expect),
        tag_one,
        lambda lab, q, count: lab.tag(q, count, add=added, remove=removed),
        as_json=as_json,
    )


@app.command(rich_help_panel=_PANEL)
def prioritise(
    context: typer.Context,
    ids: OptionalExperimentIds = None,
    *,
    priority: Annotated[int, typer.Option(metavar="N", help="From -100 to 100; higher is sooner.")],
    where: Where = None,
    expect: Expect = None,
    as_json: AsJson = False,
) -> None:
    """Set the priority of experiments that wait, or of all that a filter finds.

    For example:
    ```
    extrapolab prioritise exp_5a0c --priority 10
    extrapolab prioritise --where tag:figure-2 --expect 12 --priority 5
    ```
    """
    _change(
        context,
        (ids, where, expect),
        lambda _, experiment: experiment.edit(priority=priority),
        lambda lab, q, count: lab.prioritise(q, count, priority=priority),
        as_json=as_json,
    )


_Selection = tuple[list[str] | None, str | None, int | None]
"""Ids, or a filter with the expected number of its matches."""


def _declare(
    name: str,
    one: Callable[[Experiment], Experiment | None],
    many: Callable[[Lab, str, int], Changed],
    text: str,
    pending: str = "",
) -> None:
    """Adds the command of an action without options of its own.

    Args:
        name: Its name.
        one: What it does to an experiment.
        many: What it does to all that a filter finds.
        text: Its help.
        pending: What happens to a running experiment soon.
    """

    @app.command(name, help=text, rich_help_panel=_PANEL)
    def command(
        context: typer.Context,
        ids: OptionalExperimentIds = None,
        *,
        where: Where = None,
        expect: Expect = None,
        as_json: AsJson = False,
    ) -> None:
        _change(
            context,
            (ids, where, expect),
            lambda _, found: one(found),
            many,
            as_json=as_json,
            pending=pending,
        )


_declare(
    "cancel",
    Experiment.cancel,
    Lab.cancel,
    """Cancel experiments, or everything unfinished that a filter finds.

    For example:
    ```
    extrapolab cancel exp_5a0c
    extrapolab cancel --where 'tag:figure-1 and state = queued' --expect 12
    ```
    """,
    pending="cancelled within seconds",
)
_declare(
    "pause",
    Experiment.pause,
    Lab.pause,
    """Pause experiments, or all that a filter finds; running ones are saved first.

    For example:
    ```
    extrapolab pause exp_5a0c
    extrapolab pause --where 'owner = ada' --expect 3
    ```
    """,
    pending="paused within seconds",
)
_declare(
    "resume",
    Experiment.resume,
    Lab.resume,
    """Queue paused experiments again; they continue where they stopped.

    For example:
    ```
    extrapolab resume exp_5a0c
    extrapolab resume --where 'owner = ada' --expect 3
    ```
    """,
)


@app.command(rich_help_panel=_PANEL)
def retry(
    context: typer.Context,
    ids: OptionalExperimentIds = None,
    *,
    max_seconds: MaxSeconds = None,
    max_memory: MaxMemory = None,
    where: Where = None,
    expect: Expect = None,
    as_json: AsJson = False,
) -> None:
    """Queue failed or cancelled experiments again, on demand with new limits.

    They continue from their last checkpoint. Limits that are not given stay as they were.

    For example:
    ```
    extrapolab retry exp_5a0c --max-seconds 7200
    extrapolab retry --where 'failure = worker_lost' --expect 4
    ```
    """

    def retry_one(_: Lab, experiment: Experiment) -> Experiment:
        return experiment.retry(max_seconds=max_seconds, max_memory_mb=max_memory)

    def retry_all(lab: Lab, q: str, count: int) -> Changed:
        return lab.retry(q, count, max_seconds=max_seconds, max_memory_mb=max_memory)

    _change(context, (ids, where, expect), retry_one, retry_all, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def delete(
    context: typer.Context,
    ids: OptionalExperimentIds = None,
    *,
    where: Where = None,
    expect: Expect = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete experiments that have ended, permanently and with their results.

    On a terminal it asks first, unless you say --yes; in a script it does not ask.

    For example:
    ```
    extrapolab delete exp_5a0c
    extrapolab delete --where tag:import:3c1f --expect 20 --yes
    ```
    """
    which = ", ".join(ids or ()) if where is None else f"the {expect} experiments with {where!r}"
    _change(
        context,
        (ids, where, expect),
        lambda _, experiment: experiment.delete(),
        Lab.delete,
        as_json=as_json,
        question=f"Delete {which} with all results, permanently?",
        yes=yes,
    )


def _change(
    context: typer.Context,
    selection: _Selection,
    one: Callable[[Lab, Experiment], Experiment | None],
    many: Callable[[Lab, str, int], Changed],
    *,
    as_json: bool,
    pending: str = "",
    question: str = "",
    yes: bool = False,
) -> None:
    """Changes each of the experiments with these ids, or all that a filter finds at once."""
    ids, where, expect = selection
    if bool(ids) == (where is not None) or (where is None) != (expect is None):
        raise typer.BadParameter("give IDs, or --where FILTER with --expect NUMBER")
    if question:
        confirm(question, yes=yes)
    with lab_of(context) as lab:
        if where is not None and expect is not None:
            _print_changed(many(lab, where, expect), pending, as_json=as_json)
            return
        for experiment in experiments_of(lab, ids or ()):
            changed = one(lab, experiment)
            if changed is not None:
                _print_state(changed, as_json=as_json)
            else:
                document = json.dumps({"id": experiment.id, "deleted": True})
                typer.echo(document if as_json else f"{experiment.id}  deleted")


def _print_changed(changed: Changed, pending: str, *, as_json: bool) -> None:
    """Prints the new states; ends with a code if an experiment was left as it is."""
    if as_json:
        typer.echo(json.dumps(changed))
    else:
        for experiment_id, state in changed.items():
            note = f", {pending}" if pending and state == "running" else ""
            console().print(f"{experiment_id}  {state}{note}")
    for experiment_id, reason in changed.refused.items():
        print_error(f"{experiment_id}: {reason}")
    if changed.refused:
        raise typer.Exit(ExitCode.REFUSED)


def _print_state(experiment: Experiment, *, as_json: bool) -> None:
    record = experiment.record
    if as_json:
        print_json(record)
        return
    pending = ""
    if record.cancel_requested:
        pending = ", cancelled within seconds"
    elif record.pause_requested:
        pending = ", paused within seconds"
    console().print(f"{experiment.id}  {experiment.state}{pending}")
