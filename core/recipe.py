"""A recipe: which experiments a figure shows, and how.

A saved figure is a recipe; it is drawn again as results arrive.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from core.look import Look
from core.result import METRICS, SERIES
from core.spec.experiment import Name
from core.spec.part import Line, Lines, Part
from core.statistics import Band

Kind = Literal["lines", "heatmap"]
Statistic = Literal["median", "mean", "q1", "q3", "min", "max"]
Scale = Literal["auto", "linear", "log"]
Channel = Annotated[int, Field(ge=1)]
FieldPath = Annotated[Line, Field(min_length=1, max_length=200)]

CURVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "step": SERIES,
        "time": tuple(name for name in SERIES if name != "time"),
        "lag": ("error", "response"),
        "rank": ("hankel_singular_values", "eigenvalues"),
    }
)
"""The curves that each run has, by x-axis: recorded metrics by step and by training time,
|h_j - ĥ_j| and h_j by lag, and sorted values by rank."""

DEFAULT_METRIC = "relative_extrapolation_error"
"""The metric that is shown against a field if the recipe names none."""


class Contents(Part):
    """What a figure of many experiments shows."""

    name: Name = Field("", description="The figure's title; generated if empty.")
    kind: Kind = Field(
        "lines",
        description="`heatmap`: `x` on the horizontal axis, `series` on the vertical axis, `y` as "
        "the colour.",
    )
    query: Annotated[Lines, Field(max_length=8000)] = Field(
        "", description="Which experiments, in the language of `q`; all of them if empty."
    )
    x: FieldPath = Field(
        description="A field of `/v1/fields`, such as `training.length`; `step`, `time` (training "
        "time), `lag` or `rank` for whole curves of runs; or another metric, for a point for each "
        "run at its end. `step` is refused if only some of the experiments are trained by gradient "
        "flow, whose steps are the times at which it was recorded."
    )
    y: FieldPath | None = Field(
        None,
        description="A metric. By `step` and `time` a recorded one, by `lag` `error` or "
        "`response`, by `rank` `hankel_singular_values` or `eigenvalues`. The default is "
        f"`{DEFAULT_METRIC}` or the first of these.",
    )
    series: FieldPath | None = Field(
        None, description="A field: a line, or a row of a heat map, for each of its values."
    )
    facets: FieldPath | None = Field(None, description="A field: a panel for each of its values.")
    output: Channel | None = Field(
        None, description="By `lag`: the output channel, from 1; by default that of the largest."
    )
    input: Channel | None = Field(None, description="By `lag`: the input channel, from 1.")
    statistic: Statistic = Field(
        "median",
        description="Statistic over all runs at the same x; a diverged run counts as infinite. "
        "Points of runs have none.",
    )
    band: Band = Field(
        "quartiles", description="Band around each line; `standard_error` is that of the mean."
    )
    x_scale: Scale = Field(
        "auto", description="Scale of the horizontal axis; `auto` chooses it from the numbers."
    )
    y_scale: Scale = Field(
        "auto", description="Scale of the vertical axis, or of a heat map's colours."
    )


class Recipe(Look, Contents):
    """The content and the look of a figure.

    Example:
        >>> Recipe(query="tag:figure-1", x="training.length").quantity
        'relative_extrapolation_error'
    """

    @property
    def shows_curves(self) -> bool:
        """Whether it shows whole curves of runs, not their final numbers."""
        return self.x in CURVES

    @property
    def shows_points(self) -> bool:
        """Whether it shows a point for each run, one final metric against another."""
        return self.x in METRICS and not self.shows_curves

    @property
    def quantities(self) -> tuple[str, ...]:
        """The values that ``y`` may have."""
        return CURVES.get(self.x, tuple(METRICS))

    @property
    def quantity(self) -> str:
        """The metric or curve that is shown: ``y`` or its default."""
        return self.y or (self.quantities[0] if self.shows_curves else DEFAULT_METRIC)
