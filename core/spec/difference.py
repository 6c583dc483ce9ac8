"""The fields in which specs differ, with the value in each spec."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.spec.paths import flatten


@dataclass(frozen=True)
class Difference:
    """A field in which specs differ: its path and its value in each spec, None if absent."""

    path: str
    values: tuple[Any, ...]


def differences(specs: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Returns the fields in which specs, as JSON, differ. A list or matrix is one field.

    Example:
        >>> short = {"training": {"length": 4}, "seeds": [0]}
        >>> long = {"training": {"length": 6}, "seeds": [0]}
        >>> differences([short, long])
        [Difference(path='training.length', values=(4, 6))]
    """
    flat_specs = [dict(flatten(spec)) for spec in specs]
    differing = []
    for path in dict.fromkeys(itertools.chain.from_iterable(flat_specs)):
        values = tuple(flat.get(path) for flat in flat_specs)
        if any(value != values[0] for value in values):
            differing.append(Difference(path, values))
    return differing
