"""Commands on what experiments found: result, figure, series."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from extrapolab.commands import AsJson, Id, lab_of
from extrapolab.tables import runs_table, setup_line
from extrapolab.terminal import console

app = typer.Typer()
_PANEL = "Results"


@app.command(rich_help_panel=_PANEL)
def result(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show how each seed ended: did it fit, and what does it do past the training length?

    With --json all of it: responses, eigenvalues, parameters, Hankel singular values, metrics.

    For example:
    ```
    extrapolab result exp_019ab3 --json | jq '.runs[0].eigenvalues'
    ```
    """
    with lab_of(context) as lab:
        experiment = lab.experiment(id)
        found = experiment.result()
    if as_json:
        typer.echo(found.model_dump_json(exclude={"series"}))
    else:
        out = console()
        out.print(setup_line(experiment.spec))
        out.print(runs_table(experiment.runs))


@app.command(rich_help_panel=_PANEL)
def figure(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    name: Annotated[str, typer.Argument(metavar="NAME", help="response, training or spectrum")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; .svg, .png, .pdf or .json (the figure's data).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a figure to a file, NAME.svg where none is named, and print its path.

    For example:
    ```
    extrapolab figure exp_019ab3 response -o response.pdf
    ```
    """
    if output is not None and not output.suffix:
        raise typer.BadParameter("needs an ending that names the format, such as .svg", param_hint="--output")
    with lab_of(context) as lab:
        path = lab.experiment(id).figure(name, output)
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


@app.command(rich_help_panel=_PANEL)
def series(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    names: Annotated[
        str | None, typer.Option(help="Metrics, such as train_loss,imbalance; all where left out.")
    ] = None,
    format: Annotated[Literal["csv", "json"], typer.Option(help="How to write them.")] = "csv",  # noqa: A002  # HTTP's word
) -> None:
    """Print the recorded metrics of every seed and step, also while the experiment runs.

    For example:
    ```
    extrapolab series exp_019ab3 --names train_loss,extrapolation_error > curves.csv
    ```
    """
    with lab_of(context) as lab:
        wanted = names.split(",") if names else None
        typer.echo(lab.experiment(id).series_text(format, wanted), nl=False)
