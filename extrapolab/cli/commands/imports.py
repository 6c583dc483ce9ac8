"""The command that imports runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from core.labels import how_many
from core.spec.text import describe_syntax_error, parse_yaml
from extrapolab.cli.arguments import AsJson, DryRun, key_value, lab_of
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import console, print_error, print_json

app = typer.Typer()


@app.command("import", rich_help_panel="Results")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table of runs: .csv, .json or .ndjson.")
    ],
    *,
    base: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Values that all rows share, in YAML or JSON."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A value that all rows share; repeatable."
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME=MEANING",
            help="The field or metric that a column holds; repeatable.",
        ),
    ] = None,
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="NAME", help="A column to leave out; repeatable."),
    ] = None,
    origin: Annotated[
        str, typer.Option(help="Where and how the runs were computed, in words.")
    ] = "",
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", help="A tag for all imported experiments; repeatable."
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import runs that were computed elsewhere.

    They can be found, compared and drawn beside the lab's own. The columns are fields of the spec
    (by path, such as training.length), seed, outcome, steps and metrics. A table with a column step
    has a row per recorded point. Imports are marked and never replace a computation: if you submit
    an equal spec, it runs.

    For example:
    ```
    extrapolab import runs.csv --base common.yaml --column loss=train_loss
    extrapolab import runs.csv --set outcome=fitted --ignore host --dry-run
    extrapolab query 'source = import'
    ```
    """
    shared = _shared_values(base, settings or ())
    meanings: dict[str, str | None] = dict(map(key_value, columns or ()))
    meanings.update(dict.fromkeys(ignored or ()))
    from extrapolab.client.progress import import_progress  # noqa: PLC0415  # loads the bars

    with lab_of(context) as lab:
        try:
            with import_progress(console(stderr=True)) as observe:
                imported = lab.import_runs(
                    file,
                    base=shared,
                    columns=meanings,
                    origin=origin,
                    tags=tags or (),
                    dry_run=dry_run,
                    observe=observe,
                )
        except ValueError as error:  # the file is not text, or too large
            print_error(error)
            raise typer.Exit(ExitCode.USAGE) from error
    if as_json:
        print_json(imported)
        return
    runs = sum(experiment.seeds for experiment in imported.experiments)
    counts = f"{how_many(len(imported.experiments), 'experiment')} with {how_many(runs, 'run')}"
    if dry_run:
        console().print(f"{file} has {counts}")
        return
    reused = sum(experiment.reused for experiment in imported.experiments)
    already_there = f", {reused:,} already there" if reused else ""
    console().print(f"{counts} imported{already_there}: tag:{imported.tag}")


def _shared_values(base: Path | None, settings: Iterable[str]) -> dict[str, Any]:
    """Reads the values that all rows share; prints an error and exits if they are not valid."""
    try:
        shared = {} if base is None else parse_yaml(base.read_text(encoding="utf-8"))
        if not isinstance(shared, dict):
            raise typer.BadParameter(f"{base} should hold NAME: VALUE pairs", param_hint="--base")
        for name, value in map(key_value, settings):
            shared[name] = parse_yaml(value)
    except (ValueError, yaml.YAMLError) as error:
        problem = describe_syntax_error(error)
        print_error(f"Shared values should be NAME: VALUE pairs in YAML or JSON: {problem}")
        raise typer.Exit(ExitCode.USAGE) from error
    return shared
