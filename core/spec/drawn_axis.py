"""Axes whose values are drawn: at random, or as points of a Sobol sequence."""

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from core.spec.draws import random_numbers, sobol_numbers
from core.spec.field_axis import Coordinates, IntervalAxis
from core.spec.part import Seed
from core.spec.scalars import whole_fields

DIGITS = 6
"""Significant digits of drawn values, so that tables read well."""


class DrawnAxis(IntervalAxis):
    """Values drawn between ``low`` and ``high``; the axes of one kind are drawn together."""

    kind: Any
    scale: Literal["linear", "log"] = Field(
        "linear", description="`log` draws evenly in the logarithm, between positive ends."
    )
    whole: bool | None = Field(
        None,
        strict=True,
        description="Draw whole numbers, both ends included. Default: true if the field takes no "
        "others.",
    )
    seed: Seed = Field(0, description="Draws the values.")

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        low, high = self._ends
        if self.scale == "log" and low <= 0:
            raise PydanticCustomError(
                "not_positive", "low and high of a log scale should be positive"
            )
        if low > high:
            raise PydanticCustomError("empty", "no whole number lies between low and high")
        return self

    @property
    def size(self) -> int:
        """The number of points."""
        return self.count

    def _values(self) -> Sequence[Any]:
        return [point[self.path] for point in draw([self])]

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.path in whole_fields() if self.whole is None else self.whole

    @property
    def _ends(self) -> tuple[float, float]:
        low, high = sorted((self.low, self.high))
        return (math.ceil(low), math.floor(high)) if self.is_whole else (low, high)

    def at(self, shares: np.ndarray) -> list[float]:
        """The values at shares in [0, 1) of the way from the lower to the upper end."""
        low, high = self._ends
        margin = 0.5 if self.is_whole else 0.0  # so that the ends are as likely as others
        ends = np.array([low - margin, high + margin])
        if self.scale == "log":
            start, end = np.log(ends)
            values = np.exp(start + shares * (end - start))
        else:
            values = ends[0] + shares * (ends[1] - ends[0])
        if self.is_whole:
            return [int(min(max(round(value), low), high)) for value in values.tolist()]
        short = (float(f"{value:.{DIGITS}g}") for value in values.tolist())
        return [min(max(value, low), high) for value in short]


class RandomAxis(DrawnAxis):
    """``count`` independent draws from ``low`` to ``high``.

    The random axes of a sweep are drawn together: each draw is a value on every one of them, so
    that ``count`` is the number of draws. Other axes multiply them. A larger count keeps the
    first draws.
    """

    kind: Literal["random"]


class SobolAxis(DrawnAxis):
    """``count`` points of a scrambled Sobol sequence from ``low`` to ``high``.

    The Sobol axes of a sweep are the dimensions of one sequence, which fills their box evenly.
    Other axes multiply its points. A larger count keeps the first points.
    """

    kind: Literal["sobol"]


def draw(axes: Sequence[DrawnAxis]) -> list[Coordinates]:
    """Returns the points of axes that are drawn together."""
    count, seed, named = axes[0].count, axes[0].seed, [axis.path for axis in axes]
    if isinstance(axes[0], SobolAxis):
        shares = sobol_numbers(seed, named, count).T
    else:
        shares = np.stack([random_numbers(seed, path, count) for path in named])
    values = (axis.at(row) for axis, row in zip(axes, shares, strict=True))
    return [dict(zip(named, point, strict=True)) for point in zip(*values, strict=True)]
