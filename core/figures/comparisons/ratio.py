"""Figures of errors relative to a first experiment, by lag, step or training time."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures.comparisons import comparison
from core.figures.comparisons.comparison import Band, Compared, Side
from core.figures.drawing.plot import Drawing, Plot
from core.figures.info import Info
from core.figures.view import DEFAULT_VIEW, View
from core.panels import Mark, length_marks
from core.statistics import last_values
from core.symbols import axis_label

_BETWEEN = ", interpolated between recorded times"


class Quotient(BaseModel):
    """One experiment over the first.

    Attributes:
        label: What distinguishes it from the others.
        length: The training length k.
        lines: Its line in each panel.
        fitted: How many of its seeds fit; None before the end.
        seeds: How many seeds it has.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    label: str
    length: int
    lines: list[Band]
    fitted: int | None = None
    seeds: int = 0


class RatioInfo(Info):
    """Each experiment's errors over the median of the first's.

    Attributes:
        x: What the lines go over.
        y: The quantity of each panel.
        sides: The experiments, in the order in which they were named.
    """

    x: Literal["lag", "step", "time"]
    y: list[str]
    sides: list[Quotient]


def response(compared: Sequence[Compared], view: View = DEFAULT_VIEW) -> RatioInfo:
    """Errors of responses by lag.

    Raises:
        NotDrawable: As :func:`core.figures.comparisons.comparison.response`.
    """
    sides = comparison.response(compared, view).sides
    subject = f"Response errors{comparison.channel_of(compared, view)}"
    bands = {"|h_j - ĥ_j|": [side.below for side in sides]}
    return _ratio(subject, compared, sides, "lag", bands)


def training(compared: Sequence[Compared], view: View = DEFAULT_VIEW) -> RatioInfo:
    """Training curves at shared steps, or at all times; ended runs keep their last value.

    Raises:
        NotDrawable: As :func:`core.figures.comparisons.comparison.training`.
    """
    info = comparison.training(compared, view)
    sides = info.sides
    bands = {
        "training loss": [side.above for side in sides],
        "extrapolation error": [side.below for side in sides],
    }
    return _ratio("Training", compared, sides, info.x, bands)


def _ratio(
    subject: str,
    compared: Sequence[Compared],
    sides: Sequence[Side],
    x: Literal["lag", "step", "time"],
    bands_by_panel: Mapping[str, Sequence[Band]],
) -> RatioInfo:
    quotients = [
        Quotient(
            label=side.label,
            length=side.length,
            lines=[
                _quotient(bands[n], bands[0], at_shared_x=x != "time")
                for bands in bands_by_panel.values()
            ],
            fitted=side.fitted,
            seeds=side.seeds,
        )
        for n, side in enumerate(sides)
    ]
    quantities = list(bands_by_panel)
    description = (
        f"{' and '.join(quantities)} by {'training time' if x == 'time' else x}, divided by the "
        f"first experiment's median{_BETWEEN if x == 'time' else ''}. Logarithmic axes."
    )
    subject = f"{subject} relative to: {sides[0].label}"
    heading = comparison.heading(subject, description, compared, along_training=x != "lag")
    return RatioInfo(**heading, x=x, y=quantities, sides=quotients)


def _quotient(band: Band, first: Band, *, at_shared_x: bool) -> Band:
    """The band over the first's median; ended runs keep their last value.

    NaN where the first's median is 0 or infinite: the quotient is undefined.

    Args:
        band: The band.
        first: That of the first experiment.
        at_shared_x: Whether to leave out places that only one of them has before its end, rather
            than to interpolate.
    """
    x = np.union1d(band.x, first.x)
    x = x[x >= max(band.x[0], first.x[0])]
    if at_shared_x:
        x = x[_is_known(band.x, x) & _is_known(first.x, x)]
    values = last_values if at_shared_x else _interpolated
    with np.errstate(all="ignore"):
        denominator = values(first.x, first.median, x)
        denominator[(denominator == 0) | ~np.isfinite(denominator)] = np.nan
        median, q1, q3 = (
            (values(band.x, part, x) / denominator).tolist()
            for part in (band.median, band.q1, band.q3)
        )
    return Band(x=x.tolist(), median=median, q1=q1, q3=q3)


def _interpolated(x: Sequence[float], y: Sequence[float], at: np.ndarray) -> np.ndarray:
    """The value of a curve of errors at other places: ``log y`` is linear between its own."""
    return np.exp(np.interp(at, x, np.log(y)))


def _is_known(recorded: Sequence[float], x: np.ndarray) -> np.ndarray:
    """A mask of the x that were recorded or lie past the end."""
    return np.isin(x, recorded) | (x > max(recorded, default=np.inf))


def drawing(info: RatioInfo) -> Drawing:
    """A logarithmic panel for each quantity; the first experiment lies at 1."""
    shades = comparison.colours(len(info.sides))
    is_lag = info.x == "lag"
    lengths = length_marks(side.length for side in info.sides)
    plots = [
        Plot(
            x=axis_label(info.x),
            y=f"{name} / that of the first",
            traces=[
                comparison.band_trace(side.lines[n], colour, side, label=n == 0)
                for side, colour in zip(info.sides, shades, strict=True)
            ],
            x_scale="linear" if is_lag else "from_zero",
            y_scale="log",
            levels=[Mark(label="", at=1.0)],
            limits=lengths if is_lag else [],
        )
        for n, name in enumerate(info.y)
    ]
    return Drawing(plots=plots, row_height=2.6 if len(plots) > 1 else 3.8)
