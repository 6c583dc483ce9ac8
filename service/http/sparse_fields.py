"""Parts of an item: what ``fields=`` leaves of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from core.errors import Problem
from service.http.errors import Invalid, unknown

MOST = 100
"""Parts that one request names."""

Path = tuple[str, ...]


def paths(fields: str, model: type[BaseModel]) -> list[Path]:
    """The named parts of a ``model``, its id always among them.

    Raises:
        Invalid: One of them isn't a part of it. Inside a part, what isn't there is left out.
    """
    names = list(dict.fromkeys(["id", *(name.strip() for name in fields.split(","))]))
    if len(names) > MOST:
        raise Invalid(
            Problem(
                "/query/fields", "too_many", f"should name at most {MOST} parts", str(len(names))
            )
        )
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


def of(item: Any, chosen: Sequence[Path]) -> Any:
    """These parts of an item; a path leads through lists into each of their items."""
    if () in chosen:
        return item
    if isinstance(item, list | tuple):
        return [of(one, chosen) for one in item]
    content = (
        dict(item)
        if isinstance(item, Mapping)
        else item.model_dump()
        if isinstance(item, BaseModel)
        else None
    )
    if content is None:
        return item
    inner: dict[str, list[Path]] = {}
    for path in chosen:
        inner.setdefault(path[0], []).append(path[1:])
    return {name: of(part, inner[name]) for name, part in content.items() if name in inner}
