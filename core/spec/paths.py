"""Dotted paths, such as ``training.length``, into a spec or another document as JSON."""

from collections.abc import Iterator, Mapping
from typing import Any


def value_at(document: Any, path: str) -> Any:
    """Returns the value at a path, None if the path is absent.

    Example:
        >>> value_at({"training": {"length": 6}}, "training.length")
        6
    """
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def set_at(document: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value at a path; copies the inner objects on the way, which may be shared.

    Raises:
        TypeError: The path leads through a value that is not an object.

    Example:
        >>> shared = {"training": {"length": 6}}
        >>> document = dict(shared)
        >>> set_at(document, "training.length", 8)
        >>> set_at(document, "teacher.seed", 1)
        >>> document, shared
        ({'training': {'length': 8}, 'teacher': {'seed': 1}}, {'training': {'length': 6}})
    """
    *parents, last = path.split(".")
    for name in parents:
        inner = document.get(name, {})
        if not isinstance(inner, Mapping):
            raise TypeError(f"{path} leads through {name}, which is not an object")
        document[name] = dict(inner)
        document = document[name]
    document[last] = value


def flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the values that are not objects, each with its path. A list is one value.

    Example:
        >>> dict(flatten({"training": {"length": 6}, "seeds": [0, 1]}))
        {'training.length': 6, 'seeds': [0, 1]}
    """
    for name, value in document.items():
        path = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping):
            yield from flatten(value, path)
        else:
            yield path, value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Builds nested objects from values by path, the inverse of :func:`flatten`.

    If one path is the start of another, the value at the shorter one wins.

    Example:
        >>> nest({"training.length": 6, "seeds": 2, "seeds.first": 0})
        {'seeds': 2, 'training': {'length': 6}}
    """
    nested: dict[str, Any] = {}
    for path, value in sorted(flat.items()):  # a path sorts before the paths that it starts
        *parents, last = path.split(".")
        parent: Any = nested
        for name in parents:
            parent = parent.setdefault(name, {}) if isinstance(parent, dict) else parent
        if isinstance(parent, dict):
            parent[last] = value
    return nested
