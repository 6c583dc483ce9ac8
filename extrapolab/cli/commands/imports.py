"""The command that brings runs from elsewhere."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from extrapolab.cli import spec_files
from extrapolab.cli.commands import AsJson, lab_of
from extrapolab.cli.exit_codes import Exit
from extrapolab.cli.terminal import console, print_json

app = typer.Typer()


@app.command("import", rich_help_panel="Results")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table of runs, .csv, .json or .ndjson.")
    ],
    *,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What all rows have in common, YAML or JSON: parts of a spec."
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One more thing in common."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column", metavar="NAME=MEANING", help="What a column of another name means."
        ),
    ] = None,
    ignored: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="NAME", help="A column to leave out.")
    ] = None,
    origin: Annotated[
        str, typer.Option(help="Where and with what they were computed, in words.")
    ] = "",
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of all of them.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the file holds; store nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in runs that were computed elsewhere, to be found, compared and drawn beside the lab's own.

    Columns are fields of the spec by their paths, seed, outcome, steps and metrics; with a column
    step, a row is a recorded point. They stay marked as imported, and an equal spec that is
    submitted is run all the same.

    For example:
    ```
    extrapolab import runs.csv --base common.yaml --column loss=train_loss
    extrapolab import runs.csv --set outcome=fitted --ignore host --dry-run
    extrapolab query 'source = import'
    ```
    """
    shared = _shared(base, given or ())
    meanings: dict[str, str | None] = dict(map(_pair, columns or ())) | dict.fromkeys(ignored or ())
    with lab_of(context) as lab, _told():
        found = lab.import_runs(
            file, base=shared, columns=meanings, origin=origin, tags=tags or (), dry_run=dry_run
        )
    if as_json:
        print_json(found)
        return
    runs = sum(one.seeds for one in found.experiments)
    there = sum(one.reused for one in found.experiments)
    what = f"{len(found.experiments):,} experiments with {runs:,} runs"
    known = f", {there:,} of which were there" if there else ""
    console().print(
        f"{file} holds {what}" if dry_run else f"{what} imported{known}: tag:{found.tag}"
    )


@contextmanager
def _told() -> Iterator[None]:
    """A file that is no text ends the command with a sentence."""
    try:
        yield
    except ValueError as error:
        console(stderr=True).print(str(error))
        raise typer.Exit(Exit.USAGE) from error


def _shared(base: Path | None, given: Iterable[str]) -> dict[str, Any]:
    """What all rows have in common; or what is wrong with it, and the end."""
    try:
        shared = {} if base is None else spec_files.parse_yaml(base.read_text(encoding="utf-8"))
        if not isinstance(shared, dict):
            raise typer.BadParameter(f"{base} should hold names with values", param_hint="--base")
        return shared | {name: spec_files.parse_yaml(value) for name, value in map(_pair, given)}
    except (ValueError, yaml.YAMLError) as error:
        told = spec_files.mistake(error)
        console(stderr=True).print(
            f"What all rows have in common should be names with values in YAML or JSON: {told}"
        )
        raise typer.Exit(Exit.USAGE) from error


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise typer.BadParameter(f"should look like NAME=VALUE, it is {text!r}")
    return name, value
