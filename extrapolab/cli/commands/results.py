"""Commands on results and on the theorem: result, figure, series, theorem."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from extrapolab.cli.arguments import AsJson, ExperimentId, FigureFile, lab_of
from extrapolab.cli.experiment_tables import print_warnings, setup_line
from extrapolab.cli.figure_options import STYLE, VIEW, draws
from extrapolab.cli.result_tables import (
    baselines_table,
    measure_line,
    runs_table,
    theorem_table,
)
from extrapolab.cli.spec_files import STDIN, load_specs
from extrapolab.cli.streams import shows_unicode
from extrapolab.cli.terminal import console, print_json, print_path
from extrapolab.client.requests.payloads import comma_list

app = typer.Typer()
_PANEL = "Results"

_VERDICTS = {
    True: (
        "The theorem applies: trained by gradient flow to a small enough loss, "
        "the student extrapolates."
    ),
    False: (
        "The theorem does not apply, so it promises nothing; the student may still extrapolate."
    ),
    None: "No assumption fails, but the spec alone cannot tell whether all of them hold.",
}

_FIGURE_NAMES = (
    "response, training, spectrum, weighted_spectrum or imbalance; eigenvalues or trajectory if "
    "the spec's evaluation.record asks for them. A saved figure's id takes no name."
)


@app.command(rich_help_panel=_PANEL)
def result(context: typer.Context, id: ExperimentId, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Show how each seed ended: its fit, and its error beyond the training length.

    With --json: everything, such as responses, eigenvalues, parameters and metrics.

    For example:
    ```
    extrapolab result exp_5a0c --json | jq '.runs[0].eigenvalues'
    ```
    """
    with lab_of(context) as lab:
        experiment = lab.experiment(id)
        outcome = experiment.result()
    if as_json:
        typer.echo(outcome.model_dump_json(exclude={"series"}, ensure_ascii=not shows_unicode()))
        return
    out, spec = console(), experiment.spec
    out.print(setup_line(spec))
    from core.spec import has_closed_form  # noqa: PLC0415  # after the request

    on_sequences = not has_closed_form(spec.teacher, spec.student)
    out.print(runs_table(experiment.runs, on_sequences=on_sequences))
    if outcome.baselines:
        out.print(baselines_table(outcome.baselines))
    for run in outcome.runs:
        print_warnings((f"seed {run.seed}: {warning}" for warning in run.warnings), out)


@app.command(rich_help_panel=_PANEL)
@draws(*VIEW, *STYLE)
def figure(
    context: typer.Context,
    id: ExperimentId,  # noqa: A002  # the lab's word
    name: Annotated[str | None, typer.Argument(metavar="NAME", help=_FIGURE_NAMES)] = None,
    *,
    output: FigureFile = None,
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Draw a figure to a file, NAME.svg by default, and print its path.

    For example:
    ```
    extrapolab figure exp_5a0c response -o response.pdf
    extrapolab figure exp_5a0c training --x time
    extrapolab figure fig_7c41 -o cliff.pdf
    ```
    """
    if id.startswith("exp_" if name is None else "fig_"):
        raise typer.BadParameter(
            "an experiment's figure needs a name, such as response; a saved figure takes none",
            param_hint="NAME",
        )
    with lab_of(context) as lab:
        if name is None:
            saved = lab.figure_of(id)
            path = saved.draw(output or Path(f"{saved.id}.svg"), **options)
        else:
            path = lab.experiment(id).figure(name, output, **options)
    print_path(path, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def series(
    context: typer.Context,
    id: ExperimentId,  # noqa: A002  # the lab's word
    names: Annotated[
        str | None,
        typer.Option(
            help="Such as train_loss,imbalance. Default: all. Also response and eigenvalues, if "
            "recorded."
        ),
    ] = None,
    *,
    format: Annotated[Literal["csv", "json"], typer.Option(help="csv or json")] = "csv",  # noqa: A002  # HTTP's word
    since_step: Annotated[
        int | None, typer.Option(metavar="STEP", min=0, help="Only points after this step.")
    ] = None,
    max_points: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=2,
            help="Most points per seed, with the extremes of each metric. Default: all.",
        ),
    ] = None,
) -> None:
    """Print the recorded metrics by seed and step, also during training.

    For example:
    ```
    extrapolab series exp_5a0c --names train_loss,fit_error > curves.csv
    ```
    """
    with lab_of(context) as lab:
        text = lab.experiment(id).series_text(
            format, comma_list(names) or None, since_step=since_step, max_points=max_points
        )
    typer.echo(text, nl=False)


@app.command(rich_help_panel=_PANEL)
def theorem(
    context: typer.Context,
    id_or_file: Annotated[
        str,
        typer.Argument(metavar="ID|FILE", help="A spec file, or an experiment's id or name."),
    ],
    as_json: AsJson = False,
) -> None:
    """Check the assumptions of the main theorem on a spec.

    If they hold, a student that fits the teacher extrapolates.

    For example:
    ```
    extrapolab theorem balanced.yaml
    ```
    """
    with lab_of(context) as lab:
        file = Path(id_or_file)
        if id_or_file == STDIN or file.suffix in {".json", ".yaml", ".yml"} or file.exists():
            (spec,) = load_specs([id_or_file])
            check = lab.check(spec.content).theorem
        else:
            check = lab.experiment(id_or_file).theorem()
    if as_json:
        print_json(check)
        return
    out = console()
    if check.note:
        out.print(check.note)
        return
    out.print(theorem_table(check))
    out.print(_VERDICTS[check.applies])
    if check.condition:
        out.print(check.condition)
    out.print(measure_line(check))
