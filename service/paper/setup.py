"""The setup of experiments: the fields of their specs that they share, and those that vary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.figures.coordinates import distinct
from core.labels import value_text, value_texts
from core.spec import METADATA
from core.spec.paths import flatten
from core.symbols import quantity

LISTED = 12
"""Most values of a field that are all written out."""


@dataclass(frozen=True)
class Row:
    """A field in words, its symbol if it has one, and its value or values."""

    words: str
    symbol: str
    values: str


def shared_and_varied(contents: Sequence[Mapping[str, Any]]) -> tuple[list[Row], list[Row]]:
    """The fields that have one value in all specs, and the others.

    A field that is absent everywhere is left out, unless its absence means something.
    """
    flat_specs = [dict(flatten(_without_metadata(content))) for content in contents]
    paths = dict.fromkeys(path for flat in flat_specs for path in flat)
    parts = [*dict.fromkeys(path.partition(".")[0] for path in paths)]
    shared, varied = [], []
    for path in sorted(paths, key=lambda path: _place(path, parts)):
        values = distinct([flat.get(path) for flat in flat_specs])
        known = quantity(path)
        if len(values) > 1:
            varied.append(Row(known.words, known.symbol, _listed(path, values)))
        elif values[0] is not None or known.absent:
            shared.append(Row(known.words, known.symbol, _text(path, values[0])))
    return shared, varied


def _place(path: str, parts: Sequence[str]) -> tuple[int, bool]:
    """Sorts by part of the spec, the kind of each part first."""
    part = path.partition(".")[0]
    return parts.index(part), path != f"{part}.kind"


def _without_metadata(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in content.items() if name not in METADATA}


def _listed(path: str, values: Sequence[Any]) -> str:
    present = [value for value in values if value is not None]
    texts = value_texts(present)
    if len(texts) > LISTED:
        texts = [*texts[: LISTED // 2], "...", texts[-1], f"{len(values)} values"]
    if len(present) < len(values):
        texts.append(_text(path, None))
    return ", ".join(texts)


def _text(path: str, value: Any) -> str:
    return quantity(path).absent or "none" if value is None else value_text(value)
