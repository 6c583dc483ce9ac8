"""Training curves: the loss on the training length and the extrapolation error past it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures import teacher, training_axis
from core.figures.drawing import style
from core.figures.drawing.plot import HOLLOW_RUN, Drawing, Plot, Span, Trace
from core.figures.experiment.seeds import seed_traces
from core.figures.info import (
    MANY_SEEDS,
    Info,
    Line,
    SeedLine,
    Series,
    diverged_seeds,
    heading,
    median_line,
    not_fitted_seeds,
    series_line,
)
from core.figures.view import DEFAULT_VIEW, TRAINING_AXES, TrainingAxis, View
from core.metrics.plateaus import fits_from, plateaus
from core.panels import Mark
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.symbols import axis_label


class _Mark(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    seed: int


class Fit(_Mark):
    """The recorded step from which on a seed fits, its place on the x-axis, and its loss there."""

    step: int
    at: float
    loss: float


class SeedPlateau(_Mark):
    """Steps over which a seed's loss stays flat (:func:`core.metrics.plateaus.plateaus`).

    Attributes:
        start: The first of these steps.
        end: The last of them.
        level: The loss there.
        ends_at: The places of both on the x-axis.
    """

    start: int
    end: int
    level: float
    ends_at: tuple[float, float]


class TrainingInfo(Info):
    """Recorded points of each seed.

    Attributes:
        x: What the lines go over.
        loss: train_loss.
        extrapolation_error: extrapolation_error.
        zero_baseline: The error of a student that answers zero past k; None if not known before the
            end.
        time_to_fit: One per seed that fits.
        plateaus: The plateaus of all seeds.
        diverged: The seeds that diverged.
        not_fitted: The seeds that ran to the end and do not fit.
        median_loss: The median of ``loss`` if there are many seeds.
        median_error: The median of ``extrapolation_error`` if there are many seeds.
    """

    x: TrainingAxis
    loss: list[SeedLine]
    extrapolation_error: list[SeedLine]
    zero_baseline: float | None
    time_to_fit: list[Fit]
    plateaus: list[SeedPlateau]
    diverged: list[int]
    not_fitted: list[int]
    median_loss: Line | None
    median_error: Line | None


def info(
    spec: ExperimentSpec,
    result: ExperimentResult | None,
    series: Series,
    view: View = DEFAULT_VIEW,
) -> TrainingInfo:
    """The data of the figure: of a finished training or, without a result, of a training so far."""
    x = training_axis.choose([(spec, series)], view.x)
    loss = [series_line(series, seed, "train_loss", x) for seed in spec.seeds]
    error = [series_line(series, seed, "extrapolation_error", x) for seed in spec.seeds]
    diverged = diverged_seeds(result, series)
    target = teacher.response(spec, result)
    past_k = None if target is None else target[spec.training.length :]
    return TrainingInfo(
        **heading(
            spec,
            result,
            "Training" if result else "Training so far",
            f"Training loss and extrapolation error by {TRAINING_AXES[x]}, one line per seed; "
            "logarithmic axes.",
            along_training=True,
        ),
        x=x,
        loss=loss,
        extrapolation_error=error,
        zero_baseline=None if past_k is None else float(np.abs(past_k).max()),
        time_to_fit=_fits(spec, target, series, loss),
        plateaus=_plateaus(series, loss),
        diverged=diverged,
        not_fitted=not_fitted_seeds(result),
        median_loss=median_line(loss, diverged, recorded=True),
        median_error=median_line(error, diverged, recorded=True),
    )


def _plateaus(series: Series, losses: Sequence[SeedLine]) -> list[SeedPlateau]:
    marks = []
    for line in losses:
        steps = series["step"][series["seed"] == line.seed].tolist()
        for plateau in plateaus(steps, line.y):
            ends_at = line.x[steps.index(plateau.start)], line.x[steps.index(plateau.end)]
            marks.append(SeedPlateau(seed=line.seed, **asdict(plateau), ends_at=ends_at))
    return marks


def _fits(
    spec: ExperimentSpec, target: np.ndarray | None, series: Series, losses: Sequence[SeedLine]
) -> list[Fit]:
    """Where each seed fits from, as in the metric ``steps_to_fit``."""
    if target is None:
        return []
    scale = np.abs(target[: spec.training.length]).max() or np.abs(target).max()
    bound, fits = float(spec.evaluation.fit_tolerance * scale), []
    for loss in losses:
        fit_errors = series_line(series, loss.seed, "fit_error").y
        place = fits_from(np.array(fit_errors, dtype=float), bound)
        if place is not None:
            step = int(series["step"][series["seed"] == loss.seed][place])
            fits.append(Fit(seed=loss.seed, step=step, at=loss.x[place], loss=loss.y[place]))
    return fits


def drawing(info: TrainingInfo) -> Drawing:
    """The loss above, the extrapolation error below, with fits and plateaus marked."""
    few = len(info.loss) <= MANY_SEEDS
    common: dict[str, Any] = {"diverged": info.diverged, "not_fitted": info.not_fitted}
    loss = seed_traces(info.loss, median=info.median_loss, coloured=True, **common)
    error = seed_traces(
        info.extrapolation_error, median=info.median_error, coloured=True, label=False, **common
    )
    fits = [
        Trace(
            x=[fit.at],
            y=[fit.loss],
            label="fits from here on",
            colour=style.TEACHER,
            dash="",
            marker="v",
            size=5.0,
        )
        for fit in (info.time_to_fit if few else ())
    ]
    spans = [
        Span(
            start=plateau.ends_at[0],
            end=plateau.ends_at[1],
            at=plateau.level,
            label="plateaus" * (i == 0),
        )
        for i, plateau in enumerate(info.plateaus if few else ())
    ]
    baseline = info.zero_baseline or 0.0
    levels = [Mark(label="zero baseline", at=baseline)] if baseline > 0 else []
    axis: dict[str, Any] = {"x": axis_label(info.x), "x_scale": "from_zero", "y_scale": "log"}
    return Drawing(
        plots=[
            Plot(y=axis_label("train_loss"), traces=[*loss, *fits], spans=spans, **axis),
            Plot(y=axis_label("extrapolation_error"), traces=error, levels=levels, **axis),
        ],
        row_height=2.6,
        hollow=HOLLOW_RUN,
    )
