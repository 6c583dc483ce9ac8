"""Training curves: the loss on the training length and the extrapolation error past it, along the steps."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.figures import seeds, style, teacher
from core.figures.info import (
    MANY,
    Info,
    Line,
    SeedLine,
    Series,
    diverged,
    heading,
    median,
    series_line,
)
from core.metrics.plateaus import plateaus, time_to_fit
from core.result import ExperimentResult
from core.spec import ExperimentSpec


class _Mark(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    seed: int


class Fit(_Mark):
    """The first recorded step at which a seed fits, and its loss there."""

    step: int
    loss: float


class SeedPlateau(_Mark):
    """A stretch of steps over which a seed's loss rests (:func:`core.metrics.plateaus.plateaus`)."""

    start: int
    end: int
    level: float


class TrainingInfo(Info):
    """Recorded points of each seed.

    Attributes:
        loss: train_loss by step.
        extrapolation_error: extrapolation_error by step.
        zero_baseline: The error of a student that answers zero past k; None where it isn't known
            before the end.
        time_to_fit: Of the seeds that fit.
        plateaus: Of the seeds that rest.
        diverged: The seeds that diverged.
        median_loss: Of ``loss``, where seeds are many.
        median_error: Of ``extrapolation_error``, likewise.
    """

    loss: list[SeedLine]
    extrapolation_error: list[SeedLine]
    zero_baseline: float | None
    time_to_fit: list[Fit]
    plateaus: list[SeedPlateau]
    diverged: list[int]
    median_loss: Line | None
    median_error: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult | None, series: Series) -> TrainingInfo:
    """The numbers of the figure, of a training that ended or, without a result, as far as it has come."""
    loss = [series_line(series, seed, "train_loss") for seed in spec.seeds]
    error = [series_line(series, seed, "extrapolation_error") for seed in spec.seeds]
    wanted = teacher.response(spec, result)
    return TrainingInfo(
        **heading(
            spec,
            "Training" if result else "Training so far",
            "Training loss and extrapolation error by step, each seed a line; logarithmic axes.",
        ),
        loss=loss,
        extrapolation_error=error,
        zero_baseline=None
        if wanted is None
        else float(np.abs(wanted[spec.training.length :]).max()),
        time_to_fit=_fits(spec, wanted, series, loss),
        plateaus=[
            SeedPlateau(seed=line.seed, **asdict(rest))
            for line in loss
            for rest in plateaus([int(x) for x in line.x], line.y)
        ],
        diverged=diverged(result),
        median_loss=median(loss),
        median_error=median(error),
    )


def _fits(
    spec: ExperimentSpec, wanted: np.ndarray | None, series: Series, losses: Sequence[SeedLine]
) -> list[Fit]:
    """When each seed fits: by the stop rule if there is one, else by its fit error, as outcomes are told."""
    if spec.optimizer.stop is not None:
        judged, bound = losses, spec.optimizer.stop_below
    elif wanted is None:
        return []
    else:
        judged = [series_line(series, seed, "fit_error") for seed in spec.seeds]
        bound = spec.evaluation.fit_tolerance * float(np.abs(wanted[: spec.training.length]).max())
    found = []
    for line, loss in zip(judged, losses, strict=True):
        step = time_to_fit([int(x) for x in line.x], line.y, bound)
        if step is not None:
            found.append(Fit(seed=line.seed, step=step, loss=loss.y[loss.x.index(step)]))
    return found


@style.inked
def draw(info: TrainingInfo) -> Figure:
    """Loss above, extrapolation error below, both logarithmic over the step; where a seed fits and rests is marked."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    few = len(info.loss) <= MANY
    for i, rest in enumerate(info.plateaus if few else ()):
        level = float(style.drawable(rest.level, logarithmic=True))
        label = "plateaus" if i == 0 else ""
        above.hlines(
            level, rest.start, rest.end, color=style.BASELINE, alpha=0.35, lw=5, label=label
        )
    for axes, lines, middle in (
        (above, info.loss, info.median_loss),
        (below, info.extrapolation_error, info.median_error),
    ):
        seeds.draw(
            axes,
            lines,
            diverged=info.diverged,
            median=middle,
            logarithmic=True,
            coloured=True,
            label=axes is above,
        )
        style.over_steps(axes)
        style.logarithmic_y(axes)
    for i, fit in enumerate(info.time_to_fit if few else ()):
        y, text = style.drawable(fit.loss, logarithmic=True), "fits" if i == 0 else None
        above.plot(fit.step, y, "v", ms=5, color=style.TEACHER, label=text)
    zero = np.nan if info.zero_baseline is None else info.zero_baseline
    if zero > 0:
        level = float(style.drawable(zero, logarithmic=True))
        below.axhline(level, color=style.BASELINE, ls="--", label="zero baseline")
        below.legend(loc="best")
    above.set(xlabel=None, ylabel="training loss L")
    below.set_ylabel("extrapolation error")
    above.legend(loc="best", ncols=1 if len(info.loss) <= 6 else 2)
    style.sign(figure, info)
    return figure
