"""Coordinates: the values on an axis, of any type, with their order and scale."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard, TypeVar

from core.panels import Scale

Item = TypeVar("Item")

LOG_RATIO = 50.0
"""Positive coordinates get a logarithmic axis if the largest is this many times the smallest."""

_SIZES = frozenset(
    {
        *("effective_rank", "state_effective_rank", "eigenvalue_effective_rank"),
        *("spectral_radius", "extrapolation_horizon", "time"),
        *("steps_to_fit", "time_to_fit", "plateaus", "plateau_steps", "plateau_time"),
    }
)
"""Metrics that are sizes rather than errors."""


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a coordinate has a place on a numeric axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def key(value: Any) -> str:
    """A key that is the same for equal coordinates, such as 4 and 4.0."""
    if isinstance(value, str):
        return f'"{value}"'
    return repr(float(value)) if is_number(value) else json.dumps(value, sort_keys=True)


def distinct(values: Sequence[Any]) -> list[Any]:
    """The distinct values: sorted if all are numbers, otherwise in order of appearance."""
    unique = list({key(value): value for value in values}.values())
    return sorted(unique) if all(is_number(value) for value in unique) else unique


def grouped(
    items: Sequence[Item], coordinate: Callable[[Item], Any]
) -> list[tuple[Any, list[Item]]]:
    """The items at each coordinate, in the order of :func:`distinct`; without items, one group."""
    groups: dict[str, tuple[Any, list[Item]]] = {}
    for item in items:
        value = coordinate(item)
        groups.setdefault(key(value), (value, []))[1].append(item)
    values = distinct([value for value, _ in groups.values()])
    return [groups[key(value)] for value in values] or [(None, [])]


def metric_scale(metric: str, values: Sequence[float]) -> Scale:
    """The scale of a metric: logarithmic if positive; for sizes, only if they span a decade."""
    return scale([value for value in values if value != 0], 10.0 if metric in _SIZES else 1.0)


def scale(values: Sequence[float], log_ratio: float) -> Scale:
    """Logarithmic if all finite values are positive and span at least a factor ``log_ratio``."""
    finite = [value for value in values if math.isfinite(value)]
    is_log = finite and min(finite) > 0 and max(finite) >= log_ratio * min(finite)
    return "log" if is_log else "linear"
