"""Axes of a sweep: the values that fields of a base spec take in turn."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from core.spec.bounds import refuse_longer
from core.spec.part import Line, Part, Real, Whole, default_kind

MAX_EXPERIMENTS = 100_000
"""Largest number of points of one sweep."""

MAX_PATHS = 16
"""Largest number of fields that one sweep varies."""

MAX_NESTED = 4 * MAX_PATHS
"""Most axes of one sweep, with those nested in others."""

DIGITS = 12
"""Significant digits of spaced values, so that 0.3 equals a 0.3 given literally."""

Coordinates = dict[str, Any]
"""The value on each axis, by path."""


def dotted(path: str) -> str:
    """Returns a path with dots, also if it was given as a JSON Pointer.

    Example:
        >>> dotted("/training/length"), dotted("training.length")
        ('training.length', 'training.length')
    """
    return path.strip("/").replace("/", ".")


Path = Annotated[Line, AfterValidator(dotted), Field(min_length=1, max_length=200)]
"""A field of the spec: ``training.length`` or, as a JSON Pointer, ``/training/length``."""

Count = Annotated[Whole, Field(ge=1, le=MAX_EXPERIMENTS)]


class _Field(Part):
    path: Path

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self._values())

    def points(self) -> list[Coordinates]:
        """Returns the coordinates of each point."""
        return [{self.path: value} for value in self._values()]

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Returns the paths, grouped by those that advance together."""
        return ((self.path,),)

    def _values(self) -> Sequence[Any]:
        raise NotImplementedError


class ListAxis(_Field):
    """The values as given: numbers, strings, or objects such as a whole start."""

    kind: Literal["list"] = "list"
    values: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MAX_EXPERIMENTS)]

    def _values(self) -> Sequence[Any]:
        return self.values


class _Spaced(_Field):
    low: Real
    high: Real
    count: Count
    whole: bool = Field(False, strict=True, description="Round to whole numbers and drop repeats.")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not math.isfinite(self.high - self.low):
            raise PydanticCustomError("too_far", "low and high are too far apart")
        return self

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self._values()) if self.whole else self.count

    def _values(self) -> Sequence[Any]:
        values = [float(f"{value:.{DIGITS}g}") for value in self._spaced()]
        return list(dict.fromkeys(map(round, values))) if self.whole else values

    def _spaced(self) -> np.ndarray:
        raise NotImplementedError


class LinspaceAxis(_Spaced):
    """``count`` values from ``low`` to ``high``, evenly spaced."""

    kind: Literal["linspace"]

    def _spaced(self) -> np.ndarray:
        return np.linspace(self.low, self.high, self.count)


class LogspaceAxis(_Spaced):
    """``count`` values from ``low`` to ``high``, both positive, evenly spaced in the logarithm."""

    kind: Literal["logspace"]
    low: Annotated[Real, Field(gt=0)]
    high: Annotated[Real, Field(gt=0)]

    def _spaced(self) -> np.ndarray:
        return np.geomspace(self.low, self.high, self.count)


class ZipAxis(Part):
    """Axes of equal length that advance together."""

    kind: Literal["zip"]
    axes: "Annotated[tuple[Axis, ...], Field(min_length=1, max_length=MAX_PATHS)]"

    @property
    def size(self) -> int:
        """The number of points."""
        return self.axes[0].size

    def points(self) -> list[Coordinates]:
        """Returns the coordinates of each point."""
        return [_merge(parts) for parts in zip(*(axis.points() for axis in self.axes), strict=True)]

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Returns the paths, grouped by those that advance together."""
        return (paths(self.axes),)


class GridAxis(Part):
    """All combinations of its axes, for use inside a ``zip``; a sweep's own axes form a grid."""

    kind: Literal["grid"]
    axes: "Annotated[tuple[Axis, ...], Field(min_length=1, max_length=MAX_PATHS)]"

    @property
    def size(self) -> int:
        """The number of points."""
        return math.prod(axis.size for axis in self.axes)

    def points(self) -> list[Coordinates]:
        """Returns the coordinates of each point."""
        return list(product(self.axes))

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Returns the paths, grouped by those that advance together."""
        return tuple(group for axis in self.axes for group in axis.groups())


Axis = Annotated[
    ListAxis | LinspaceAxis | LogspaceAxis | ZipAxis | GridAxis,
    Field(discriminator="kind"),
    default_kind("list"),
]

KINDS = frozenset({"list", "linspace", "logspace", "zip", "grid"})


def _check_axes(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """Checks the axes without expanding them."""
    named = list(paths(axes))
    if len(named) > MAX_PATHS:
        message = "axes should vary at most {most} fields; these vary {count}"
        raise PydanticCustomError("too_many", message, {"most": MAX_PATHS, "count": len(named)})
    repeated = [path for path in named if named.count(path) > 1]
    if repeated:
        raise PydanticCustomError(
            "repeated", "{path} is on two axes; it should be on one", {"path": repeated[0]}
        )
    for axis in nested(axes):
        lengths = [part.size for part in axis.axes] if isinstance(axis, ZipAxis) else []
        if len(set(lengths)) > 1:
            message = "zipped axes should have the same length; {paths} have {lengths} values"
            words = {"paths": ", ".join(paths([axis])), "lengths": ", ".join(map(str, lengths))}
            raise PydanticCustomError("wrong_count", message, words)
    if (size := math.prod(axis.size for axis in axes)) > MAX_EXPERIMENTS:
        message = "a sweep should have at most {most} experiments; these axes give {size}"
        raise PydanticCustomError(
            "too_many", message, {"most": MAX_EXPERIMENTS, "size": f"{size:.4g}"}
        )
    return axes


def _count_axes(given: Any) -> Any:
    """Refuses more axes, however they are nested, than paths can need, before any is read."""
    stack, count = [given], 0
    while stack:
        axes = stack.pop()
        if not isinstance(axes, list | tuple):
            continue
        count += len(axes)
        refuse_longer(count, MAX_NESTED)
        stack += [axis.get("axes") for axis in axes if isinstance(axis, dict)]
    return given


Axes = Annotated[
    tuple[Axis, ...],
    Field(max_length=MAX_PATHS),
    AfterValidator(_check_axes),
    BeforeValidator(_count_axes),
]
"""The axes of a sweep, which form a grid: all combinations, with the last axis varying fastest."""


def paths(axes: Sequence[Axis]) -> tuple[str, ...]:
    """Returns every path that the axes set, in order."""
    return tuple(axis.path for axis in nested(axes) if isinstance(axis, _Field))


def product(axes: Sequence[Axis]) -> Iterator[Coordinates]:
    """Yields the coordinates of all combinations, with the last axis varying fastest."""
    return (_merge(parts) for parts in itertools.product(*(axis.points() for axis in axes)))


def nested(axes: Sequence[Axis]) -> Iterator[Axis]:
    """Yields the axes and all axes nested in them."""
    for axis in axes:
        yield axis
        if isinstance(axis, ZipAxis | GridAxis):
            yield from nested(axis.axes)


def _merge(parts: Sequence[Mapping[str, Any]]) -> Coordinates:
    return {path: value for part in parts for path, value in part.items()}
