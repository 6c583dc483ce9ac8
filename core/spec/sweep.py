"""A sweep: a base spec and axes over its fields, expanded to unique experiments.

Axes multiply: each point takes one value of every axis, the last axis running fastest. ``zip`` axes advance together.
"""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from core.errors import Problem, SpecError
from core.spec.experiment import ExperimentSpec, Name
from core.spec.explain import explain
from core.spec.hashing import spec_hash
from core.spec.part import Line, Part, Real, Whole, default_kind

MAX_EXPERIMENTS = 100_000
MAX_PROBLEMS = 20
"""Broken points that one answer lists."""

Coordinates = dict[str, Any]
"""The value on each axis, by path."""


def _dotted(path: str) -> str:
    return path.strip("/").replace("/", ".")


Path = Annotated[Line, AfterValidator(_dotted), Field(min_length=1, max_length=200)]
"""A field of the spec: ``training.length``, or as a JSON Pointer, ``/training/length``."""

Count = Annotated[Whole, Field(ge=1, le=MAX_EXPERIMENTS)]


class _Axis(Part):
    path: Path

    def points(self) -> list[Coordinates]:
        """What each point of the axis sets."""
        return [{self.path: value} for value in self._values()]

    def _values(self) -> Sequence[Any]:
        raise NotImplementedError


class ListAxis(_Axis):
    """The values as given: numbers, words, objects (a whole start, say)."""

    kind: Literal["list"] = "list"
    values: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MAX_EXPERIMENTS)]

    def _values(self) -> Sequence[Any]:
        return self.values


class _Spaced(_Axis):
    low: Real
    high: Real
    count: Count
    whole: bool = Field(False, strict=True, description="Round to whole numbers, each once.")

    def _values(self) -> Sequence[Any]:
        values = self._spaced()
        return list(dict.fromkeys(values.round().astype(int).tolist())) if self.whole else values.tolist()

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
    axes: "Annotated[tuple[Axis, ...], Field(min_length=1, max_length=16)]"

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        lengths = [len(axis.points()) for axis in self.axes]
        if len(set(lengths)) > 1:
            message = "zipped axes should be equally long; theirs are {lengths}"
            raise PydanticCustomError("wrong_count", message, {"lengths": ", ".join(map(str, lengths))})
        return self

    def points(self) -> list[Coordinates]:
        """What each point sets."""
        return [_merged(parts) for parts in zip(*(axis.points() for axis in self.axes), strict=True)]


class GridAxis(Part):
    """All combinations of its axes: what the axes of a sweep are anyway, to be nested in a ``zip``."""

    kind: Literal["grid"]
    axes: "Annotated[tuple[Axis, ...], Field(min_length=1, max_length=16)]"

    def points(self) -> list[Coordinates]:
        """What each point sets."""
        return list(_product(self.axes))


Axis = Annotated[
    ListAxis | LinspaceAxis | LogspaceAxis | ZipAxis | GridAxis, Field(discriminator="kind"), default_kind("list")
]


@dataclass(frozen=True)
class Point:
    """One experiment of a sweep and where it lies on the axes."""

    coordinates: Coordinates
    spec: ExperimentSpec


class SweepSpec(Part):
    """A base spec, which the axes may have to complete, and axes over any of its fields.

    Example:
        >>> sweep = SweepSpec.model_validate({
        ...     "base": {
        ...         "teacher": {"kind": "delay"},
        ...         "student": {"kind": "linear", "dim": 10},
        ...         "training": {"length": 6},
        ...     },
        ...     "axes": [
        ...         {"path": "training.length", "values": [4, 8]},
        ...         {"path": "student.start.scale", "kind": "logspace", "low": 0.001, "high": 1, "count": 4},
        ...     ],
        ... })
        >>> points = sweep.expand()
        >>> len(points), points[-1].coordinates, points[-1].spec.training.length
        (8, {'training.length': 8, 'student.start.scale': 1.0}, 8)
    """

    name: Name = ""
    base: dict[str, Any]
    axes: Annotated[tuple[Axis, ...], Field(max_length=16)] = ()

    def expand(self) -> tuple[Point, ...]:
        """The experiments, each once, in the order of the axes.

        Raises:
            SpecError: Points are not valid specs; the first of them are listed, each with its coordinates.
        """
        points: dict[str, Point] = {}
        problems: list[Problem] = []
        for count, coordinates in enumerate(_product(self.axes)):
            if count == MAX_EXPERIMENTS:
                raise SpecError([Problem("/axes", "too_many", f"a sweep has at most {MAX_EXPERIMENTS} experiments")])
            try:
                spec = ExperimentSpec.model_validate(self._at(coordinates))
            except ValidationError as error:
                problems += [_placed(problem, coordinates) for problem in explain(error, ExperimentSpec)]
                if len(problems) >= MAX_PROBLEMS:
                    break
            except _NoSuchPlace as place:
                raise SpecError([place.problem]) from None
            else:
                points.setdefault(spec_hash(spec), Point(coordinates, spec))
        if problems:
            raise SpecError(problems[:MAX_PROBLEMS])
        return tuple(points.values())

    def _at(self, coordinates: Coordinates) -> dict[str, Any]:
        spec = copy.deepcopy(self.base)
        for path, value in coordinates.items():
            _put(spec, path, value)
        if coordinates and "name" not in coordinates:
            where = ", ".join(f"{path.rpartition('.')[2]} = {_brief(value)}" for path, value in coordinates.items())
            spec["name"] = ", ".join(part for part in (str(spec.get("name") or ""), where) if part)[:200]
        return spec


class _NoSuchPlace(Exception):
    def __init__(self, path: str) -> None:
        message = "leads through a value that is no object; name a field of the spec, such as training.length"
        self.problem = Problem("/axes", "no_such_place", message, path)


def _put(spec: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    place: Any = spec
    for name in way:
        place = place.setdefault(name, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise _NoSuchPlace(path)
    place[last] = copy.deepcopy(value)


def _product(axes: Sequence[Axis]) -> Iterator[Coordinates]:
    return (_merged(parts) for parts in itertools.product(*(axis.points() for axis in axes)))


def _merged(parts: Sequence[Mapping[str, Any]]) -> Coordinates:
    return {path: value for part in parts for path, value in part.items()}


def _placed(problem: Problem, coordinates: Coordinates) -> Problem:
    where = ", ".join(f"{path} = {_brief(value)}" for path, value in coordinates.items())
    return replace(problem, pointer=f"/base{problem.pointer}", message=f"{problem.message} (at {where})")


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_brief(part) for part in value.values())
    return f"{value:g}" if isinstance(value, float) else str(value)
