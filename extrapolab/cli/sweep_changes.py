"""Commands that change a sweep: cancel, retry, delete."""

import json
from typing import Annotated

import typer

from extrapolab.cli.arguments import AsJson, MaxMemory, MaxSeconds, SweepId, Yes, lab_of
from extrapolab.cli.terminal import confirm, console, print_json
from extrapolab.client.answers.formats import format_counts, format_left
from extrapolab.client.handles.sweep import Sweep

app = typer.Typer()


@app.command()
def cancel(context: typer.Context, id: SweepId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Cancel a sweep's pending experiments, except those of other sweeps.

    For example:
    ```
    extrapolab sweep cancel swp_b68f
    ```
    """
    with lab_of(context) as lab:
        _print_state(lab.sweep_of(id).cancel(), as_json=as_json)


@app.command()
def retry(
    context: typer.Context,
    id: SweepId,  # noqa: A002  # the lab's word
    *,
    max_seconds: MaxSeconds = None,
    max_memory: MaxMemory = None,
    as_json: AsJson = False,
) -> None:
    """Queue a sweep's failed and cancelled experiments again.

    They continue from their last checkpoints. Limits that are not given stay as they were.

    For example:
    ```
    extrapolab sweep retry swp_b68f --max-seconds 7200
    ```
    """
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id).retry(max_seconds=max_seconds, max_memory_mb=max_memory)
        _print_state(sweep, as_json=as_json)


@app.command()
def delete(
    context: typer.Context,
    id: SweepId,  # noqa: A002  # the lab's word
    *,
    with_experiments: Annotated[
        bool,
        typer.Option(
            "--with-experiments",
            help="Also its experiments, with all results, but not those of other sweeps.",
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a sweep that has ended. Its experiments stay, unless you say otherwise.

    On a terminal it asks first, unless you say --yes; in a script it does not ask.

    For example:
    ```
    extrapolab sweep delete swp_b68f
    extrapolab sweep delete swp_b68f --with-experiments --yes
    ```
    """
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        count, name = sweep.record.progress.of, sweep.record.name or "no name"
        consequence = (
            f"and those of its {count:,} experiments that no other sweep has, with all results, "
            "permanently?"
            if with_experiments
            else f"? Its {count:,} experiments stay, with all results."
        )
        question = f"Delete the sweep {sweep.id} ({name}) {consequence}".replace(" ?", "?")
        confirm(question, yes=yes)
        sweep.delete(experiments=with_experiments)
    document = json.dumps({"id": sweep.id, "deleted": True})
    typer.echo(document if as_json else f"{sweep.id}  deleted")


def _print_state(sweep: Sweep, *, as_json: bool) -> None:
    left = format_left(sweep.record.eta_seconds)
    line = f"{sweep.id}  {sweep.state}: {format_counts(sweep.record)}{left}"
    print_json(sweep.record) if as_json else console().print(line)
