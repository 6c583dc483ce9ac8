"""Commands that change experiments: edit, cancel, pause, resume, retry, delete."""

import json
from typing import Annotated

import typer

from extrapolab.cli.arguments import (
    AsJson,
    ExperimentId,
    ExperimentIds,
    OptionalExperimentId,
    experiments_of,
    lab_of,
)
from extrapolab.cli.terminal import console, print_json
from extrapolab.client.experiment import Experiment

app = typer.Typer()
_PANEL = "Experiments"


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
    extrapolab edit exp_019ab3 --name "near zero" --notes "for figure 2"
    extrapolab edit exp_019ab3 exp_019ab4 --tag figure-2 --untag draft
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
def cancel(
    context: typer.Context,
    id: OptionalExperimentId = None,  # noqa: A002  # the lab's word
    *,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", metavar="FILTER", help="Cancel every unfinished experiment that this finds."
        ),
    ] = None,
    expect: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Number of matches you expect; if it differs, nothing is cancelled.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Cancel an experiment, or everything that a filter finds.

    For example:
    ```
    extrapolab cancel exp_019ab3
    extrapolab cancel --where 'tag:figure-1 and state = queued' --expect 12
    ```
    """
    if (id is None) == (where is None) or (where is None) != (expect is None):
        raise typer.BadParameter("give one ID, or --where FILTER with --expect NUMBER")
    with lab_of(context) as lab:
        if id is not None:
            _print_state(lab.experiment(id).cancel(), as_json=as_json)
            return
        states = lab.cancel(where or "", expect or 0)
    if as_json:
        typer.echo(json.dumps(states))
        return
    for experiment_id, state in states.items():
        pending = ", cancelled within seconds" if state == "running" else ""
        console().print(f"{experiment_id}  {state}{pending}")


@app.command(rich_help_panel=_PANEL)
def pause(context: typer.Context, id: ExperimentId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Pause an experiment; a running one saves a checkpoint first.

    For example:
    ```
    extrapolab pause exp_019ab3
    ```
    """
    with lab_of(context) as lab:
        _print_state(lab.experiment(id).pause(), as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def resume(context: typer.Context, id: ExperimentId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Queue a paused experiment again; it continues where it stopped.

    For example:
    ```
    extrapolab resume exp_019ab3
    ```
    """
    with lab_of(context) as lab:
        _print_state(lab.experiment(id).resume(), as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def retry(context: typer.Context, id: ExperimentId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Queue a failed or cancelled experiment again.

    For example:
    ```
    extrapolab retry exp_019ab3
    ```
    """
    with lab_of(context) as lab:
        _print_state(lab.experiment(id).retry(), as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def delete(context: typer.Context, ids: ExperimentIds, as_json: AsJson = False) -> None:
    """Delete experiments that have ended, permanently and with their results.

    For example:
    ```
    extrapolab delete $(extrapolab query tag:import:3c1f --json | jq -r .id)
    ```
    """
    with lab_of(context) as lab:
        for experiment in experiments_of(lab, ids):
            experiment.delete()
            document = json.dumps({"id": experiment.id, "deleted": True})
            typer.echo(document if as_json else f"{experiment.id}  deleted")


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
