"""Axes of one field: values as listed, or spaced between two ends."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from core.spec.part import Line, Part, Real, Whole

MAX_EXPERIMENTS = 100_000
"""Largest number of points of one sweep."""

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


class FieldAxis(Part):
    """An axis of one field."""

    path: Path = Field(description="The field that varies, such as `training.length`.")

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

    @abstractmethod
    def _values(self) -> Sequence[Any]:
        """The values, in order."""


class ListAxis(FieldAxis):
    """The values as given: numbers, strings, or objects such as a whole start."""

    kind: Literal["list"] = "list"
    values: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MAX_EXPERIMENTS)] = Field(
        description="The values, in order."
    )

    def _values(self) -> Sequence[Any]:
        return self.values


class IntervalAxis(FieldAxis):
    """An axis with ``count`` values between two ends."""

    low: Real = Field(description="One end.")
    high: Real = Field(description="The other end.")
    count: Count = Field(description="Number of values.")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not math.isfinite(self.high - self.low):
            raise PydanticCustomError("too_far", "low and high are too far apart")
        return self


class _Spaced(IntervalAxis):
    whole: bool = Field(False, strict=True, description="Round to whole numbers and drop repeats.")

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self._values()) if self.whole else self.count

    def _values(self) -> Sequence[Any]:
        values = [float(f"{value:.{DIGITS}g}") for value in self._spaced()]
        return list(dict.fromkeys(map(round, values))) if self.whole else values

    @abstractmethod
    def _spaced(self) -> np.ndarray:
        """The values before they are rounded, (count,)."""


class LinspaceAxis(_Spaced):
    """``count`` values from ``low`` to ``high``, evenly spaced."""

    kind: Literal["linspace"]

    def _spaced(self) -> np.ndarray:
        return np.linspace(self.low, self.high, self.count)


class LogspaceAxis(_Spaced):
    """``count`` values from ``low`` to ``high``, both positive, evenly spaced in the logarithm."""

    kind: Literal["logspace"]
    low: Annotated[Real, Field(gt=0)] = Field(description="One end.")
    high: Annotated[Real, Field(gt=0)] = Field(description="The other end.")

    def _spaced(self) -> np.ndarray:
        return np.geomspace(self.low, self.high, self.count)
