"""The command that writes up results for a paper."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from extrapolab.cli.arguments import AsJson, SizeOption, lab_of
from extrapolab.cli.terminal import console, print_error
from extrapolab.client.answers.files import left_out

app = typer.Typer()


@app.command(rich_help_panel="Results")
def paper(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    *,
    study: Annotated[str | None, typer.Option(metavar="NAME", help="A study.")] = None,
    size: SizeOption = "quick",
    sweep: Annotated[
        str | None, typer.Option(metavar="ID", help="A sweep's id, a prefix, name, or @latest.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="FILTER", help="Such as tag:figure-1; '' for all.")
    ] = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A saved figure's id; may be given several times."),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(help="Of the figures: inches, or neurips, iclr, ieee, ieee-two, ..."),
    ] = None,
    font_size: Annotated[float | None, typer.Option(help="Of the figures, in points.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a paper that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write up results in LaTeX: figures, captions, verdicts, setup and references.

    Name one of --study, --sweep, --query and --figure. It covers the experiments completed so far.

    For example:
    ```
    extrapolab paper balanced --study balanced --size full
    extrapolab paper supplement --query tag:figure-1 --width ieee
    ```
    """
    named = [value for value in (study, sweep, query, figure or None) if value is not None]
    if len(named) != 1:
        context.fail("Name one of --study, --sweep, --query and --figure.")
    if not force and folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty; --force replaces the files of a paper in it"
        raise typer.BadParameter(message, param_hint="DIR")
    options: dict[str, Any] = {"overwrite": force, "width": width, "font_size": font_size}
    with lab_of(context) as lab, console(stderr=True).status("Drawing the figures ..."):
        if study is not None:
            lab.study(study, size).paper(folder, **options)
        elif sweep is not None:
            lab.sweep_of(sweep).paper(folder, **options)
        elif query is not None:
            lab.query(query).paper(folder, **options)
        else:
            lab.paper(folder, *(figure or []), **options)
    for reason in left_out(folder):
        print_error(f"Left out: {reason}")
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    if as_json:
        typer.echo(json.dumps({"path": str(folder), "files": files}))
        return
    typer.echo("\n".join(files))
    compile_it = "pdflatex paper && bibtex paper && pdflatex paper && pdflatex paper"
    typer.echo(f"\nTo compile: cd {folder} && {compile_it}")
