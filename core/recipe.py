"""A recipe: which experiments, and what of them is drawn how.

A saved figure is one, drawn anew as results land.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from core.result import METRICS, SERIES
from core.spec.experiment import Name
from core.spec.part import Line, Lines, Part

Kind = Literal["lines", "heatmap"]
Statistic = Literal["median", "mean", "q1", "q3", "min", "max"]
Band = Literal["quartiles", "range", "standard_error", "none"]
Scale = Literal["auto", "linear", "log"]
Field_ = Annotated[Line, Field(min_length=1, max_length=200)]

ALONG: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "step": SERIES,
        "lag": ("error", "response"),
        "rank": ("hankel_singular_values", "eigenvalues"),
    }
)
"""What a run has a whole curve of: metrics by recorded step, |h_j - ĥ_j| and h_j by lag, sorted
values by rank."""

USUAL = "relative_extrapolation_error"
"""The metric that is shown against a field where none is named."""


class Recipe(Part):
    """What a figure is drawn from.

    Example:
        >>> Recipe(query="tag:figure-1", x="training.length", series="student.start.scale").shown
        'relative_extrapolation_error'
    """

    name: Name = Field("", description="The figure's title; made up where it is empty.")
    kind: Kind = Field(
        "lines", description="`heatmap`: `x` to the right, `series` upwards, `y` as the colour."
    )
    query: Annotated[Lines, Field(max_length=8000)] = Field(
        "", description="Which experiments, in the language of `q`; all of them where it is empty."
    )
    x: Field_ = Field(
        description="A field of `/v1/fields`, such as `training.length`; or `step`, `lag` or `rank`."
    )
    y: Field_ | None = Field(
        None,
        description="A metric. By `step` one that is recorded, by `lag` `error` or `response`, by `rank` "
        "`hankel_singular_values` or `eigenvalues`. The usual one where it is left out.",
    )
    series: Field_ | None = Field(
        None, description="A field: a line, or a row of a heat map, for each of its values."
    )
    facets: Field_ | None = Field(None, description="A field: a panel for each of its values.")
    statistic: Statistic = Field(
        "median", description="Over all runs at one place; a diverged one counts as infinite."
    )
    band: Band = Field(
        "quartiles", description="Drawn around a line; `standard_error` is of the mean."
    )
    x_scale: Scale = "auto"
    y_scale: Scale = Field("auto", description="Of a heat map, the scale of its colours.")

    @property
    def is_along(self) -> bool:
        """Whether it shows whole curves of runs, not numbers that they ended with."""
        return self.x in ALONG

    @property
    def choices(self) -> tuple[str, ...]:
        """What ``y`` may be."""
        return ALONG.get(self.x, tuple(METRICS))

    @property
    def shown(self) -> str:
        """What ``y`` is."""
        return self.y or (self.choices[0] if self.is_along else USUAL)
