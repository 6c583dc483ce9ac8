"""The command that copies runs to other trackers."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from core.labels import how_many
from extrapolab.cli.arguments import AsJson, Filter, lab_of
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import console, print_error

if TYPE_CHECKING:
    from extrapolab.client.handles.query import Query
    from extrapolab.mirror import Mirrored, Store

app = typer.Typer()


@app.command(rich_help_panel="Results")
def mirror(
    context: typer.Context,
    filter: Filter = None,  # noqa: A002  # the lab's word
    *,
    mlflow: Annotated[
        str | None,
        typer.Option(
            metavar="URI", help="MLflow's tracking store: sqlite:///mlflow.db, or a server's URL."
        ),
    ] = None,
    trackio: Annotated[
        str | None, typer.Option(metavar="PROJECT", help="A project of Trackio on this machine.")
    ] = None,
    experiment: Annotated[
        str, typer.Option(metavar="NAME", help="The experiment of MLflow.")
    ] = "extrapolab",
    as_json: AsJson = False,
) -> None:
    """Copy runs to MLflow or Trackio, and bring earlier copies up to date.

    Each seed of an experiment that has ended becomes a run, with its spec, recorded points, final
    metrics, ids, hashes, state and tags.

    For example:
    ```
    extrapolab mirror tag:figure-1 --mlflow sqlite:///mlflow.db
    extrapolab mirror --trackio my-project
    ```
    """
    if (mlflow is None) == (trackio is None):
        raise typer.BadParameter("give either --mlflow URI or --trackio PROJECT")
    with lab_of(context) as lab:
        store = _store(mlflow, trackio, experiment)
        mirrored = _copy(lab.query(filter), lab.count(filter), store)
    if as_json:
        typer.echo(json.dumps(asdict(mirrored)))
        return
    console().print(
        f"{how_many(mirrored.written, 'run')} written, {mirrored.unchanged:,} up to date"
    )
    if mirrored.pending:
        runs = how_many(mirrored.pending, "run")
        print_error(f"{runs} of experiments that have not ended; run this again later.")


def _store(mlflow: str | None, trackio: str | None, experiment: str) -> "Store":
    from extrapolab.mirror import MlflowStore, TrackioStore  # noqa: PLC0415  # loads NumPy

    try:
        if mlflow is not None:
            return MlflowStore(mlflow, experiment)
        return TrackioStore(trackio or "")
    except ModuleNotFoundError as error:
        print_error(
            f"This command needs the Python package {error.name}: pip install 'extrapolab[mirror]'."
        )
        raise typer.Exit(ExitCode.USAGE) from error
    except Exception as error:  # of the tracker, which has many
        raise typer.BadParameter(f"can't be opened: {error}", param_hint="--mlflow") from error


def _copy(query: "Query", count: int, store: "Store") -> "Mirrored":
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415  # loads the bars

    from extrapolab.mirror import mirror as copy  # noqa: PLC0415  # loads NumPy

    shown = console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task("experiments", total=count)
        return copy(query, store, lambda _: bar.advance(task))
