"""Where specs differ: only the fields that do, with the value of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """A field in which specs differ: its path, and what each of them has there, None where it has nothing."""

    path: str
    values: tuple[Any, ...]


def differences(specs: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """The fields in which specs, as JSON, differ. Lists and matrices are one field.

    Example:
        >>> a, b = {"training": {"length": 4}, "seeds": [0]}, {"training": {"length": 6}, "seeds": [0]}
        >>> differences([a, b])
        [Difference(path='training.length', values=(4, 6))]
    """
    flat = [dict(_leaves(spec)) for spec in specs]
    paths = dict.fromkeys(path for one in flat for path in one)
    found = (Difference(path, tuple(one.get(path) for one in flat)) for path in paths)
    return [one for one in found if any(value != one.values[0] for value in one.values)]


def _leaves(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from _leaves(value, here)
        else:
            yield here, value
