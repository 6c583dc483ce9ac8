"""What a study shows: panels of lines, as numbers. :mod:`core.figures` inks them."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.evidence import Evidence
from core.statistics import of_columns, with_band

Scale = Literal["linear", "log"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")


class Line(_Value):
    """One line, with a band where there are quartiles.

    Attributes:
        label: What it is, for the legend; "" for none.
        x: Where.
        y: The values: a median where there is a band.
        lower: The band's lower edge; empty for none.
        upper: The band's upper edge; empty for none.
        dashed: Whether it is a reference (a theory, a teacher, a baseline) and not a measurement.
    """

    label: str
    x: list[float]
    y: list[float]
    lower: list[float] = []
    upper: list[float] = []
    dashed: bool = False


class Mark(_Value):
    """A value worth a straight line across the panel."""

    label: str
    at: float


class Panel(_Value):
    """One pair of axes.

    Attributes:
        x: The label of the x-axis, with the symbol.
        y: The label of the y-axis.
        lines: What is drawn.
        levels: Horizontal marks.
        limits: Vertical marks.
        title: What this panel shows, where a figure has several.
        y_limits: What of y is shown, where that isn't everything.
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
"""Of errors over the zero baseline: what a student reaches that answers zero past k."""


def quartiles(
    label: str,
    pieces: Sequence[Evidence],
    x: Callable[[Evidence], float],
    metric: str = "relative_extrapolation_error",
) -> Line:
    """Median and quartiles of ``metric`` against ``x``, over the seeds of all evidence that has the same ``x``.

    The statistics are those of :func:`core.statistics.over_seeds`.
    """
    values: dict[float, list[np.ndarray]] = {}
    for piece in pieces:
        values.setdefault(float(x(piece)), []).append(piece.values(metric))
    where = sorted(values)
    if not where:
        return Line(label=label, x=[], y=[])
    columns = [of_columns(np.concatenate(values[at])[:, None]) for at in where]
    median, lower, upper = (
        part.tolist() for part in with_band(np.hstack(columns), "median", "quartiles")
    )
    return Line(label=label, x=where, y=median, lower=lower, upper=upper)


def lags(label: str, response: np.ndarray, *, dashed: bool = False) -> Line:
    """A response of one input and one output over its lags."""
    return Line(
        label=label,
        x=[float(j) for j in range(len(response))],
        y=response.ravel().tolist(),
        dashed=dashed,
    )
