"""Experiments side by side: the median over seeds of each, with quartiles, in one picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Ink
from pydantic import BaseModel, ConfigDict

from core.figures import style
from core.figures.info import Info, Line, NotDrawable, Series, held, origin, series_line, setting
from core.figures.teacher import by_channel, entry
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.statistics import of_columns, overflow_as_infinite, with_band


class Band(BaseModel):
    """The median over seeds, between the quartiles."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    x: list[float]
    median: list[float]
    q1: list[float]
    q3: list[float]


class Side(BaseModel):
    """One experiment: what it is called here, and its lines in the upper and the lower panel.

    Attributes:
        label: What tells it from the others.
        length: The training length k.
        above: h_j by lag, or train_loss by step.
        below: |h_j - ĥ_j| by lag, or extrapolation_error by step.
        reference: ĥ_j by lag; empty in a picture of trainings.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    label: str
    length: int
    above: Band
    below: Band
    reference: Line


class ComparisonInfo(Info):
    """The experiments, in the order in which they were named."""

    sides: list[Side]


Compared = tuple[str, ExperimentSpec, ExperimentResult | None, Series]
"""What an experiment is called, its spec, its result once it is there, and its recorded points."""


def response(compared: Sequence[Compared]) -> ComparisonInfo:
    """Impulse responses, and their errors; raises NotDrawable where one has no result."""
    sides = []
    for label, spec, result, _ in compared:
        if result is None:
            raise NotDrawable(f"{label!r} has no result yet; the figure 'training' is drawn before")
        teacher = by_channel(result.teacher_response)
        place = entry(teacher)
        wanted, lags = teacher[:, *place], np.arange(len(teacher), dtype=np.float64)
        students = np.array([by_channel(run.response)[:, *place] for run in result.runs])
        with np.errstate(all="ignore"):
            below = _band(lags, np.abs(students - wanted))
        reference = Line(x=lags.tolist(), y=wanted.tolist())
        sides.append(
            Side(
                label=label,
                length=spec.training.length,
                above=_band(lags, students),
                below=below,
                reference=reference,
            )
        )
    shown = "Above h_j by lag with ĥ_j as dots, below |h_j - ĥ_j|; a line at each k."
    return ComparisonInfo(**heading("Impulse responses", shown, compared), sides=sides)


def training(compared: Sequence[Compared]) -> ComparisonInfo:
    """Training curves; raises NotDrawable where one has recorded nothing."""
    sides = []
    for label, spec, _, series in compared:
        if not len(series["step"]):
            raise NotDrawable(f"{label!r} has recorded nothing yet")
        metrics = ("train_loss", "extrapolation_error")
        above, below = (
            _band(*held([series_line(series, seed, name) for seed in spec.seeds]))
            for name in metrics
        )
        sides.append(
            Side(
                label=label,
                length=spec.training.length,
                above=above,
                below=below,
                reference=Line(x=[], y=[]),
            )
        )
    shown = "Above the training loss by step, below the extrapolation error; logarithmic axes."
    return ComparisonInfo(**heading("Training", shown, compared), sides=sides)


def heading(subject: str, shown: str, compared: Sequence[Compared]) -> dict[str, Any]:
    """Title, caption and source; ``shown`` says what the lines are."""
    told = " ".join(f"{label}: {setting(spec)}" for label, spec, _, _ in compared)
    caption = f"{subject}. {shown} Medians over seeds, with quartiles. {told}"
    return {"title": subject, "caption": caption, **origin([spec for _, spec, _, _ in compared])}


@style.inked
def draw_response(info: ComparisonInfo) -> Ink:
    """Responses above, errors below; teachers dotted, and a line at each k."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    for number, side in enumerate(info.sides):
        colour = style.COLOURS[number % len(style.COLOURS)]
        draw_band(above, side.above, colour, side.label)
        draw_band(below, side.below, colour, None, logarithmic=True)
        above.plot(
            side.reference.x, style.drawable(side.reference.y), ".", ms=4, color=colour, mfc="none"
        )
        for axes in (above, below):
            axes.axvline(side.length - 0.5, color=colour, ls=":", lw=0.8)
    style.logarithmic_y(below)
    above.set(ylabel=style.typeset("h_j (dots: ĥ_j)"))
    below.set(xlabel="lag j (time steps)", ylabel=style.typeset("|h_j - ĥ_j|"))
    style.legend(above)
    style.sign(figure, info)
    return figure


@style.inked
def draw_training(info: ComparisonInfo) -> Ink:
    """The loss above, the extrapolation error below."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    for number, side in enumerate(info.sides):
        colour = style.COLOURS[number % len(style.COLOURS)]
        draw_band(above, side.above, colour, side.label, logarithmic=True)
        draw_band(below, side.below, colour, None, logarithmic=True)
    for axes in (above, below):
        style.logarithmic_y(axes)
        style.over_steps(axes)
    above.set(ylabel="training loss")
    below.set(xlabel="step t", ylabel="extrapolation error")
    style.legend(above)
    style.sign(figure, info)
    return figure


def _band(x: np.ndarray, values: np.ndarray) -> Band:
    """The band of (seeds, points); NaN counts as infinite."""
    statistics = of_columns(overflow_as_infinite(values))
    median, q1, q3 = (part.tolist() for part in with_band(statistics, "median", "quartiles"))
    return Band(x=x.tolist(), median=median, q1=q1, q3=q3)


def draw_band(
    axes: Axes, band: Band, colour: str, label: str | None, *, logarithmic: bool = False
) -> None:
    """A line for the median, and the quartiles around it."""
    low, middle, high = (
        style.drawable(y, logarithmic=logarithmic) for y in (band.q1, band.median, band.q3)
    )
    axes.plot(band.x, middle, color=colour, lw=1.3, label=label)
    axes.fill_between(band.x, low, high, color=colour, alpha=0.15, lw=0)
