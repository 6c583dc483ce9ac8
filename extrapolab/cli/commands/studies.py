"""Commands on studies: list, run, report, figure."""

import json
from pathlib import Path
from typing import Annotated

import typer

from extrapolab.cli.commands import AsJson, Picture, lab_of
from extrapolab.cli.demo import FIGURE
from extrapolab.cli.exit_codes import Exit
from extrapolab.cli.progress import watch
from extrapolab.cli.study_tables import claims_table, reports_table, studies_table
from extrapolab.cli.terminal import console, print_json
from extrapolab.client.study import Size
from extrapolab.models.studies import Report

studies = typer.Typer(no_args_is_help=True)
app = typer.Typer()
app.add_typer(
    studies,
    name="study",
    help="Built-in studies: claims of the papers, judged by experiments.",
    rich_help_panel="Studies",
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A study's name, as 'extrapolab study list' shows it.")
]
SizeOption = Annotated[Size, typer.Option(help="quick takes minutes, full is the paper's.")]


@studies.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the studies and the question that each of them asks."""
    with lab_of(context) as lab:
        offered = lab.studies()
    if as_json:
        for study in offered:
            print_json(study)
    else:
        console().print(studies_table(offered))


@studies.command()
def run(
    context: typer.Context, name: Name, size: SizeOption = "quick", as_json: AsJson = False
) -> None:
    """Run what the lab doesn't have yet of a study, with its progress, and judge its claims.

    For example:
    ```
    extrapolab study run balanced --size full
    ```
    """
    with lab_of(context) as lab:
        study = lab.study(name, size)
        watch(study.submit(), console(stderr=as_json))
        _say_report(study.report(), as_json=as_json)


@studies.command()
def report(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A study's name; all of them if left out.")
    ] = None,
    size: SizeOption = "quick",
    as_json: AsJson = False,
) -> None:
    """Print a study's claims and whether they hold, from what the lab has; nothing is run.

    Without a NAME: of every study, how many of its claims hold, fail or were not run.
    """
    with lab_of(context) as lab:
        if name is not None:
            _say_report(lab.study(name, size).report(), as_json=as_json)
            return
        reports = lab.reports(size)
    if as_json:
        for row in reports:
            print_json(row)
    else:
        console().print(reports_table(reports))
    if any(row.fails for row in reports):
        raise typer.Exit(Exit.FAILED)


@studies.command()
def figure(
    context: typer.Context,
    name: Name,
    *,
    output: Picture = None,
    size: SizeOption = "quick",
    as_json: AsJson = False,
) -> None:
    """Write a study's figure to a file, NAME.svg where none is named, and print its path.

    For example:
    ```
    extrapolab study figure balanced -o balanced.pdf
    ```
    """
    with lab_of(context) as lab:
        path = lab.study(name, size).figure(FIGURE, output or Path(f"{name}.svg"))
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


def _say_report(found: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        console().print(claims_table(found.claims))
    if found.fails:
        raise typer.Exit(Exit.FAILED)
