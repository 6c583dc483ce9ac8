"""Ids of what people pass: ids, handles, records and rows, alone or in lists."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, cast


class Identified(Protocol):
    """Something with an id, such as a handle or a record."""

    @property
    def id(self) -> Any:
        """Its id."""


Reference: TypeAlias = str | Identified | Mapping[str, Any]
"""An id, a handle or record that has one, or a row with a column ``id`` or ``experiment``."""

References: TypeAlias = Reference | Iterable[Reference]
"""One of them, or several."""


def id_of(given: Reference) -> str:
    """The id of one thing.

    Raises:
        TypeError: It has none.
    """
    if isinstance(given, str):
        return given
    names = ("id", "experiment")
    if isinstance(given, Mapping):
        found = next((given[name] for name in names if name in given), None)
    else:
        found = next((vars_of for name in names if (vars_of := getattr(given, name, None))), None)
    if isinstance(found, str):
        return found
    raise TypeError(
        f"should be an id, or what has one, not a {type(given).__name__}: {given!r:.80}"
    )


def ids_of(*given: References) -> list[str]:
    """The ids of things, and of iterables of them such as a sweep or a query.

    Example:
        >>> ids_of("exp_1", ["exp_2", {"id": "exp_3"}])
        ['exp_1', 'exp_2', 'exp_3']
    """
    ids: list[str] = []
    for item in given:
        if isinstance(item, str):
            ids.append(item)
        elif isinstance(item, Iterable) and not isinstance(item, Mapping) and not _is_model(item):
            ids += ids_of(*item)
        else:
            ids.append(id_of(cast("Reference", item)))
    return ids


def _is_model(item: object) -> bool:
    return hasattr(item, "model_dump")  # a record is iterable, too
