"""Coordinates: the values on an axis, whatever they are, in an order, in words and on a scale."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from core.panels import Scale
from core.spec.sweep import brief

Item = TypeVar("Item")

WIDE = 50.0
"""Positive coordinates whose largest is so many times the smallest lie on a logarithmic axis."""

LONGEST = 48
"""Characters of a label, so that the figure has room beside it."""

_SIZES = frozenset(
    {
        *("effective_rank", "state_effective_rank", "eigenvalue_effective_rank"),
        *("spectral_radius", "extrapolation_horizon", "time"),
    }
)
"""Metrics that are no errors."""

_SYMBOLS = {
    "training.length": "training length k (time steps)",
    "student.dim": "student dimension d",
    "teacher.dim": "teacher dimension d̂",
    "student.start.scale": "scale of the start",
    "optimizer.lr": "learning rate η",
    "optimizer.steps": "steps of training",
    "evaluation.horizon": "horizon q (time steps)",
    "step": "step t",
    "lag": "lag j (time steps)",
    "rank": "rank i",
}


def label(path: str) -> str:
    """What an axis is called: with its symbol, and its unit if it has one."""
    return _SYMBOLS.get(path, path)


def named(path: str | None, value: Any) -> str:
    """A value with the last word of its path; nothing where there is no path."""
    return "" if path is None else f"{path.rpartition('.')[2]} = {brief(value)}"[:LONGEST]


def is_number(value: Any) -> bool:
    """Whether a coordinate has a place on a numeric axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def key(value: Any) -> str:
    """The same for equal coordinates: 4 and 4.0 are."""
    if isinstance(value, str):
        return f'"{value}"'
    return repr(float(value)) if is_number(value) else json.dumps(value, sort_keys=True)


def ordered(values: Sequence[Any]) -> list[Any]:
    """The different values: numbers by size, others as they come."""
    unique = list({key(value): value for value in values}.values())
    return sorted(unique) if all(is_number(value) for value in unique) else unique


def grouped(items: Sequence[Item], at: Callable[[Item], Any]) -> list[tuple[Any, list[Item]]]:
    """The items at each coordinate, in the order of :func:`ordered`; one empty group where there are none."""
    found: dict[str, tuple[Any, list[Item]]] = {}
    for item in items:
        found.setdefault(key(value := at(item)), (value, []))[1].append(item)
    return [found[key(value)] for value in ordered([value for value, _ in found.values()])] or [
        (None, [])
    ]


def scale_of(metric: str, values: Sequence[float]) -> Scale:
    """The scale of a metric: logarithmic where all is positive, of sizes only from a decade on."""
    return scale([value for value in values if value != 0], 10.0 if metric in _SIZES else 1.0)


def scale(values: Sequence[float], wide: float) -> Scale:
    """Logarithmic where all that is finite is positive and spans at least a factor of ``wide``."""
    finite = [value for value in values if math.isfinite(value)]
    return "log" if finite and min(finite) > 0 and max(finite) >= wide * min(finite) else "linear"
