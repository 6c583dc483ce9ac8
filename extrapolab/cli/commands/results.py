"""Commands on what experiments found, and what theory says of them: result, figure, series, theorem."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.spec import has_closed_form
from extrapolab.cli.commands import AsJson, Id, Picture, lab_of
from extrapolab.cli.commands.experiments import read_all
from extrapolab.cli.tables import (
    baselines_table,
    measure_line,
    runs_table,
    say_warnings,
    setup_line,
    theorem_table,
)
from extrapolab.cli.terminal import console, print_json

app = typer.Typer()
_PANEL = "Results"

_VERDICTS = {
    True: "The theorem applies: trained by gradient flow to a small enough loss, the student extrapolates.",
    False: "The theorem does not apply, so it promises nothing; the student may extrapolate all the same.",
    None: "No assumption fails, but the spec alone can't say whether all of them hold.",
}


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
        spec = experiment.spec
        out.print(setup_line(spec))
        out.print(
            runs_table(
                experiment.runs, on_sequences=not has_closed_form(spec.teacher, spec.student)
            )
        )
        if found.baselines:
            out.print(baselines_table(found.baselines))
        for run in found.runs:
            say_warnings((f"seed {run.seed}: {warning}" for warning in run.warnings), out)


@app.command(rich_help_panel=_PANEL)
def figure(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="response, training, spectrum, weighted_spectrum, imbalance; eigenvalues and trajectory where the "
            "spec's evaluation.record asks for them. None of a saved figure, fig_...",
        ),
    ] = None,
    output: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Write a figure to a file, NAME.svg where none is named, and print its path.

    For example:
    ```
    extrapolab figure exp_019ab3 response -o response.pdf
    extrapolab figure fig_019ab3 -o cliff.pdf
    ```
    """
    saved = id.startswith("fig_")
    if (name is None) is not saved:
        raise typer.BadParameter(
            "an experiment's figure needs a name, a saved one has none", param_hint="NAME"
        )
    with lab_of(context) as lab:
        if name is None:
            drawn = lab.figure_of(id)
            path = drawn.draw(output or Path(f"{drawn.id}.svg"))
        else:
            path = lab.experiment(id).figure(name, output)
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


@app.command(rich_help_panel=_PANEL)
def series(
    context: typer.Context,
    id: Id,  # noqa: A002  # the lab's word
    names: Annotated[
        str | None,
        typer.Option(
            help="Metrics, such as train_loss,imbalance; all where left out. Also response and eigenvalues."
        ),
    ] = None,
    format: Annotated[Literal["csv", "json"], typer.Option(help="How to write them.")] = "csv",  # noqa: A002  # HTTP's word
) -> None:
    """Print the recorded metrics of every seed and step, also while the experiment runs.

    For example:
    ```
    extrapolab series exp_019ab3 --names train_loss,fit_error > curves.csv
    ```
    """
    with lab_of(context) as lab:
        wanted = names.split(",") if names else None
        typer.echo(lab.experiment(id).series_text(format, wanted), nl=False)


@app.command(rich_help_panel=_PANEL)
def theorem(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="An experiment's id, exp_..., or a spec file.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check the assumptions of the main theorem: would a student that fits this teacher extrapolate?

    For example:
    ```
    extrapolab theorem balanced.yaml
    ```
    """
    with lab_of(context) as lab:
        if what.startswith("exp_") and not Path(what).exists():
            found = lab.experiment(what).theorem()
        else:
            (spec,) = read_all([what])
            found = lab.check(spec.content).theorem
    if as_json:
        print_json(found)
        return
    out = console()
    if found.note:
        out.print(found.note)
        return
    out.print(theorem_table(found))
    out.print(_VERDICTS[found.applies])
    out.print(measure_line(found))
