"""Sparse fields: what ``fields=`` selects of an experiment, parts of its answer and columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from core.errors import Problem
from service.http.errors import Invalid, unknown
from service.schemas.base import instant
from store.query import columns
from store.query.columns import Column
from store.query.errors import BadQuery
from store.query.fields import FIELDS, NAMES, Field, Kind
from store.query.names import split_names

MAX_PARTS = 100
"""Most parts that one request can name."""

EVERYTHING = "*"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The selected paths into the answer, and the columns beside them; by default the whole answer.

    A name such as ``state`` or ``spec.training.length`` is a path. Any other name of the filter
    language, such as ``training.length`` or ``median(fit_error)``, is a column.
    """

    paths: Sequence[Path] = ((),)
    columns: Sequence[Column] = field(default=())

    def of(self, answer: BaseModel, values: Iterable[Any]) -> Any:
        """The selected parts of an answer, and its ``values`` at the columns by their names."""
        parts = project(answer, self.paths)
        if not self.columns:
            return parts
        content = parts.model_dump() if isinstance(parts, BaseModel) else parts
        pairs = zip(self.columns, values, strict=True)
        return {**content, **{column.name: _shown(column, value) for column, value in pairs}}


def parse(fields: str, model: type[BaseModel]) -> Selection:
    """The paths that a list of names selects of a ``model``, always with its id.

    Raises:
        Invalid: A name is neither a path into the model nor a column. Of a path, only the first
            name is checked; it selects nothing if a deeper one doesn't exist.
    """
    names = split_names(fields, "/query/fields", Invalid)
    if len(names) > MAX_PARTS:
        message = f"should name at most {MAX_PARTS} parts"
        raise Invalid(Problem("/query/fields", "too_many", message, str(len(names))))
    known = {
        info.serialization_alias or info.alias or name for name, info in model.model_fields.items()
    }
    paths: list[Path] = [("id",)]
    others: list[str] = []
    problems = []
    for name in names:
        if name == EVERYTHING:
            paths.append(())
        elif name.split(".")[0] in known:
            paths.append(tuple(name.split(".")))
        elif name in NAMES or "(" in name:
            others.append(name)
        else:
            problem = unknown("/query/fields", "field", name, [*known, *FIELDS])
            allowed = f"{', '.join(sorted(known))}, and the names that GET /v1/fields lists"
            problems.append(replace(problem, allowed=allowed))
    if problems:
        raise Invalid(*problems)
    return Selection(paths, _columns(others))


def _columns(names: Sequence[str]) -> list[Column]:
    try:
        return columns.parse(",".join(names)) if names else []
    except BadQuery as error:
        raise Invalid(*error.at("/query/fields").problems) from None


def _shown(column: Column, value: Any) -> Any:
    """A value as answers show it; a time is one in UTC."""
    is_time = isinstance(column.term, Field) and column.term.kind is Kind.TIME
    return instant(value) if is_time and value is not None else value


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
