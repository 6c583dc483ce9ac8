"""The commands, one file per noun of the command line. All of them talk to the lab that the context names."""

from typing import Annotated

import typer

from extrapolab.lab import Lab

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one document per thing, for programs.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The experiment's id, exp_...")]


def lab_of(context: typer.Context) -> Lab:
    """The lab that ``--url`` or the environment names."""
    return Lab(context.obj)
