"""Output: text for people, JSON for programs."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.streams import shows_unicode

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType

FILE_WIDTH = 240
"""Width in characters if the output is not a terminal."""

BELL_SECONDS = 10.0
"""Seconds of watching from which the end rings a bell."""

_RecordT = TypeVar("_RecordT", bound="BaseModel")


def console(*, stderr: bool = False) -> "Console":
    """Opens a console that prints text literally: brackets in a name are not markup."""
    from rich.console import Console  # noqa: PLC0415  # not needed before something is printed

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()

    return Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=not is_terminal,
        width=None if is_terminal else FILE_WIDTH,
    )


def print_error(message: object) -> None:
    """Prints a message on standard error."""
    console(stderr=True).print(str(message))


def print_json(value: "BaseModel") -> None:
    """Prints one JSON document; non-finite numbers are "NaN", "Infinity" and "-Infinity"."""
    typer.echo(
        value.model_dump_json(
            indent=2 if sys.stdout.isatty() else None, ensure_ascii=not shows_unicode()
        )
    )


def print_records(
    records: Sequence[_RecordT],
    as_table: "Callable[[Sequence[_RecordT]], RenderableType]",
    *,
    as_json: bool,
    empty: str = "Nothing.",
) -> None:
    """Prints records as a table, or one JSON document each."""
    if as_json:
        for record in records:
            print_json(record)
    else:
        console().print(as_table(records) if records else empty)


def print_path(path: Path, *, as_json: bool) -> None:
    """Prints the path of a file that was written."""
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


def confirm(question: str, *, yes: bool) -> None:
    """Asks before something that can't be undone; ends the command unless the answer is yes.

    Nothing is asked if the answer is given (``yes``), or if nobody is at a terminal.
    """
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(question, err=True):
        print_error("Nothing was deleted.")
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def resumable(command: str) -> Iterator[None]:
    """Watches something: rings the terminal's bell at the end, unless it came at once.

    On Ctrl-C, prints the command that resumes watching; the lab keeps running experiments.
    """
    began = time.monotonic()
    try:
        yield
        if time.monotonic() - began >= BELL_SECONDS and sys.stderr.isatty():
            sys.stderr.write("\a")
    except KeyboardInterrupt:
        print_error(f"Still running. Resume with: {command}")
        raise
