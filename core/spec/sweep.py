"""A sweep: a base spec and axes over its fields, expanded to unique experiments.

The axes form a grid: all combinations, with the last axis varying fastest. The axes of a ``zip``
advance together, and so do those that are drawn, ``random`` or ``sobol``.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from core.errors import Problem, SpecError
from core.labels import brief, value_labels
from core.spec.axis import (
    KINDS,
    Axes,
    factors,
    groups,
    nested,
    paths,
    product,
    size,
)
from core.spec.bounds import first_of, restated
from core.spec.experiment import METADATA, ExperimentSpec, Name, Tags
from core.spec.explain import explain
from core.spec.field_axis import Coordinates
from core.spec.hashing import hashes
from core.spec.part import Part
from core.spec.paths import set_at

MAX_PROBLEMS = 20
"""Most different problems that one error lists."""

MAX_INVALID = 500
"""Number of invalid points after which the expansion stops."""

MAX_INVALID_CHARACTERS = 2**22
"""Characters of JSON of invalid points after which the expansion stops."""

MAX_CHARACTERS = 2**27
"""Most characters of JSON of all a sweep's experiments; each repeats a large matrix of the base."""

_LARGEST_INTEGER = 2**64
_NUMBERS = frozenset({int, float, bool})
_CONTAINERS = frozenset({list, tuple, dict})

_DIGITS = 6
"""Fewest significant digits of coordinates in the names of experiments."""

Check = Callable[["Point"], None]
"""Raises SpecError to refuse a point."""


@dataclass(frozen=True)
class Point:
    """One experiment of a sweep: its coordinates on the axes, its spec and its hashes."""

    coordinates: Coordinates
    spec: ExperimentSpec
    setup_hash: str
    spec_hash: str


class SweepSpec(Part):
    """A base spec, which can be incomplete without the axes, and axes over any of its fields.

    Every experiment gets the sweep's ``tags`` after those of the base.

    Example:
        >>> sweep = SweepSpec.model_validate({
        ...     "base": {
        ...         "teacher": {"kind": "delay"},
        ...         "student": {"kind": "linear", "dim": 10},
        ...         "training": {"length": 6},
        ...     },
        ...     "axes": [
        ...         {"path": "training.length", "values": [4, 8]},
        ...         {
        ...             "path": "student.start.scale",
        ...             "kind": "logspace", "low": 0.001, "high": 1, "count": 4,
        ...         },
        ...     ],
        ... })
        >>> points = sweep.expand()
        >>> len(points), points[-1].coordinates, points[-1].spec.training.length
        (8, {'training.length': 8, 'student.start.scale': 1.0}, 8)
    """

    name: Name = Field("", description="What people call it.")
    base: dict[str, Any] = Field(description="The spec that the experiments share.")
    axes: Axes = Field((), description="The fields that vary, and their values.")
    tags: Tags = Field((), description="Tags of every experiment, after those of the base.")

    @model_validator(mode="wrap")
    @classmethod
    def _check_json(cls, given: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Locates problems as the sender wrote them, and refuses numbers that JSON can't hold."""
        try:
            sweep = validate(given)
        except ValidationError as error:
            lines = [
                restated(details, _fields(details["loc"]))
                for details in error.errors(include_url=False)
            ]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None
        lines = first_of(_unwritable(sweep.base, ("base",)))
        for i, axis in enumerate(sweep.axes):
            lines += first_of(_unwritable(axis.model_dump(), ("axes", i)))
        if lines:
            raise ValidationError.from_exception_data(cls.__name__, lines)
        return sweep

    @property
    def tagged(self) -> dict[str, Any]:
        """The base with the sweep's tags."""
        base_tags = self.base.get("tags", ())
        if not self.tags or not isinstance(base_tags, list | tuple):
            return self.base  # the spec refuses tags that aren't a list
        new_tags = [tag for tag in self.tags if tag not in base_tags]
        return {**self.base, "tags": [*base_tags, *new_tags]}

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The paths of the axes, grouped by those that advance together."""
        return groups(self.axes)

    def expand(self, check: Check | None = None) -> tuple[Point, ...]:
        """Expands the sweep to its unique experiments, in the order of the axes.

        Args:
            check: Called with each unique point that is a valid spec.

        Raises:
            SpecError: Points are invalid specs, or ``check`` refuses them. Each problem is listed
                once, with the coordinates of its first point and the number of further points.
        """
        problems = _Problems(MAX_INVALID_CHARACTERS // self._refuse_too_large())
        points: dict[str, Point] = {}
        base, labels = self.tagged, _labels(self.axes)
        for coordinates in product(self.axes):
            try:
                spec = ExperimentSpec.model_validate(_at(base, coordinates, labels))
                point = Point(coordinates, spec, *hashes(spec))
                if point.spec_hash not in points and check is not None:
                    check(point)
            except ValidationError as error:
                problems.add(explain(error, ExperimentSpec), coordinates)
            except SpecError as error:
                problems.add(error.problems, coordinates)
            else:
                points.setdefault(point.spec_hash, point)
            if problems.is_full:
                break
        problems.raise_if_any(self.axes)
        return tuple(points.values())

    def _refuse_too_large(self) -> int:
        """Returns the most characters of JSON of an experiment."""
        count = size(self.axes)
        length = _length(self.base)
        for axis in nested(self.axes):
            length += max(map(_length, getattr(axis, "values", ())), default=0)
        if count * length > MAX_CHARACTERS:
            message = (
                f"the {count} specs would take {count * length:.2g} characters of JSON; use fewer "
                "points or smaller matrices"
            )
            raise SpecError([Problem("/axes", "too_large", message)])
        return length


def _labels(axes: Axes) -> dict[str, dict[str, str]]:
    """The label of each value of an axis, by path and then by the value as JSON."""
    labels: dict[str, dict[str, str]] = {}
    for points in factors(axes):
        for path in points[0]:
            values = {_json(point[path]): point[path] for point in points}
            texts = value_labels(path, list(values.values()), _DIGITS)
            labels[path] = dict(zip(values, texts, strict=True))
    return labels


def _json(value: Any) -> str:
    return json.dumps(value, default=list)


def _at(
    base: Mapping[str, Any], coordinates: Coordinates, labels: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Returns the spec of a point, which shares everything off its paths with the base.

    Args:
        base: The spec that the points share.
        coordinates: The point.
        labels: The label of each value, from which the point has its name.
    """
    spec = dict(base)
    for path, value in coordinates.items():
        try:
            set_at(spec, path, value)
        except TypeError as error:
            message = (
                "leads through a value that is not an object; name a field of the spec, such as "
                "training.length"
            )
            raise SpecError([Problem("/axes", "no_such_place", message, path)]) from error
    computed = {path: value for path, value in coordinates.items() if path not in METADATA}
    if computed and "name" not in coordinates:
        name = spec.get("name")
        parts = [name] if name and isinstance(name, str) else []
        parts += [labels[path][_json(value)] for path, value in computed.items()]
        spec["name"] = ", ".join(parts)[:200] if name is None or isinstance(name, str) else name
    return spec


@dataclass
class _Problems:
    """Problems of many points, each once, with its first point and the number of points."""

    most_points: int
    by_key: dict[tuple[str, str, str, str | None], tuple[Problem, Coordinates, int]] = field(
        default_factory=dict
    )
    invalid_points: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.by_key) >= MAX_PROBLEMS or self.invalid_points >= min(
            self.most_points, MAX_INVALID
        )

    def add(self, problems: Iterable[Problem], coordinates: Coordinates) -> None:
        self.invalid_points += 1
        for problem in problems:
            key = problem.pointer, problem.code, problem.message, problem.given
            first, at, count = self.by_key.get(key, (problem, coordinates, 0))
            self.by_key[key] = first, at, count + 1

    def raise_if_any(self, axes: Axes) -> None:
        if self.by_key:
            entries = list(self.by_key.values())[:MAX_PROBLEMS]
            raise SpecError([_locate(*entry, axis_paths=paths(axes)) for entry in entries])


