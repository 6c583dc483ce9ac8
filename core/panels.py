"""Panels of lines, as numbers: the content of a figure, which :mod:`core.figures` draws."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.evidence import Evidence
from core.statistics import of_columns, with_band

Scale = Literal["linear", "log"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")


class Line(_Value):
    """One line, with an optional band.

    Attributes:
        label: The legend's entry; "" for none.
        series: What the line shows, such as a student; by default that is the label. Lines of one
            series have one colour in all panels.
        x: The x-coordinates.
        y: The values; with a band, their statistic.
        lower: The band's lower edge; empty for no band.
        upper: The band's upper edge; empty for no band.
        dashed: Whether the line is a reference (theory, teacher, baseline), not a measurement.
        joined: Whether a line joins the points.
        fitted: How many of the ``seeds`` at each x fit; empty if it is not known, as for a
            reference.
        seeds: How many seeds there are at each x; empty where ``fitted`` is.
        diverged: How many of them diverged; empty where ``fitted`` is.
    """

    label: str
    series: str = ""
    x: list[float]
    y: list[float]
    lower: list[float] = []
    upper: list[float] = []
    dashed: bool = False
    joined: bool = True
    fitted: list[int] = []
    seeds: list[int] = []
    diverged: list[int] = []


class Mark(_Value):
    """A straight line across the panel at one value."""

    label: str
    at: float


class Panel(_Value):
    """One pair of axes.

    Attributes:
        x: The label of the x-axis, with its symbol.
        y: The label of the y-axis.
        lines: The lines.
        levels: Horizontal marks.
        limits: Vertical marks.
        title: What distinguishes this panel from the others of the figure.
        y_limits: The visible range of y; None to show everything.
        ordered: Whether the lines are in the order of a number, which their colours then show.
    """

    x: str
    y: str
    lines: list[Line]
    x_scale: Scale = "linear"
    y_scale: Scale = "log"
    levels: list[Mark] = []
    limits: list[Mark] = []
    title: str = ""
    y_limits: tuple[float, float] | None = None
    ordered: bool = False


ZERO_BASELINE = Mark(label="zero baseline", at=1.0)
"""The relative error of a student that answers zero past k."""

MAX_MARKED_LENGTHS = 4
"""With more distinct training lengths, none is marked."""


def quartile_line(
    label: str,
    experiments: Sequence[Evidence],
    x: Callable[[Evidence], float],
    metric: str = "relative_extrapolation_error",
    *,
    series: str = "",
) -> Line:
    """Median and quartiles of a metric against ``x``, as :mod:`core.statistics` defines them.

    The seeds of all experiments with the same ``x`` are pooled.
    """
    pools: dict[float, list[Evidence]] = {}
    for experiment in experiments:
        pools.setdefault(float(x(experiment)), []).append(experiment)
    xs = sorted(pools)
    if not xs:
        return Line(label=label, series=series, x=[], y=[])
    columns = [
        of_columns(np.concatenate([piece.values(metric) for piece in pools[at]])[:, None])
        for at in xs
    ]
    median, lower, upper = (
        part.tolist() for part in with_band(np.hstack(columns), "median", "quartiles")
    )
    return Line(
        label=label,
        series=series,
        x=xs,
        y=median,
        lower=lower,
        upper=upper,
        fitted=[sum(len(piece.fitted) for piece in pools[at]) for at in xs],
        seeds=[sum(len(piece.runs) for piece in pools[at]) for at in xs],
        diverged=[sum(len(piece.diverged) for piece in pools[at]) for at in xs],
    )


def length_marks(lengths: Iterable[int]) -> list[Mark]:
    """A vertical mark before lag k for each distinct training length k, unless they are many.

    Example:
        >>> [(mark.label, mark.at) for mark in length_marks([8, 4, 8])]
        [('k = 4', 3.5), ('k = 8', 7.5)]
    """
    distinct = sorted(set(lengths))
    if len(distinct) > MAX_MARKED_LENGTHS:
        return []
    return [Mark(label=f"k = {k}", at=k - 0.5) for k in distinct]


def response_line(
    label: str, response: np.ndarray, *, dashed: bool = False, series: str = ""
) -> Line:
    """A response with one input and one output, by lag."""
    return Line(
        label=label,
        series=series,
        x=[float(j) for j in range(len(response))],
        y=response.ravel().tolist(),
        dashed=dashed,
    )
