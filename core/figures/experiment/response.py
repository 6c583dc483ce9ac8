"""Impulse responses: the students' and the teacher's, within the training length and past it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict

from core.figures.drawing import style
from core.figures.drawing.plot import HOLLOW_RUN, Drawing, Plot, Trace, limits_around
from core.figures.experiment.seeds import seed_traces
from core.figures.info import (
    Info,
    Line,
    SeedLine,
    Series,
    diverged_seeds,
    heading,
    median_line,
    not_fitted_seeds,
)
from core.figures.teacher import by_channel, channel_title, channel_words, channels, main_entry
from core.figures.view import DEFAULT_VIEW, View
from core.panels import length_marks
from core.result import BaselineResult, ExperimentResult
from core.spec import ExperimentSpec
from core.symbols import axis_label


class BaselineLine(Line):
    """The response of a baseline."""

    name: str
    order: int


class ChannelResponses(BaseModel):
    """Responses of one output to one input, by lag j, and errors |e_j|.

    Attributes:
        entry: (output, input) of the entry of h_j that is shown, from 0.
        teacher: ĥ_j.
        students: h_j of each seed.
        errors: |h_j - ĥ_j| of each seed.
        baselines: h_j of each baseline that the spec asks for.
        baseline_errors: |h_j - ĥ_j| of each baseline.
        median: The median of ``students`` if there are many; a diverged one counts as infinite.
        median_error: The median of their ``errors`` if there are many.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    entry: tuple[int, int]
    teacher: list[float]
    students: list[SeedLine]
    errors: list[SeedLine]
    baselines: list[BaselineLine]
    baseline_errors: list[BaselineLine]
    median: Line | None
    median_error: Line | None


class ResponseInfo(Info, ChannelResponses):
    """The responses of the teacher's largest entry, or of the one that was chosen.

    Attributes:
        length: The training length k.
        diverged: The seeds that diverged.
        not_fitted: The seeds that don't fit.
        channels: The responses of every entry that is shown, if there are several.
    """

    length: int
    diverged: list[int]
    not_fitted: list[int]
    channels: list[ChannelResponses]


def info(
    spec: ExperimentSpec, result: ExperimentResult, series: Series, view: View = DEFAULT_VIEW
) -> ResponseInfo:
    """The data of the figure; raises NotDrawable if there is no such channel."""
    del series
    teacher = by_channel(result.teacher_response)
    entries = channels(teacher.shape, view)
    main = main_entry(teacher, view)
    responses = {entry: _channel(result, teacher, entry) for entry in entries}
    suffix = "" if len(entries) > 1 else channel_words(main, teacher.shape)
    return ResponseInfo(
        **heading(
            spec,
            result,
            f"Impulse response{suffix}",
            "Above: h_j of each seed and ĥ_j of the teacher, by lag. Below: |h_j - ĥ_j| and |ĥ_j|. "
            "A dotted line marks k.",
            along_training=False,
        ),
        **dict(responses[main]),
        length=spec.training.length,
        diverged=diverged_seeds(result),
        not_fitted=not_fitted_seeds(result),
        channels=[*responses.values()] if len(entries) > 1 else [],
    )


def _channel(
    result: ExperimentResult, all_teacher: np.ndarray, entry: tuple[int, int]
) -> ChannelResponses:
    teacher, lags = all_teacher[:, *entry], [float(j) for j in range(len(all_teacher))]
    diverged = diverged_seeds(result)

    def error(response: np.ndarray) -> list[float]:
        with np.errstate(all="ignore"):
            return np.abs(response - teacher).tolist()

    students, errors, baselines, baseline_errors = [], [], [], []
    for run in result.runs:
        response = by_channel(run.response)[:, *entry]
        students.append(SeedLine(seed=run.seed, x=lags, y=response.tolist()))
        errors.append(SeedLine(seed=run.seed, x=lags, y=error(response)))
    for baseline in result.baselines:
        response = by_channel(baseline.response)[:, *entry]
        baselines.append(_baseline_line(baseline, lags, response.tolist()))
        baseline_errors.append(_baseline_line(baseline, lags, error(response)))
    return ChannelResponses(
        entry=entry,
        teacher=teacher.tolist(),
        students=students,
        errors=errors,
        baselines=baselines,
        baseline_errors=baseline_errors,
        median=median_line(students, diverged, recorded=False),
        median_error=median_line(errors, diverged, recorded=False),
    )


def _baseline_line(baseline: BaselineResult, x: list[float], y: list[float]) -> BaselineLine:
    return BaselineLine(name=baseline.name, order=baseline.order, x=x, y=y)


def drawing(info: ResponseInfo) -> Drawing:
    """Responses above, errors below, and a line at the end of the training length k.

    With several channels, a column for each input, and a row of both for each output.
    """
    shown: Sequence[ChannelResponses] = info.channels or [info]
    inputs = len({channel.entry[1] for channel in shown})
    plots: list[Plot] = []
    for start in range(0, len(shown), inputs):
        row = shown[start : start + inputs]
        plots += [_plot(info, channel, errors=False) for channel in row]
        plots += [_plot(info, channel, errors=True) for channel in row]
    several = len(shown) > 1
    return Drawing(
        plots=plots,
        columns=inputs,
        column_width=3.4 if several else 6.4,
        row_height=2.1 if several else 2.6,
        hollow=HOLLOW_RUN,
    )


def _plot(info: ResponseInfo, channel: ChannelResponses, *, errors: bool) -> Plot:
    lags = range(len(channel.teacher))
    traces = seed_traces(
        channel.errors if errors else channel.students,
        diverged=info.diverged,
        not_fitted=info.not_fitted,
        median=channel.median_error if errors else channel.median,
    )
    for i, line in enumerate(channel.baseline_errors if errors else channel.baselines, 1):
        label = f"{line.name.replace('_', ' ')} (order {line.order})"
        colour = style.COLOURS[i % len(style.COLOURS)]
        traces.append(Trace(x=line.x, y=line.y, label=label, colour=colour, dash="--"))
    target: ArrayLike = np.abs(channel.teacher) if errors else channel.teacher
    teacher = (
        Trace(x=lags, y=target, label="|ĥ_j|", colour=style.BASELINE, dash="--", weight=0.9)
        if errors
        else Trace(
            x=lags, y=target, label="teacher", colour=style.TEACHER, dash="", marker="o", size=3.0
        )
    )
    limits = _error_limits(info, channel) if errors else limits_around(channel.teacher)
    several = len(info.channels) > 1
    return Plot(
        x=axis_label("lag"),
        y="|h_j - ĥ_j|" if errors else "h_j",
        title=channel_title(channel.entry) if several else "",
        traces=[*traces, teacher],
        y_scale="log" if errors else "linear",
        limits=length_marks([info.length]),
        y_limits=limits,
    )


def _error_limits(info: ResponseInfo, channel: ChannelResponses) -> tuple[float, float] | None:
    """Limits that show the seeds that did not diverge; None if none or all of them did."""
    kept = [line.y for line in channel.errors if line.seed not in info.diverged]
    if not kept or not info.diverged:
        return None
    shown = style.plottable(np.array([*kept, np.abs(channel.teacher)]), logarithmic=True)
    return float(np.nanmin(shown)) / 10, float(np.nanmax(shown)) * 1e3
