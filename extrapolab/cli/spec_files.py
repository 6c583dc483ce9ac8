"""Spec files in JSON or YAML; every mistake is reported with the name of its file."""

import json
import re
import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import BaseModel, ValidationError

from core.errors import Problem
from core.spec import ExperimentSpec, SweepSpec, explain
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
    """

    name: str
    content: Mapping[str, Any]


class UnreadableFile(Exception):
    """A file that can't be read, or that is neither JSON nor YAML."""


class InvalidFile(Exception):
    """A file without a valid spec; the message lists every problem."""

    def __init__(self, name: str, kind: str, problems: Iterable[Problem]) -> None:
        """Lists the problems below the file's name."""
        lines = (f"  {format_problem(problem)}" for problem in problems)
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
    return _read(path, ExperimentSpec, "experiment")


def read_sweep(path: str) -> SpecFile:
    """Reads a sweep from a file, or from standard input for ``-``; the lab checks its points.

    Raises:
        UnreadableFile: There is no such file, or it is neither JSON nor YAML.
        InvalidFile: Its content is not a sweep.
    """
    return _read(path, SweepSpec, "sweep")


def _read(path: str, model: type[BaseModel], kind: str) -> SpecFile:
    name = "standard input" if path == STDIN else path
    text = _read_text(path, name)
    is_json = text.lstrip().startswith("{") and not path.endswith(_YAML_SUFFIXES)
    try:
        content = parse_json(text) if is_json else parse_yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        language = "JSON" if is_json else "YAML"
        message = f"{name} is not valid {language}: {describe_syntax_error(error)}"
        raise UnreadableFile(message) from error
    try:
        model.model_validate(content)
    except ValidationError as error:
        raise InvalidFile(name, kind, explain(error, model)) from error
    return SpecFile(name, content)


def _read_text(path: str, name: str) -> str:
    try:
        return sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableFile(f"{name} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} can't be read: it is not UTF-8 text") from error


def describe_syntax_error(error: Exception) -> str:
    """Says where a text can't be parsed, and why."""
    match error:
        case json.JSONDecodeError():
            return f"line {error.lineno}, column {error.colno}: {error.msg}"
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark() as mark):
            context = ""
            if error.context and error.context_mark:
                context = f" ({error.context}, from line {error.context_mark.line + 1} on)"
            return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{context}"
        case _:
            return str(error)


def parse_json(text: str) -> Any:
    """Parses JSON; a duplicate key is an error (ValueError)."""
    return json.loads(text, object_pairs_hook=_without_duplicate_keys)


def parse_yaml(text: str) -> Any:
    """Parses YAML; a duplicate key is an error, and ``1e-3`` is a number as in YAML 1.2.

    Example:
        >>> parse_yaml("optimizer: {lr: 1e-3}")
        {'optimizer': {'lr': 0.001}}
    """
    return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader


def _without_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"the key {key!r} appears twice")
        content[key] = value
    return content


class _Loader(yaml.SafeLoader):
    """YAML 1.1's safe types, without duplicate keys and with YAML 1.2's numbers."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Builds a mapping; a duplicate key is an error at its position in the file."""
        keys: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} appears twice", key.start_mark
                )
            keys.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
