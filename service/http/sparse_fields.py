"""Sparse fields: the parts of an item that ``fields=`` selects."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from core.errors import Problem
from service.http.errors import Invalid, unknown
from store.query.names import split_names

MAX_PARTS = 100
"""Most parts that one request can name."""

Path = tuple[str, ...]


def paths(fields: str, model: type[BaseModel]) -> list[Path]:
    """The paths of the named parts of a ``model``; its id is always among them.

    Raises:
        Invalid: The first name of a path is no field of the model. Deeper names aren't checked,
            and select nothing if they don't exist.
    """
    names = list(dict.fromkeys(["id", *split_names(fields, "/query/fields", Invalid)]))
    if len(names) > MAX_PARTS:
        message = f"should name at most {MAX_PARTS} parts"
        raise Invalid(Problem("/query/fields", "too_many", message, str(len(names))))
    known = {
        info.serialization_alias or info.alias or name for name, info in model.model_fields.items()
    }
    problems = [
        unknown("/query/fields", "field", name, sorted(known))
        for name in names
        if name.split(".")[0] not in known
    ]
    if problems:
        raise Invalid(*problems)
    return [tuple(name.split(".")) for name in names]


def project(item: Any, selected: Sequence[Path]) -> Any:
    """The selected parts of an item; a path continues into each element of a list."""
    if () in selected:
        return item
    if isinstance(item, list | tuple):
        return [project(element, selected) for element in item]
    if isinstance(item, Mapping):
        content = dict(item)
    elif isinstance(item, BaseModel):
        content = item.model_dump()
    else:
        return item
    inner: dict[str, list[Path]] = {}
    for path in selected:
        inner.setdefault(path[0], []).append(path[1:])
    return {name: project(part, inner[name]) for name, part in content.items() if name in inner}
