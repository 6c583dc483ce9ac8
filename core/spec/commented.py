"""Specs as YAML with a comment on every field: what it means, its bounds and its default."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from core.spec.schema import (
    Schema,
    experiment_schema,
    kinds_of,
    parts_of,
    resolved,
    sweep_schema,
    type_in_words,
)

WIDTH = 96
"""Width of a comment in characters."""

_INDENT = "  "


def commented_yaml(content: Mapping[str, Any], header: Iterable[str] = ()) -> str:
    """An experiment, or a sweep if it has a ``base``, as YAML.

    Args:
        content: Its fields, in their order; those left out stay out.
        header: Lines of the comment in front.

    Example:
        >>> print(commented_yaml({"training": {"length": 6}}), end="")
        # The training sequences and the loss.
        training:
          # k, the length of the training sequences. (integer, 1 to 10,000; required)
          length: 6
    """
    schema = sweep_schema() if "base" in content else experiment_schema()
    lines = [f"# {line}".rstrip() for line in header]
    lines += _fields(content, schema, schema["$defs"], "")
    return "\n".join(lines) + "\n"


def plain_yaml(content: Mapping[str, Any]) -> str:
    """An experiment or a sweep in a few lines, without comments.

    Example:
        >>> from core.spec.examples import EXAMPLE
        >>> print(plain_yaml(EXAMPLE), end="")
        name: two poles, near zero
        teacher: {kind: balanced, eigenvalues: {kind: list, values: [0.9, -0.5]}}
        student: {kind: linear, dim: 20, start: {kind: gaussian, scale: 0.001}}
        training: {length: 6}
        optimizer: {kind: gd, lr: 0.02, steps: 5000}
        seeds: 3
    """
    lines = []
    for name, value in content.items():
        if name == "base":
            lines += ["base:", *(f"  {line}" for line in plain_yaml(value).splitlines())]
        elif name == "axes":
            lines += ["axes:", *(f"  - {_flow(axis)}" for axis in value)]
        else:
            lines.append(f"{name}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _fields(
    content: Mapping[str, Any], node: Schema, definitions: Schema, indent: str
) -> Iterator[str]:
    """Yields the lines of an object's fields."""
    kinds = kinds_of(node, definitions)
    default = next((one for one in kinds.values() if "default" in one["properties"]["kind"]), node)
    chosen = kinds.get(content.get("kind", ""), default)
    fields = parts_of(chosen, definitions)
    required = resolved(chosen, definitions).get("required", ())
    for name, value in content.items():
        field = fields.get(name, {})
        if name == "kind" and kinds:
            yield from _comment([chosen.get("description", "")], indent)
            others = [kind for kind in kinds if kind != value]
            yield from _comment([f"Other kinds: {', '.join(others)}." if others else ""], indent)
        elif isinstance(value, Mapping):
            yield from _comment([field.get("description", "")], indent)
        else:
            yield from _comment(_about_value(name, field, definitions, required), indent)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _fields(value, field, definitions, indent + _INDENT)
        elif name == "axes" and value:
            yield f"{indent}{name}:"
            yield from (f"{indent}{_INDENT}- {_flow(axis)}" for axis in value)
        else:
            yield f"{indent}{name}: {_flow(value)}"


def _about_value(
    name: str, field: Schema, definitions: Schema, required: Iterable[str]
) -> Iterator[str]:
    """Yields what a field means, its type with its bounds, and its default."""

    def link(part: str) -> str:
        fields = definitions[part].get("properties", {})
        kind = fields.get("kind", {}).get("const")
        return f"kind {kind}" if kind else f"{{{', '.join(fields)}}}"

    yield field.get("description", "")
    facts = [type_in_words(field, link)]
    if name in required:
        facts.append("required")
    elif "default" in field:
        facts.append(f"default {_flow(field['default'])}")
    yield f"({'; '.join(facts)})" if field else ""


def _comment(parts: Iterable[str], indent: str) -> Iterator[str]:
    """Yields lines of at most :data:`WIDTH` characters."""
    text = " ".join(part for part in parts if part).replace("`", "")
    for paragraph in text.split("\n\n"):
        for line in textwrap.wrap(paragraph, WIDTH - len(indent) - 2, break_on_hyphens=False):
            yield f"{indent}# {line}"


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, str):
        text = yaml.safe_dump(value, allow_unicode=True, width=10**9)
        return text.removesuffix("\n").removesuffix("\n...") or json.dumps(value)
    text = yaml.safe_dump(
        _plain(value), default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: Any) -> Any:
    """A value without tuples, which YAML would mark."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
