"""JSON Schemas as words and tables."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from formulas import mark  # beside this module

BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
TYPES = {"string": "text", "boolean": "true or false"}


def type_in_words(schema: Mapping[str, Any], link: Callable[[str], str]) -> str:
    """The type and bounds of a schema; ``link`` leads to the part of a name."""
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
        return f"list of {type_in_words(schema.get('items', {}), link)}"
    values = schema.get("additionalProperties")
    if type_name == "object" and isinstance(values, dict) and values:
        return f"object of {type_in_words(values, link)}"
    if {"minimum", "maximum"} <= schema.keys():
        return f"{type_name}, {schema['minimum']:g} to {schema['maximum']:g}"
    limits = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
    return " ".join([TYPES.get(type_name, type_name), *limits])


def field_table(schema: Mapping[str, Any], link: Callable[[str], str]) -> Iterator[str]:
    """The fields of an object; those of an answer have no defaults."""
    required = schema.get("required", ())
    rows = []
    for name, field in schema["properties"].items():
        default = json.dumps(field["default"], ensure_ascii=False) if "default" in field else ""
        is_required = name in required
        rows.append(
            (
                f"`{name}`",
                type_in_words(field, link),
                "required" if is_required else default and f"`{default}`",
                mark(field.get("description", "")),
            )
        )
    return table(("field", "type", "default", "meaning"), rows)


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A Markdown table, without columns that would be empty."""
    columns = [column for column in zip(header, *rows, strict=True) if any(column[1:])]
    lines = [
        [str(cell).replace("|", r"\|").replace("\n", " ") for cell in line]
        for line in zip(*columns, strict=True)
    ]
    yield ""
    for number, cells in enumerate(lines):
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"| {' | '.join('---' for _ in cells)} |"
    yield ""
