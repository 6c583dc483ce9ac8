"""JSON Schemas as tables."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from formulas import mark  # beside this module

from core.spec.schema import type_in_words


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