def _locate(
    problem: Problem, coordinates: Coordinates, count: int, *, axis_paths: tuple[str, ...]
) -> Problem:
    """Returns a point's problem as one of the base, with the coordinates in the message."""
    if problem.code == "no_such_place":
        return problem
    where = "at " + ", ".join(
        f"{path} = {brief(value)}"[:100]
        for path, value in coordinates.items()
        if path in axis_paths
    )
    more = f", and at {count - 1} more" if count > 1 else ""
    return replace(
        problem,
        pointer=f"/base{problem.pointer}",
        message=f"{problem.message} ({where}{more})" if coordinates else problem.message,
    )


def _length(value: Any) -> int:
    return len(_json(value))


def _fields(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The location without the names of kinds of axes."""
    return tuple(
        key
        for i, key in enumerate(location)
        if not (key in KINDS and i and isinstance(location[i - 1], int))
    )


def _are_finite(numbers: Sequence[float]) -> bool:
    """Whether JSON can hold all of a list's numbers, found without a loop."""
    try:
        return not numbers or (
            min(numbers) > -_LARGEST_INTEGER
            and max(numbers) < _LARGEST_INTEGER
            and math.isfinite(sum(numbers))  # NaN escapes both comparisons
        )
    except OverflowError:
        return False


def _unwritable(value: Any, location: tuple[str | int, ...]) -> Iterable[InitErrorDetails]:
    """Yields an error for each number that JSON can't hold or no field accepts."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _unwritable(part, (*location, key))
    elif isinstance(value, list | tuple):
        kinds = set(map(type, value))  # a base can have millions of numbers
        numbers = value if kinds <= _NUMBERS else [p for p in value if type(p) in _NUMBERS]
        if not _are_finite(numbers) or not kinds.isdisjoint(_CONTAINERS):
            for i, part in enumerate(value):
                yield from _unwritable(part, (*location, i))
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and abs(value) >= _LARGEST_INTEGER
    ):
        error = PydanticCustomError("finite_number", "should be a finite number")
        yield InitErrorDetails(type=error, loc=location, input=value)
