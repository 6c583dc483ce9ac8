"""A sweep: a base spec and axes over its fields, expanded to unique experiments.

Axes multiply: each point takes one value of every axis, the last axis running fastest. ``zip`` axes
advance together.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from core.errors import Problem, SpecError
from core.spec.axis import KINDS, Axes, Coordinates, nested, paths, product
from core.spec.experiment import METADATA, ExperimentSpec, Name, Tags
from core.spec.explain import explain
from core.spec.hashing import hashes
from core.spec.part import Part

MAX_PROBLEMS = 20
"""Different problems that one answer lists."""

MAX_BROKEN = 500
"""Broken points that are looked at."""

MAX_CHARACTERS = 2**27
"""JSON of all experiments of a sweep together; a large matrix in the base is in each of them."""

_LARGEST_INTEGER = 2**64

Check = Callable[["Point"], None]
"""Raises SpecError for a point that isn't wanted."""


@dataclass(frozen=True)
class Point:
    """One experiment of a sweep, where it lies on the axes, and its names among equals."""

    coordinates: Coordinates
    spec: ExperimentSpec
    setup_hash: str
    spec_hash: str


class SweepSpec(Part):
    """A base spec, which the axes may have to complete, and axes over any of its fields.

    ``tags`` are given to every experiment, behind those of the base.

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
    axes: Axes = ()
    tags: Tags = ()

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, given: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Names the places of mistakes as the sender wrote them, and refuses what can't be kept as JSON."""
        try:
            sweep = validate(given)
        except ValidationError as error:
            lines = [_line(details) for details in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None
        if lines := list(_unwritable(sweep.base, ("base",))) + list(_unwritable_values(sweep)):
            raise ValidationError.from_exception_data(cls.__name__, lines)
        return sweep

    @property
    def tagged(self) -> dict[str, Any]:
        """The base with the sweep's tags."""
        own = self.base.get("tags", ())
        if not self.tags or not isinstance(
            own, list | tuple
        ):  # what is no list is the spec's to refuse
            return self.base
        return {**self.base, "tags": [*own, *(tag for tag in self.tags if tag not in own)]}

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The paths of the axes, those together that advance together."""
        return tuple(group for axis in self.axes for group in axis.groups())

    def expand(self, check: Check | None = None) -> tuple[Point, ...]:
        """The experiments, each once, in the order of the axes.

        Args:
            check: Is asked about each of them that is a valid spec.

        Raises:
            SpecError: Points are not valid specs, or ``check`` refuses them. Each problem is listed
                once, with the coordinates of the first point that has it and how many have.
        """
        self._refuse_too_large()
        points: dict[str, Point] = {}
        problems = _Problems()
        base = self.tagged
        for coordinates in product(self.axes):
            try:
                spec = ExperimentSpec.model_validate(_at(base, coordinates))
                point = Point(coordinates, spec, *hashes(spec))
                if point.spec_hash not in points and check is not None:
                    check(point)
            except ValidationError as error:
                problems.add(explain(error, ExperimentSpec), coordinates)
            except SpecError as error:
                problems.add(error.problems, coordinates)
            else:
                points.setdefault(point.spec_hash, point)
            if problems.enough:
                break
        problems.tell(self.axes)
        return tuple(points.values())

    def _refuse_too_large(self) -> None:
        count = math.prod(axis.size for axis in self.axes)
        listed = (getattr(axis, "values", ()) for axis in nested(self.axes))
        length = _length(self.base) + sum(max(map(_length, values), default=0) for values in listed)
        if count * length > MAX_CHARACTERS:
            message = f"its {count} experiments would be {count * length:.2g} characters long; take fewer, or a base "
            raise SpecError([Problem("/axes", "too_large", message + "without large matrices")])


def _at(base: Mapping[str, Any], coordinates: Coordinates) -> dict[str, Any]:
    """The spec of a point; what isn't on its paths is shared with the base."""
    spec = dict(base)
    for path, value in coordinates.items():
        _put(spec, path, value)
    computed = {path: value for path, value in coordinates.items() if path not in METADATA}
    if computed and "name" not in coordinates:
        name = spec.get("name")
        parts = [name] if name and isinstance(name, str) else []
        parts += [f"{path.rpartition('.')[2]} = {brief(value)}" for path, value in computed.items()]
        spec["name"] = ", ".join(parts)[:200] if name is None or isinstance(name, str) else name
    return spec


def _put(spec: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    place = spec
    for name in way:
        inner = place.get(name, {})
        if not isinstance(inner, Mapping):
            message = "leads through a value that is no object; name a field of the spec, such as training.length"
            raise SpecError([Problem("/axes", "no_such_place", message, path)])
        place[name] = dict(inner)
        place = place[name]
    place[last] = value


def look_up(spec: Mapping[str, Any], path: str) -> Any:
    """What a spec, as JSON, has at a path; None where it has nothing.

    Example:
        >>> look_up({"training": {"length": 6}}, "training.length"), look_up({}, "training.length")
        (6, None)
    """
    place: Any = spec
    for name in path.split("."):
        place = place.get(name) if isinstance(place, Mapping) else None
    return place


def brief(value: Any) -> str:
    """A coordinate in a few characters: objects by their values.

    Example:
        >>> brief(0.001), brief({"kind": "gaussian", "scale": 1.0}), brief("last")
        ('0.001', 'gaussian 1', 'last')
    """
    if isinstance(value, Mapping):
        return " ".join(brief(part) for part in value.values())
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass
class _Problems:
    """Problems of many points, each once: the first point's, and how many have it."""

    found: dict[tuple[str, str, str, str | None], tuple[Problem, Coordinates, int]] = field(
        default_factory=dict
    )
    points: int = 0

    @property
    def enough(self) -> bool:
        return len(self.found) >= MAX_PROBLEMS or self.points >= MAX_BROKEN

    def add(self, problems: Iterable[Problem], coordinates: Coordinates) -> None:
        self.points += 1
        for problem in problems:
            key = problem.pointer, problem.code, problem.message, problem.given
            first, where, count = self.found.get(key, (problem, coordinates, 0))
            self.found[key] = first, where, count + 1

    def tell(self, axes: Axes) -> None:
        if self.found:
            told = [
                _placed(*entry, on=paths(axes))
                for entry in list(self.found.values())[:MAX_PROBLEMS]
            ]
            raise SpecError(told)


def _placed(
    problem: Problem, coordinates: Coordinates, count: int, *, on: tuple[str, ...]
) -> Problem:
    if problem.code == "no_such_place":
        return problem
    where = "at " + ", ".join(
        f"{path} = {brief(value)}"[:100] for path, value in coordinates.items() if path in on
    )
    more = f", and at {count - 1} more" if count > 1 else ""
    return replace(
        problem,
        pointer=f"/base{problem.pointer}",
        message=f"{problem.message} ({where}{more})" if coordinates else problem.message,
    )


def _length(value: Any) -> int:
    return len(json.dumps(value, default=list))


def _line(details: ErrorDetails) -> InitErrorDetails:
    """One of pydantic's errors without the names of kinds in its place."""
    place = details["loc"]
    inner = tuple(
        p for i, p in enumerate(place) if not (p in KINDS and i and isinstance(place[i - 1], int))
    )
    context = {**details.get("ctx", {}), "message": details["msg"]}
    error = PydanticCustomError(details["type"], "{message}", context)
    return InitErrorDetails(type=error, loc=inner, input=details["input"])


def _unwritable_values(sweep: SweepSpec) -> Iterable[InitErrorDetails]:
    for i, axis in enumerate(sweep.axes):
        yield from _unwritable(axis.model_dump(), ("axes", i))


def _unwritable(value: Any, place: tuple[str | int, ...]) -> Iterable[InitErrorDetails]:
    """Numbers that JSON has no words for, or that no field takes."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _unwritable(part, (*place, key))
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from _unwritable(part, (*place, i))
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and abs(value) >= _LARGEST_INTEGER
    ):
        error = PydanticCustomError("finite_number", "should be a finite number")
        yield InitErrorDetails(type=error, loc=place, input=value)
