"""Specs as text: JSON or YAML."""

import json
import re
from collections.abc import Hashable
from typing import Any

import yaml


class SyntaxProblem(ValueError):
    """A text that is neither JSON nor YAML; the message says where and why."""


def parse_text(text: str, *, is_yaml: bool = False) -> Any:
    """Parses JSON if the text starts with a brace, else YAML.

    Args:
        text: The text.
        is_yaml: Whether it is YAML even if it starts with a brace.

    Raises:
        SyntaxProblem: It can't be parsed.

    Example:
        >>> parse_text("optimizer: {lr: 1e-3}")
        {'optimizer': {'lr': 0.001}}
        >>> parse_text('{"seeds": 3, "seeds": 4}')
        Traceback (most recent call last):
        core.spec.text.SyntaxProblem: is not valid JSON: the key 'seeds' appears twice
    """
    is_json = text.lstrip().startswith("{") and not is_yaml
    try:
        return parse_json(text) if is_json else parse_yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        language = "JSON" if is_json else "YAML"
        raise SyntaxProblem(f"is not valid {language}: {describe_syntax_error(error)}") from error


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
