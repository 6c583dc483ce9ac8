"""Spec files in JSON or YAML; every mistake is reported with the name of its file."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from core.errors import Problem
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import print_error
from extrapolab.problems import format_problem

STDIN = "-"
_YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class SpecFile:
    """A file with a valid spec.

    Attributes:
        name: The file's name, for messages.
        content: The spec as it was written; the lab fills in its own defaults.
        is_sweep: Whether it is the spec of a sweep.
    """

    name: str
    content: Mapping[str, Any]
    is_sweep: bool = False


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


class WrongFile(InvalidFile):
    """A file with another kind of spec than is wanted; the message says what takes it."""

    def __init__(self, name: str, found: str) -> None:
        """Says what was found in the file."""
        taken_by = "'extrapolab submit' takes it, and 'extrapolab submit --dry-run' checks it"
        Exception.__init__(self, f"{name} is {found}: {taken_by}")


def load_submissions(paths: Iterable[str]) -> list[SpecFile]:
    """Reads the specs of experiments and of sweeps as :func:`load_specs` does."""
    return _load(paths, read_submission)


def load_specs(paths: Iterable[str]) -> list[SpecFile]:
    """Reads experiments' specs; prints the problems of all files and exits if there are any."""
    return _load(paths, read_spec)


def _load(paths: Iterable[str], read: Callable[[str], SpecFile]) -> list[SpecFile]:
    specs, code = [], ExitCode.OK
    for path in paths:
        try:
            specs.append(read(path))
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
    return _read(_parsed(path), "experiment")


def read_sweep(path: str) -> SpecFile:
    """Reads a sweep from a file, or from standard input for ``-``; the lab checks its points.

    Raises:
        UnreadableFile: There is no such file, or it is neither JSON nor YAML.
        InvalidFile: Its content is not a sweep.
    """
    return _read(_parsed(path), "sweep")


def read_submission(path: str) -> SpecFile:
    """Reads the spec of an experiment or of a sweep, whichever the content looks like.

    Raises:
        UnreadableFile: There is no such file, or it is neither JSON nor YAML.
        InvalidFile: Its content is neither a valid spec nor a sweep.
    """
    from core.spec.body_kind import looks_like_sweep  # noqa: PLC0415  # few commands read specs

    file = _parsed(path)
    return _read(file, "sweep" if looks_like_sweep(file.content) else "experiment")


def _parsed(path: str) -> SpecFile:
    """A file's content, whatever it is."""
    from core.spec.text import SyntaxProblem, parse_text  # noqa: PLC0415  # as above

    name = "standard input" if path == STDIN else path
    text = _read_text(path, name)
    is_yaml = path.endswith(_YAML_SUFFIXES)
    try:
        content = parse_text(text, is_yaml=is_yaml)
    except SyntaxProblem as error:
        raise UnreadableFile(f"{name} {error}") from error
    return SpecFile(name, content)


def _read(file: SpecFile, kind: str) -> SpecFile:
    """The file, whose content is a valid spec of a kind: ``experiment`` or ``sweep``."""
    from core.spec import ExperimentSpec, SweepSpec, explain  # noqa: PLC0415  # as above
    from core.spec.body_kind import looks_like_experiment, looks_like_sweep  # noqa: PLC0415

    model = SweepSpec if kind == "sweep" else ExperimentSpec
    try:
        model.model_validate(file.content)
    except ValidationError as error:
        if kind == "sweep" and looks_like_experiment(file.content):
            raise WrongFile(file.name, "the spec of one experiment") from error
        if kind == "experiment" and looks_like_sweep(file.content):
            raise WrongFile(file.name, "a sweep") from error
        raise InvalidFile(file.name, kind, explain(error, model)) from error
    return replace(file, is_sweep=kind == "sweep")


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
