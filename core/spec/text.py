"""Specs as text: JSON or YAML."""

import json
import re
from collections.abc import Hashable
from typing import Any

import yaml
from pydantic_core import from_json

MAX_PARTS = 250_000
"""Most lists, objects and strings of a JSON text; each takes far more memory than its two bytes."""

_LONGEST_KEY = 80
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class RepeatedKey(ValueError):
    """A key stands twice in one object, so that one of its values would be lost."""


class TooManyParts(ValueError):
    """A text has more lists, objects and strings than is allowed."""


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
        return _load(text) if is_json else parse_yaml(text)
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


def parse_json(text: str | bytes, *, most: int = MAX_PARTS) -> Any:
    """Parses JSON (RFC 8259, UTF-8), and NaN and infinities, whose fields are named later.

    Args:
        text: The text.
        most: Most lists, objects and strings that it may have.

    Raises:
        RepeatedKey: A key stands twice in one object.
        TooManyParts: It has more than ``most`` parts.
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    if isinstance(text, bytes):
        text = text.decode()
    if len(text) > 2 * most:
        _refuse_too_many(text, most)
    from_json(text)  # refuses what json accepts: half a surrogate pair, deep nesting
    return _load(text)


def _load(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_without_duplicate_keys)


def _refuse_too_many(text: str, most: int) -> None:
    if text.count("[") + text.count("{") + text.count('"') // 2 <= most:
        return  # more than enough, as it counts brackets inside strings, too
    outside, strings = _STRING.subn("", text)
    if (count := outside.count("[") + outside.count("{") + strings) > most:
        raise TooManyParts(f"{count} lists, objects and strings; the limit is {most}")


def parse_yaml(text: str) -> Any:
    """Parses YAML; a duplicate key is an error, and ``1e-3`` is a number as in YAML 1.2.

    Example:
        >>> parse_yaml("optimizer: {lr: 1e-3}")
        {'optimizer': {'lr': 0.001}}
    """
    return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader


def _without_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKey(f"the key {_brief(key)} appears twice")
            seen.add(key)
    return content


def _brief(key: str) -> str:
    return ascii(key) if len(key) <= _LONGEST_KEY else f"{key[:_LONGEST_KEY]!a}..."


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
