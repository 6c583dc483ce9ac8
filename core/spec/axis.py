"""Axes of a sweep, and how they combine: the values that fields of a base spec take in turn."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from core.spec.bounds import refuse_longer
from core.spec.drawn_axis import DrawnAxis, RandomAxis, SobolAxis, draw
from core.spec.field_axis import (
    MAX_EXPERIMENTS,
    Coordinates,
    FieldAxis,
    LinspaceAxis,
    ListAxis,
    LogspaceAxis,
)
from core.spec.part import Part, default_kind

MAX_PATHS = 16
"""Largest number of fields that one sweep varies."""

MAX_NESTED = 4 * MAX_PATHS
"""Most axes of one sweep, with those nested in others."""


class ZipAxis(Part):
    """Axes of equal length that advance together."""

    kind: Literal["zip"]
    axes: "Annotated[tuple[Axis, ...], Field(min_length=1, max_length=MAX_PATHS)]" = Field(
        description="The axes that advance together."
    )

    @property
    def size(self) -> int:
        """The number of points."""
        return self.axes[0].size

    def points(self) -> list[Coordinates]:
        """Returns the coordinates of each point."""
        return [_merge(parts) for parts in zip(*factors(self.axes), strict=True)]

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Returns the paths, grouped by those that advance together."""
        return (paths(self.axes),)


class GridAxis(Part):
    """All combinations of its axes, for use inside a ``zip``; a sweep's own axes form a grid."""

    kind: Literal["grid"]
    axes: "Annotated[tuple[Axis, ...], Field(min_length=1, max_length=MAX_PATHS)]" = Field(
        description="The axes that are combined; the last varies fastest."
    )

    @property
    def size(self) -> int:
        """The number of points."""
        return size(self.axes)

    def points(self) -> list[Coordinates]:
        """Returns the coordinates of each point."""
        return list(product(self.axes))

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Returns the paths, grouped by those that advance together."""
        return groups(self.axes)


Axis = Annotated[
    ListAxis | LinspaceAxis | LogspaceAxis | RandomAxis | SobolAxis | ZipAxis | GridAxis,
    Field(discriminator="kind"),
    default_kind("list"),
]

_COMBINED = (ZipAxis, GridAxis)

KINDS = frozenset({"list", "linspace", "logspace", "random", "sobol", "zip", "grid"})


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
    for among in (axes, *(axis.axes for axis in nested(axes) if isinstance(axis, _COMBINED))):
        _check_draws(among)
    if (points := size(axes)) > MAX_EXPERIMENTS:
        message = "a sweep should have at most {most} experiments; these axes give {size}"
        raise PydanticCustomError(
            "too_many", message, {"most": MAX_EXPERIMENTS, "size": f"{points:.4g}"}
        )
    return axes


def _check_draws(axes: Sequence[Axis]) -> None:
    """Checks that axes which are drawn together have as many draws of the same seed."""
    for drawn in together(axes):
        first, *others = drawn
        for axis in others:
            if isinstance(first, DrawnAxis) and isinstance(axis, DrawnAxis):
                for name in ("count", "seed"):
                    if (one := getattr(first, name)) != (other := getattr(axis, name)):
                        message = (
                            "{kind} axes are drawn together and should have one {name}; "
                            "{first} has {one}, {path} has {other}"
                        )
                        words = {"kind": axis.kind, "name": name, "first": first.path, "one": one}
                        words |= {"path": axis.path, "other": other}
                        raise PydanticCustomError("different_draws", message, words)


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
    return tuple(axis.path for axis in nested(axes) if isinstance(axis, FieldAxis))


def size(axes: Sequence[Axis]) -> int:
    """Returns the number of combinations."""
    return math.prod(first.size for first, *_ in together(axes))


def groups(axes: Sequence[Axis]) -> tuple[tuple[str, ...], ...]:
    """Returns the paths of the axes, grouped by those that advance together."""
    return tuple(
        group
        for first, *others in together(axes)
        for group in ([paths([first, *others])] if others else first.groups())
    )


def product(axes: Sequence[Axis]) -> Iterator[Coordinates]:
    """Yields the coordinates of all combinations, with the last axis varying fastest."""
    return map(_merge, itertools.product(*factors(axes)))


def factors(axes: Sequence[Axis]) -> list[list[Coordinates]]:
    """Returns the points of each axis; of axes that are drawn together, where the first is."""
    return [
        draw([axis for axis in part if isinstance(axis, DrawnAxis)])
        if isinstance(part[0], DrawnAxis)
        else part[0].points()
        for part in together(axes)
    ]


def together(axes: Sequence[Axis]) -> list[list[Axis]]:
    """Returns the axes, with those that are drawn together as one, where the first of them is."""
    parts: dict[str | int, list[Axis]] = {}
    for place, axis in enumerate(axes):
        name = axis.kind if isinstance(axis, DrawnAxis) else place
        parts.setdefault(name, []).append(axis)
    return list(parts.values())


def nested(axes: Sequence[Axis]) -> Iterator[Axis]:
    """Yields the axes and all axes nested in them."""
    for axis in axes:
        yield axis
        if isinstance(axis, _COMBINED):
            yield from nested(axis.axes)


def _merge(parts: Sequence[Mapping[str, Any]]) -> Coordinates:
    return {path: value for part in parts for path, value in part.items()}
