"""Commands on studies: list, run, report, figure."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.labels import duration
from extrapolab.cli.arguments import STUDY_FIGURE, AsJson, FigureFile, Notify, SizeOption, lab_of
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.figure_options import STYLE, draws
from extrapolab.cli.study_tables import claims_table, reports_table, studies_table
from extrapolab.cli.sweep_tables import print_sweep_warnings
from extrapolab.cli.terminal import console, print_json, print_path, print_records, resumable
from extrapolab.client.answers.formats import format_left
from extrapolab.models.studies import Report

studies = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app = typer.Typer()

_HELP = """
Run built-in studies: claims of the papers, judged by experiments.

```
extrapolab study list                  the studies and their questions
extrapolab study run balanced          run what is missing, judge its claims
extrapolab study figure balanced       draw its figure
```
"""
app.add_typer(
    studies,
    name="study",
    help=_HELP,
    short_help="Run built-in studies: claims of the papers, judged by experiments.",
    rich_help_panel="Studies",
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The study's name; see 'extrapolab study list'.")
]
OptionalName = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The study's name; all studies by default.")
]


@studies.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the studies and the question that each answers.

    For example:
    ```
    extrapolab study list
    ```
    """
    with lab_of(context) as lab:
        records = lab.studies()
    print_records(records, studies_table, as_json=as_json, empty="No studies.")


@studies.command()
def run(
    context: typer.Context,
    name: Name,
    size: SizeOption = "quick",
    notify: Notify = None,
    as_json: AsJson = False,
) -> None:
    """Run a study's missing experiments and judge its claims.

    For example:
    ```
    extrapolab study run balanced --size full
    ```
    """
    from extrapolab.client.progress import show_progress  # noqa: PLC0415  # loads the bars

    with lab_of(context) as lab, resumable(f"extrapolab study run {name} --size {size}"):
        study = lab.study(name, size)
        experiments = study.submit(notify)
        if not as_json:
            console().print(study.page)
        for sweep in study.sweeps.values():
            print_sweep_warnings(sweep.warnings, console(stderr=as_json))
        show_progress(experiments, console(stderr=as_json))
        _print_report(study.report(), as_json=as_json)


@studies.command()
def report(
    context: typer.Context,
    name: OptionalName = None,
    size: SizeOption = "quick",
    as_json: AsJson = False,
) -> None:
    """Judge a study's claims by what the lab has; run nothing.

    Without a NAME, count the claims of every study that hold, fail or were not run.

    For example:
    ```
    extrapolab study report balanced
    ```
    """
    with lab_of(context) as lab:
        if name is not None:
            _print_report(lab.study(name, size).report(), as_json=as_json)
            return
        reports = lab.reports(size)
    print_records(reports, reports_table, as_json=as_json, empty="No studies.")
    if any(report.fails for report in reports):
        raise typer.Exit(ExitCode.FAILED)


@studies.command()
@draws(*STYLE)
def figure(
    context: typer.Context,
    name: Name,
    *,
    output: FigureFile = None,
    size: SizeOption = "quick",
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Draw a study's figure to a file, NAME.svg by default, and print its path.

    For example:
    ```
    extrapolab study figure balanced -o balanced.pdf
    ```
    """
    with lab_of(context) as lab:
        path = lab.study(name, size).figure(STUDY_FIGURE, output or Path(f"{name}.svg"), **options)
    print_path(path, as_json=as_json)


def _print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        out = console()
        out.print(claims_table(report.claims))
        if report.state in {"queued", "running"}:
            out.print(f"{report.state}{format_left(report.eta_seconds)}")
        elif report.missing_seconds:
            time = duration(report.missing_seconds)
            out.print(f"what is missing takes about {time} on this lab's slots")
    if report.fails:
        raise typer.Exit(ExitCode.FAILED)
