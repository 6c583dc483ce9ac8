"""The commands, one file per noun of the command line.

All of them talk to the lab that the context names.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from extrapolab.cli.terminal import console
from extrapolab.client.lab import Lab
from extrapolab.errors import LabError

T = TypeVar("T")

MOST_PROPOSED = 30
"""Ids that a shell is given to complete with."""


def lab_of(context: typer.Context) -> Lab:
    """The lab that ``--url`` or the environment names."""
    return Lab(context.obj)


def first(found: Iterable[T], limit: int) -> list[T]:
    """The first so many; says where there are more."""
    some = [*itertools.islice(found, limit + 1)]
    if len(some) > limit:
        console(stderr=True).print(f"The first {limit} are shown; --limit shows more.")
    return some[:limit]


def _recent_experiments(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Ids of the newest experiments, and what they are called, for who types one; none where no lab answers."""
    try:
        with Lab(context.find_root().params.get("url"), patience=0) as lab:
            for experiment in lab.experiments(limit=MOST_PROPOSED):
                if experiment.id.startswith(incomplete):
                    yield experiment.id, experiment.record.name or experiment.state
    except (LabError, ValueError):  # ValueError: no URL at all; the command will say so
        return


def _with_ending(path: Path | None) -> Path | None:
    if path is not None and not path.suffix:
        raise typer.BadParameter("needs an ending that names the format, such as .svg")
    return path


AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, one document per thing, for programs.")
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        callback=_with_ending,
        help="Where to; .svg, .png, .pdf or .json (the figure's data).",
    ),
]
_ID = "The experiment's id, exp_..., or enough of its beginning."
Id = Annotated[str, typer.Argument(metavar="ID", help=_ID, autocompletion=_recent_experiments)]
PerhapsId = Annotated[
    str | None, typer.Argument(metavar="ID", help=_ID, autocompletion=_recent_experiments)
]
Ids = Annotated[
    list[str],
    typer.Argument(
        metavar="ID",
        help="Ids of experiments, or enough of their beginnings.",
        autocompletion=_recent_experiments,
    ),
]
