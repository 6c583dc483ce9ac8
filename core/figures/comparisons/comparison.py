"""Figures of experiments side by side: the median over seeds of each, with quartiles."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.figures import training_axis
from core.figures.drawing import style
from core.figures.info import (
    Info,
    Line,
    NotDrawable,
    Series,
    carried_forward,
    describe,
    series_line,
    sources,
)
from core.figures.teacher import by_channel, largest_entry
from core.figures.view import DEFAULT_VIEW, TRAINING_AXES, View
from core.result import ExperimentResult, Outcome
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
    """One experiment: its label, and its lines in the upper and the lower panel.

    Attributes:
        label: What distinguishes it from the others.
        length: The training length k.
        above: h_j or train_loss.
        below: |h_j - ĥ_j| or extrapolation_error.
        reference: ĥ_j by lag; empty for training curves.
        fitted: How many of its seeds fit; None before the end.
        seeds: How many seeds it has.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    label: str
    length: int
    above: Band
    below: Band
    reference: Line
    fitted: int | None = None
    seeds: int = 0


class ComparisonInfo(Info):
    """The data of a comparison.

    Attributes:
        x: What the lines go over.
        sides: The experiments, in the order in which they were named.
    """

    x: Literal["lag", "step", "time"]
    sides: list[Side]


class Compared(NamedTuple):
    """A compared experiment.

    Attributes:
        label: What distinguishes it from the others.
        spec: Its spec.
        result: Its result, if it has one.
        series: Its recorded points.
        outcomes: The outcome of each seed, None before its end; needed without a result.
    """

    label: str
    spec: ExperimentSpec
    result: ExperimentResult | None
    series: Series
    outcomes: Sequence[Outcome | None] = ()

    @property
    def counts(self) -> dict[str, int | None]:
        """How many of how many seeds fit: ``fitted``, None before the end, and ``seeds``."""
        outcomes = [run.outcome for run in self.result.runs] if self.result else self.outcomes
        ended = outcomes and None not in outcomes
        fitted = list(outcomes).count(Outcome.FITTED) if ended else None
        return {"fitted": fitted, "seeds": len(self.spec.seeds)}


def response(compared: Sequence[Compared]) -> ComparisonInfo:
    """Impulse responses and their errors; raises NotDrawable if an experiment has no result."""
    sides = []
    for experiment in compared:
        label, spec, result, _, _ = experiment
        if result is None:
            raise NotDrawable(
                f"{label!r} has no result; the figure 'training' can be drawn without one"
            )
        all_teacher = by_channel(result.teacher_response)
        entry = largest_entry(all_teacher)
        teacher, lags = all_teacher[:, *entry], np.arange(len(all_teacher), dtype=np.float64)
        students = np.array([by_channel(run.response)[:, *entry] for run in result.runs])
        with np.errstate(all="ignore"):
            errors = np.abs(students - teacher)
        side = Side(
            label=label,
            length=spec.training.length,
            above=_band(lags, students),
            below=_band(lags, errors),
            reference=Line(x=lags.tolist(), y=teacher.tolist()),
            **experiment.counts,
        )
        sides.append(side)
    description = "Above: h_j by lag, ĥ_j as dots. Below: |h_j - ĥ_j|. A dotted line marks each k."
    shared = heading("Impulse responses", description, compared)
    return ComparisonInfo(**shared, x="lag", sides=sides)


def training(compared: Sequence[Compared], view: View = DEFAULT_VIEW) -> ComparisonInfo:
    """Training curves; raises NotDrawable if an experiment has recorded nothing."""
    for label, _, _, series, _ in compared:
        if not len(series["step"]):
            raise NotDrawable(f"{label!r} has recorded nothing yet")
    x = training_axis.choose([(spec, series) for _, spec, _, series, _ in compared], view.x)
    sides = []
    for experiment in compared:
        label, spec, _, series, _ = experiment
        above, below = (
            _band(*carried_forward([series_line(series, seed, metric, x) for seed in spec.seeds]))
            for metric in ("train_loss", "extrapolation_error")
        )
        side = Side(
            label=label,
            length=spec.training.length,
            above=above,
            below=below,
            reference=Line(x=[], y=[]),
            **experiment.counts,
        )
        sides.append(side)
    description = (
        f"Above: training loss by {TRAINING_AXES[x]}. Below: extrapolation error. Logarithmic axes."
    )
    return ComparisonInfo(**heading("Training", description, compared), x=x, sides=sides)


def heading(subject: str, description: str, compared: Sequence[Compared]) -> dict[str, Any]:
    """The common data of a comparison; ``description`` says what the lines are."""
    setups = " ".join(f"{one.label}: {describe(one.spec)}" for one in compared)
    return {
        "title": subject,
        "caption": f"{subject}. {description} Medians over seeds, with quartiles. {setups}",
        **sources([one.spec for one in compared]),
    }


@style.renderer
def render_response(info: ComparisonInfo) -> Figure:
    """Renders responses above, errors below, teachers as dots, and a line at each k."""
    figure, (above, below) = style.subplots(2, 1, height=5.2)
    for number, side in enumerate(info.sides):
        colour = style.COLOURS[number % len(style.COLOURS)]
        plot_band(above, side.above, colour, side.label)
        plot_band(below, side.below, colour, None, logarithmic=True)
        teacher = style.plottable(side.reference.y)
        above.plot(side.reference.x, teacher, ".", ms=4, color=colour, mfc="none")
        for axes in (above, below):
            axes.axvline(side.length - 0.5, color=colour, ls=":", lw=0.8)
    style.logarithmic_y(below)
    above.set(ylabel=style.typeset("h_j (dots: ĥ_j)"))
    below.set(xlabel="lag j (time steps)", ylabel=style.typeset("|h_j - ĥ_j|"))
    style.legend(above)
    style.add_title(figure, info)
    return figure


@style.renderer
def render_training(info: ComparisonInfo) -> Figure:
    """Renders the loss above, the extrapolation error below."""
    figure, (above, below) = style.subplots(2, 1, height=5.2)
    for number, side in enumerate(info.sides):
        colour = style.COLOURS[number % len(style.COLOURS)]
        plot_band(above, side.above, colour, side.label, logarithmic=True)
        plot_band(below, side.below, colour, None, logarithmic=True)
    for axes in (above, below):
        style.logarithmic_y(axes)
        style.training_axis(axes, "time" if info.x == "time" else "step")
    above.set(xlabel=None, ylabel="training loss")
    below.set(ylabel="extrapolation error")
    style.legend(above)
    style.add_title(figure, info)
    return figure


def _band(x: np.ndarray, values: np.ndarray) -> Band:
    """The band of (seeds, points); NaN counts as infinite."""
    statistics = of_columns(overflow_as_infinite(values))
    median, q1, q3 = (part.tolist() for part in with_band(statistics, "median", "quartiles"))
    return Band(x=x.tolist(), median=median, q1=q1, q3=q3)


def plot_band(
    axes: Axes, band: Band, colour: str, label: str | None, *, logarithmic: bool = False
) -> None:
    """Plots a line for the median, and the quartiles around it."""
    low, middle, high = (
        style.plottable(y, logarithmic=logarithmic) for y in (band.q1, band.median, band.q3)
    )
    axes.plot(band.x, middle, color=colour, lw=1.3, label=label)
    axes.fill_between(band.x, low, high, color=colour, alpha=0.15, lw=0)
