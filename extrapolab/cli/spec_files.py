"""Spec files: JSON or YAML, read so that every mistake is named with the file that it is in."""

import json
import re
import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from core.errors import Problem
from core.spec import ExperimentSpec, SweepSpec, explain
from extrapolab.problems import line

STDIN = "-"
_YAML_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class SpecFile:
    """A file that holds a valid spec.

    Attributes:
        name: The file's name, for people.
        content: What is in it, without the defaults: the lab fills in its own.
    """

    name: str
    content: Mapping[str, Any]


class Unreadable(Exception):
    """A file that can't be read, or that is neither JSON nor YAML."""


class Invalid(Exception):
    """A file that holds no valid spec; the message lists every problem."""

    def __init__(self, name: str, what: str, problems: Iterable[Problem]) -> None:
        """Names the file above its problems."""
        super().__init__(
            "\n".join(
                [f"{name} is not a valid {what}:", *(f"  {line(problem)}" for problem in problems)]
            )
        )


def read(path: str) -> SpecFile:
    """The spec of an experiment in the file ``path``, or in the standard input for ``-``.

    Raises:
        Unreadable: There is no such file, or it is neither JSON nor YAML.
        Invalid: What it holds is not a valid spec.
    """
    return _checked(path, ExperimentSpec, "experiment")


def read_sweep(path: str) -> SpecFile:
    """The sweep in the file ``path``, or in the standard input for ``-``; its points are left to the lab.

    Raises:
        Unreadable: There is no such file, or it is neither JSON nor YAML.
        Invalid: What it holds is not a sweep.
    """
    return _checked(path, SweepSpec, "sweep")


def _checked(path: str, model: type[BaseModel], what: str) -> SpecFile:
    name = "standard input" if path == STDIN else path
    try:
        text = sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{name} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name} can't be read: it is no text in UTF-8") from error
    is_json = text.lstrip().startswith("{") and not path.endswith(_YAML_ENDINGS)
    try:
        content = parse_json(text) if is_json else parse_yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Unreadable(
            f"{name} is not valid {'JSON' if is_json else 'YAML'}: {mistake(error)}"
        ) from error
    try:
        model.model_validate(content)
    except ValidationError as error:
        raise Invalid(name, what, explain(error, model)) from error
    return SpecFile(name, content)


def mistake(error: Exception) -> str:
    """What is wrong with a text that can't be parsed, and where."""
    match error:
        case json.JSONDecodeError():
            return f"line {error.lineno}, column {error.colno}: {error.msg}"
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark() as mark):
            began = error.context_mark
            context = (
                f" ({error.context}, from line {began.line + 1} on)"
                if error.context and began
                else ""
            )
            return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{context}"
        case _:
            return str(error)


def parse_json(text: str) -> Any:
    """What the JSON ``text`` holds; a key that is there twice is refused (ValueError)."""
    return json.loads(text, object_pairs_hook=_unrepeated)


def parse_yaml(text: str) -> Any:
    """What the YAML ``text`` holds; a key that is there twice is refused, and ``1e-3`` is a number as in YAML 1.2.

    Example:
        >>> parse_yaml("optimizer: {lr: 1e-3}")
        {'optimizer': {'lr': 0.001}}
    """
    return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(
            f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice"
        )
    return content


class _Loader(yaml.SafeLoader):
    """YAML 1.1's safe types, with the two repairs that specs need."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; a repeated key is an error at its place in the file."""
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
