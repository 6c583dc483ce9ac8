"""A spec as a table for people: by part, with what was chosen apart from what is default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.labels import value_text
from core.spec import METADATA, ExperimentSpec
from core.spec.paths import flatten
from core.symbols import QUANTITIES
from service.pages.frame.words import with_powers


@dataclass(frozen=True)
class Field:
    """A field: its path, name, symbol and value, and whether that differs from the default."""

    path: str
    name: str
    symbol: str
    value: str
    chosen: bool


def fields_by_part(
    content: Mapping[str, Any], spec: ExperimentSpec | None
) -> dict[str, list[Field]]:
    """The fields of each part of a spec.

    The kind of a part comes first.

    Args:
        content: The spec as JSON.
        spec: The same, validated; None for one that this version can't read.
    """
    chosen = (
        {} if spec is None else dict(flatten(spec.model_dump(mode="json", exclude_defaults=True)))
    )
    parts: dict[str, list[Field]] = {}
    for path, value in flatten(content):
        part, _, name = path.partition(".")
        if part in METADATA:
            continue
        known = QUANTITIES.get(path)
        words = known.words if known else (name or part).replace("_", " ").replace(".", ", ")
        text = with_powers(value_text(value, 17))
        field = Field(path, words, known.symbol if known else "", text, path in chosen)
        parts.setdefault(part, []).append(field)
    return {
        part: sorted(fields, key=lambda field: field.path != f"{part}.kind")
        for part, fields in parts.items()
    }
