"""Arguments and options that several commands share, and how their values are read."""

import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from extrapolab.cli.shared_options import keep_as_json
from extrapolab.cli.terminal import print_error
from extrapolab.client.connection.waiting import show_waits
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.study import Size
from extrapolab.client.lab import Lab
from extrapolab.errors import LabError

T = TypeVar("T")

STUDY_FIGURE = "extrapolation"
"""The figure that a study always has."""

MAX_COMPLETIONS = 30
"""Most ids that are offered to a shell for completion."""


def lab_of(context: typer.Context, patience: float = 60.0) -> Lab:
    """Opens the lab that ``--url`` or the environment names; a terminal shows long waits for it."""
    show_waits(sys.stderr)
    try:
        return Lab(context.obj, patience=patience)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error


def experiments_of(lab: Lab, ids: Iterable[str]) -> list[Experiment]:
    """Fetches all of these experiments; raises NotFound if the lab lacks one."""
    return [lab.experiment(experiment_id) for experiment_id in ids]


def take(items: Iterable[T], limit: int) -> list[T]:
    """Returns the first ``limit`` items; says so if there are more."""
    items = [*itertools.islice(items, limit + 1)]
    if len(items) > limit:
        print_error(f"Only the first {limit} are shown; --limit shows more.")
    return items[:limit]


def key_value(text: str) -> tuple[str, str]:
    """Splits ``NAME=VALUE``; the value may be empty.

    Example:
        >>> key_value("y=fit_error")
        ('y', 'fit_error')
    """
    name, equals, value = text.partition("=")
    if not (name.strip() and equals):
        raise typer.BadParameter(f"should look like NAME=VALUE; it is {text!r}")
    return name.strip(), value.strip()


def _with_extension(path: Path | None) -> Path | None:
    if path is not None and not path.suffix:
        raise typer.BadParameter("needs an extension that names the format, such as .svg or .csv")
    return path


def _recent_experiments(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yields ids and names of the newest experiments; nothing if no lab answers."""
    try:
        with Lab(context.obj, patience=0) as lab:
            for experiment in lab.experiments(limit=MAX_COMPLETIONS):
                if experiment.id.startswith(incomplete):
                    yield experiment.id, experiment.record.name or experiment.state
    except (LabError, ValueError):  # ValueError: the URL is not valid; the command reports it
        return


_ID_HELP = "The experiment's id, exp_..., a unique prefix of it, its name, or @latest."
_FIGURE_HELP = "The file to write: .svg, .png, .pdf, .json for its data, or .txt for its caption."

ExactText = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Write text to CSV as it is. By default, text that a spreadsheet would compute, such "
        "as =1+1, has an apostrophe in front.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", callback=keep_as_json, help="Print JSON, one document per item."),
]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number to show.")]
SizeOption = Annotated[Size, typer.Option(help="quick takes minutes; full has the paper's size.")]
FigureFile = Annotated[
    Path | None, typer.Option("--output", "-o", callback=_with_extension, help=_FIGURE_HELP)
]
RequiredFigureFile = Annotated[
    Path, typer.Option("--output", "-o", callback=_with_extension, help=_FIGURE_HELP)
]
ExportFile = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        callback=_with_extension,
        help="The file to write: .csv, .json, .ndjson, .parquet, .arrow, .arrows (Arrow's stream), "
        "or .zip for everything.",
    ),
]
Filter = Annotated[
    str | None,
    typer.Argument(
        metavar="FILTER", help="Such as 'tag:figure-1 and outcome = diverged'. Default: all."
    ),
]
ExperimentId = Annotated[
    str, typer.Argument(metavar="ID", help=_ID_HELP, autocompletion=_recent_experiments)
]
_IDS = typer.Argument(
    metavar="ID",
    help="The experiments' ids, exp_..., unique prefixes of them, names, or @latest.",
    autocompletion=_recent_experiments,
)
ExperimentIds = Annotated[list[str], _IDS]
OptionalExperimentIds = Annotated[list[str] | None, _IDS]
MaxSeconds = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Fail it after this much training time."),
]
MaxMemory = Annotated[
    int | None, typer.Option(metavar="MB", help="Fail it if its trainer needs more.")
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Don't ask. Without a terminal, as in a script, nothing is asked."
    ),
]
SweepId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The sweep's id, swp_..., a unique prefix of it, its name, or @latest."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the input and store nothing.")]
Rerun = Annotated[bool, typer.Option("--rerun", help="Run again what the lab already has.")]
Watch = Annotated[bool, typer.Option("--watch", help="Show progress until everything has ended.")]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="TARGET",
        help="Notify this target once it has ended: one of the lab's, or a URL such as "
        "ntfys://ntfy.sh/my-topic. Can be given several times; 'none' is nobody.",
    ),
]
