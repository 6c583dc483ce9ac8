"""The JSON Schema of specs and of their parts, and types in words."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from core.spec.experiment import ExperimentSpec
from core.spec.sweep import SweepSpec

Schema = Mapping[str, Any]

SWEEP = "sweep"
"""The name of a sweep among the parts; all others are paths in an experiment."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_LARGEST_SHOWN = 2**53
_TYPES = {"string": "text", "boolean": "true or false"}


class UnknownPart(ValueError):
    """A path that leads to no part of a spec; the message lists what there is."""


@cache
def experiment_schema() -> Schema:
    """The JSON Schema of an experiment."""
    return ExperimentSpec.model_json_schema()


@cache
def sweep_schema() -> Schema:
    """The JSON Schema of a sweep, whose base is an experiment with nothing required."""
    schema, experiment = SweepSpec.model_json_schema(), experiment_schema()
    base = {
        **{name: part for name, part in experiment.items() if name not in {"$defs", "required"}},
        "description": schema["properties"]["base"]["description"],
    }
    return {
        **schema,
        "properties": {**schema["properties"], "base": base},
        "$defs": {**experiment["$defs"], **schema["$defs"]},
    }


def part_schema(path: str = "") -> dict[str, Any]:
    """The JSON Schema of an experiment, of a ``sweep``, or of the part at a path.

    Args:
        path: Such as ``student.start``. A kind can be part of it: ``student.linear.start``.

    Raises:
        UnknownPart: There is no such part.

    Example:
        >>> schema = part_schema("teacher.delay")
        >>> sorted(schema["properties"]), schema["properties"]["lag"]["maximum"]
        (['kind', 'lag'], 4095)
        >>> part_schema("training.size")
        Traceback (most recent call last):
        core.spec.schema.UnknownPart: training has no part 'size'; it has: length, outputs, loss
    """
    whole = sweep_schema() if path == SWEEP else experiment_schema()
    node, names = whole, [] if path in {"", SWEEP} else path.split(".")
    for place, name in enumerate(names):
        parts = parts_of(node, whole["$defs"])
        if name not in parts:
            holder = ".".join(names[:place]) or "an experiment"
            raise UnknownPart(f"{holder} has no part '{name}'; it has: {', '.join(parts)}")
        node = parts[name]
    node = resolved(node, whole["$defs"])
    definitions: dict[str, Any] = {}
    _collect(node, whole["$defs"], definitions)
    rest = {key: value for key, value in node.items() if key != "$defs"}
    found = {"$defs": definitions} if definitions else {}
    return {"$schema": _DIALECT, **rest, **found}


def resolved(node: Schema, definitions: Schema) -> Schema:
    """The node that a ``$ref`` refers to; any other node itself."""
    return definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def alternatives(node: Schema, definitions: Schema) -> Iterator[Schema]:
    """Yields every schema that a union allows; of another node, the node itself."""
    node = resolved(node, definitions)
    choices = node.get("anyOf") or node.get("oneOf")
    if choices is None:
        yield node
    for choice in choices or ():
        yield from alternatives(choice, definitions)


def kinds_of(node: Schema, definitions: Schema) -> dict[str, Schema]:
    """The schema of each kind of a part; none if it has no kinds."""
    kinds: dict[str, Schema] = {}
    for choice in alternatives(node, definitions):
        kind = choice.get("properties", {}).get("kind", {})
        names = kind.get("enum", [kind["const"]] if "const" in kind else [])
        kinds |= dict.fromkeys(names, choice)
    return kinds


def parts_of(node: Schema, definitions: Schema) -> dict[str, Schema]:
    """The schemas of a part's fields and kinds; of a field that several kinds have, all of them."""
    fields: dict[str, list[Schema]] = {}
    for choice in alternatives(node, definitions):
        for name, field in choice.get("properties", {}).items():
            found = fields.setdefault(name, [])
            if field not in found:
                found.append(field)
    parts = {
        name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in fields.items()
    }
    return {**parts, **kinds_of(node, definitions)}


def type_in_words(schema: Schema, link: Callable[[str], str]) -> str:
    """The type and bounds of a schema, in Markdown; ``link`` leads to the part of a name."""
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            words = (type_in_words(choice, link) for choice in schema[keyword])
            return " or ".join(dict.fromkeys(words))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if set(schema.get("enum", ())) == {"NaN", "Infinity", "-Infinity"}:
        return "non-finite"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    type_name = schema.get("type", "anything")
    if type_name == "array":
        return _list_in_words(schema, link)
    values = schema.get("additionalProperties")
    if type_name == "object" and isinstance(values, dict) and values:
        return f"object of {type_in_words(values, link)}"
    bounds = {
        key: schema[key] for key in _BOUNDS if schema.get(key, _LARGEST_SHOWN) < _LARGEST_SHOWN
    }
    if {"minimum", "maximum"} == bounds.keys():
        return f"{type_name}, {_number(bounds['minimum'])} to {_number(bounds['maximum'])}"
    limits = " and ".join(f"{_BOUNDS[key]} {_number(bound)}" for key, bound in bounds.items())
    return f"{_TYPES.get(type_name, type_name)} {limits}".rstrip()


def _list_in_words(schema: Schema, link: Callable[[str], str]) -> str:
    if "prefixItems" in schema:
        items = (type_in_words(item, link) for item in schema["prefixItems"])
        return f"list of {len(schema['prefixItems'])}, each {' or '.join(dict.fromkeys(items))}"
    return f"list of {type_in_words(schema.get('items', {}), link)}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _collect(node: Any, definitions: Schema, found: dict[str, Any]) -> None:
    """Adds the definitions that a schema refers to, directly or through others."""
    if isinstance(node, dict):
        name = node.get("$ref", "").rpartition("/")[2]
        if name and name not in found:
            found[name] = definitions[name]
            _collect(definitions[name], definitions, found)
        parts: Iterable[Any] = [value for key, value in node.items() if key != "$defs"]
    else:
        parts = node if isinstance(node, list) else ()
    for part in parts:
        _collect(part, definitions, found)
