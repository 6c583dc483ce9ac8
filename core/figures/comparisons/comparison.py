"""Figures of experiments side by side: the median over seeds of each, with quartiles."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures import training_axis
from core.figures.drawing import style
from core.figures.drawing.plot import Drawing, Plot, Trace, limits_around
from core.figures.drawing.viridis import viridis
from core.figures.info import (
    Info,
    Line,
    NotDrawable,
    SeedLine,
    Series,
    describe,
    diverged_seeds,
    how_divergence_counts,
    how_many_fit,
    series_line,
    sources,
    statistics_along,
)
from core.figures.teacher import by_channel, channel_words, main_entry, shared_channel
from core.figures.view import DEFAULT_VIEW, TRAINING_AXES, View
from core.panels import length_marks
from core.result import ExperimentResult, Outcome
from core.spec import ExperimentSpec
from core.statistics import most_fit, with_band
from core.symbols import axis_label


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
    def diverged(self) -> list[int]:
        """The seeds that diverged, or that have so far."""
        if not self.ended:
            return diverged_seeds(None, self.series)
        outcomes = zip(self.spec.seeds, self.ended, strict=True)
        return [seed for seed, outcome in outcomes if outcome is Outcome.DIVERGED]

    @property
    def ended(self) -> list[Outcome]:
        """The outcomes of all seeds; empty before the end."""
        if self.result:
            return [run.outcome for run in self.result.runs]
        ended = [outcome for outcome in self.outcomes if outcome is not None]
        return ended if len(ended) == len(self.spec.seeds) else []

    @property
    def counts(self) -> dict[str, int | None]:
        """How many of how many seeds fit: ``fitted``, None before the end, and ``seeds``."""
        fitted = self.ended.count(Outcome.FITTED) if self.ended else None
        return {"fitted": fitted, "seeds": len(self.spec.seeds)}


def response(compared: Sequence[Compared], view: View = DEFAULT_VIEW) -> ComparisonInfo:
    """Impulse responses and their errors, in the channel chosen or the teacher's largest one.

    Raises:
        NotDrawable: An experiment has no result, or there is no such channel.
    """
    sides = []
    for experiment in compared:
        label, spec, result, _, _ = experiment
        if result is None:
            raise NotDrawable(
                f"{label!r} has no result; the figure 'training' can be drawn without one"
            )
        all_teacher = by_channel(result.teacher_response)
        entry = main_entry(all_teacher, view)
        teacher, lags = all_teacher[:, *entry], np.arange(len(all_teacher), dtype=np.float64)
        students, errors = [], []
        for run in result.runs:
            response = by_channel(run.response)[:, *entry]
            with np.errstate(all="ignore"):
                error = np.abs(response - teacher)
            students.append(SeedLine(seed=run.seed, x=lags.tolist(), y=response.tolist()))
            errors.append(SeedLine(seed=run.seed, x=lags.tolist(), y=error.tolist()))
        diverged = experiment.diverged
        side = Side(
            label=label,
            length=spec.training.length,
            above=_band(students, diverged, recorded=False),
            below=_band(errors, diverged, recorded=False),
            reference=Line(x=lags.tolist(), y=teacher.tolist()),
            **experiment.counts,
        )
        sides.append(side)
    description = "Above: h_j by lag, ĥ_j as dots. Below: |h_j - ĥ_j|. A dotted line marks each k."
    subject = f"Impulse responses{channel_of(compared, view)}"
    shared = heading(subject, description, compared, along_training=False)
    return ComparisonInfo(**shared, x="lag", sides=sides)


def channel_of(compared: Sequence[Compared], view: View) -> str:
    """The channel that the responses are shown in, to follow other words."""
    teachers = [by_channel(one.result.teacher_response) for one in compared if one.result]
    return shared_channel(
        channel_words(main_entry(teacher, view), teacher.shape) for teacher in teachers
    )


def training(compared: Sequence[Compared], view: View = DEFAULT_VIEW) -> ComparisonInfo:
    """Training curves; raises NotDrawable if an experiment has recorded nothing."""
    for experiment in compared:
        if not len(experiment.series["step"]):
            why = (
                "was imported without a series" if experiment.ended else "has recorded nothing yet"
            )
            raise NotDrawable(f"{experiment.label!r} {why}")
    x = training_axis.choose([(spec, series) for _, spec, _, series, _ in compared], view.x)
    sides = []
    for experiment in compared:
        label, spec, _, series, _ = experiment
        diverged = experiment.diverged
        above, below = (
            _band(
                [series_line(series, seed, metric, x) for seed in spec.seeds],
                diverged,
                recorded=True,
            )
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
    shared = heading("Training", description, compared, along_training=True)
    return ComparisonInfo(**shared, x=x, sides=sides)


def heading(
    subject: str, description: str, compared: Sequence[Compared], *, along_training: bool
) -> dict[str, Any]:
    """The common data of a comparison.

    Args:
        subject: What it shows, in a few words.
        description: What the lines are, in sentences.
        compared: The experiments.
        along_training: Whether the lines were recorded along the training.
    """
    outcomes = [Outcome.DIVERGED for one in compared if one.diverged]
    counted = how_divergence_counts(outcomes, along_training=along_training)
    description = f"{description} Medians over seeds, with quartiles. {counted}".strip()
    setups = " ".join(
        f"{one.label}: {describe(one.spec)} {how_many_fit(one.ended)}".strip() for one in compared
    )
    return {
        "title": subject,
        "caption": f"{subject}. {description} {setups}",
        **sources([one.spec for one in compared]),
    }


class Fitted(Protocol):
    """A side: its label, and how many of its seeds fit."""

    @property
    def label(self) -> str:
        """What distinguishes it."""

    @property
    def fitted(self) -> int | None:
        """How many of its seeds fit; None before the end."""

    @property
    def seeds(self) -> int:
        """How many seeds it has."""


def drawing_of_responses(info: ComparisonInfo) -> Drawing:
    """Responses above, errors below, teachers as dots, and a line at each k."""
    responses, errors, teachers = [], [], []
    for side, colour in zip(info.sides, colours(len(info.sides)), strict=True):
        responses.append(band_trace(side.above, colour, side))
        errors.append(band_trace(side.below, colour, side, label=False))
        teachers.append(
            Trace(
                x=side.reference.x,
                y=side.reference.y,
                label="dots: ĥ_j",
                colour=colour,
                dash="",
                marker=".",
                size=3.0,
            )
        )
    limits = length_marks(side.length for side in info.sides)
    visible = [y for side in info.sides for y in side.reference.y]
    return Drawing(
        plots=[
            Plot(
                x=axis_label("lag"),
                y="h_j",
                traces=[*responses, *teachers],
                limits=limits,
                y_limits=limits_around(visible),
            ),
            Plot(x=axis_label("lag"), y="|h_j - ĥ_j|", traces=errors, limits=limits, y_scale="log"),
        ],
        row_height=2.6,
    )


def drawing_of_training(info: ComparisonInfo) -> Drawing:
    """The loss above, the extrapolation error below."""
    losses, errors = [], []
    for side, colour in zip(info.sides, colours(len(info.sides)), strict=True):
        losses.append(band_trace(side.above, colour, side))
        errors.append(band_trace(side.below, colour, side, label=False))
    axis: dict[str, Any] = {
        "x": axis_label(info.x),
        "x_scale": "from_zero",
        "y_scale": "log",
    }
    return Drawing(
        plots=[
            Plot(y=axis_label("train_loss"), traces=losses, **axis),
            Plot(y=axis_label("extrapolation_error"), traces=errors, **axis),
        ],
        row_height=2.6,
    )


def _band(lines: Sequence[SeedLine], diverged: Sequence[int], *, recorded: bool) -> Band:
    x, statistics = statistics_along(lines, diverged, recorded=recorded)
    median, q1, q3 = (part.tolist() for part in with_band(statistics, "median", "quartiles"))
    return Band(x=x.tolist(), median=median, q1=q1, q3=q3)


def band_trace(band: Band, colour: str, side: Fitted, *, label: bool = True) -> Trace:
    """A line for the median, with the quartiles around it; hollow unless most seeds fit."""
    return Trace(
        x=band.x,
        y=band.median,
        lower=band.q1,
        upper=band.q3,
        label=side.label if label else "",
        colour=colour,
        hollow=side.fitted is not None and not most_fit(side.fitted, side.seeds),
    )


def colours(count: int) -> list[str]:
    """Colours that can be told apart: the palette if it has enough, else from dark to light."""
    if count <= len(style.COLOURS):
        return list(style.COLOURS[:count])
    return viridis(count, last=0.9)
