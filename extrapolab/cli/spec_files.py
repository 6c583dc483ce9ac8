"""Spec files in JSON or YAML; every mistake is reported with the name of its file."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from core.errors import Problem
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import print_error
from extrapolab.problems import format_problem

if TYPE_CHECKING:
    from core.spec import ExperimentSpec, SweepSpec

STDIN = "-"
_YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class SpecFile:
    """A file with a valid spec.

    Attributes:
        name: The file's name, for messages.
        content: The spec as it was written; the lab fills in its own defaults.
    """

    name: str
    content: Mapping[str, Any]


class UnreadableFile(Exception):
    """A file that can't be read, or that is neither JSON nor YAML."""


class InvalidFile(Exception):
    """A file without a valid spec; the message lists every problem."""

    def __init__(self, name: str, kind: str, problems: Sequence[Problem]) -> None:
        """Lists the problems below the file's name; shows an example if fields are missing."""
        lines = [f"  {format_problem(problem)}" for problem in problems]
        if any(problem.code == "missing" or not problem.pointer for problem in problems):
            lines += [f"A valid {kind}:", *map("  {}".format, _example(kind).splitlines())]
        super().__init__("\n".join([f"{name} is not a valid {kind}:", *lines]))


def load_specs(paths: Iterable[str]) -> list[SpecFile]:
    """Reads experiments' specs; prints the problems of all files and exits if there are any."""
    specs, code = [], ExitCode.OK
    for path in paths:
        try:
            specs.append(read_spec(path))
        except UnreadableFile as error:
            print_error(error)
            code = ExitCode.USAGE
        except InvalidFile as error:
            print_error(error)
            code = code or ExitCode.REFUSED
    if code:
        raise typer.Exit(code)
    return specs


def load_sweep(path: str) -> dict[str, Any]:
    """Reads a sweep's base, axes, name and tags; prints the problems and exits if there are any."""
    try:
        content = read_sweep(path).content
    except UnreadableFile as error:
        print_error(error)
        raise typer.Exit(ExitCode.USAGE) from error
    except InvalidFile as error:
        print_error(error)
        raise typer.Exit(ExitCode.REFUSED) from error
    return {"axes": (), **content}


def read_spec(path: str) -> SpecFile:
    """Reads an experiment's spec from a file, or from standard input for ``-``.

    Raises:
        UnreadableFile: There is no such file, or it is neither JSON nor YAML.
        InvalidFile: Its content is not a valid spec.
    """
    from core.spec import ExperimentSpec  # noqa: PLC0415  # few commands read specs

    return _read(path, ExperimentSpec, "experiment")


def read_sweep(path: str) -> SpecFile:
    """Reads a sweep from a file, or from standard input for ``-``; the lab checks its points.

    Raises:
        UnreadableFile: There is no such file, or it is neither JSON nor YAML.
        InvalidFile: Its content is not a sweep.
    """
    from core.spec import SweepSpec  # noqa: PLC0415  # few commands read sweeps

    return _read(path, SweepSpec, "sweep")


def _read(path: str, model: "type[ExperimentSpec | SweepSpec]", kind: str) -> SpecFile:
    from core.spec import explain  # noqa: PLC0415  # as above
    from core.spec.text import SyntaxProblem, parse_text  # noqa: PLC0415  # as above

    name = "standard input" if path == STDIN else path
    text = _read_text(path, name)
    is_yaml = path.endswith(_YAML_SUFFIXES)
    try:
        content = parse_text(text, is_yaml=is_yaml)
    except SyntaxProblem as error:
        raise UnreadableFile(f"{name} {error}") from error
    try:
        model.model_validate(content)
    except ValidationError as error:
        raise InvalidFile(name, kind, explain(error, model)) from error
    return SpecFile(name, content)


def _example(kind: str) -> str:
    from core.spec.commented import plain_yaml  # noqa: PLC0415  # few commands read specs
    from core.spec.examples import EXAMPLE, SWEEP_EXAMPLE  # noqa: PLC0415  # as above

    return plain_yaml(SWEEP_EXAMPLE if kind == "sweep" else EXAMPLE)


def _read_text(path: str, name: str) -> str:
    try:
        return sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(f"{name} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} can't be read: it is not UTF-8 text") from error
