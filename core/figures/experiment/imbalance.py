"""Balance along training: the imbalance of B and C, and the drift of gradient flow's invariants."""

from typing import Any

import numpy as np

from core.figures import teacher, training_axis
from core.figures.drawing import style
from core.figures.drawing.plot import HOLLOW_RUN, Drawing, Plot, Trace
from core.figures.experiment.seeds import seed_traces
from core.figures.info import (
    Info,
    Line,
    SeedLine,
    Series,
    diverged_seeds,
    heading,
    linear_student,
    median_line,
    not_fitted_seeds,
    series_line,
)
from core.figures.view import DEFAULT_VIEW, TRAINING_AXES, TrainingAxis, View
from core.result import ExperimentResult
from core.spec import (
    ExperimentSpec,
    GaussianStart,
    GradientDescent,
    GradientFlow,
    PopulationLoss,
    Rates,
)
from core.statistics import statistic
from core.symbols import axis_label

NEAR_ZERO = 0.05
"""Largest scale of a start for which the law of the imbalance near zero is shown."""


class ImbalanceInfo(Info):
    """Recorded points of each seed.

    Attributes:
        x: What the lines go over.
        imbalance: |B - Cᵀ|.
        invariant_drift: The drift of gradient flow's invariants.
        diverged: The seeds that diverged.
        not_fitted: The seeds that ran to the end and do not fit.
        median_imbalance: The median of ``imbalance`` if there are many seeds.
        median_drift: The median of ``invariant_drift`` if there are many seeds.
        law: What gradient flow does to the imbalance near zero, |B - Cᵀ| exp(-2 ĥ_0 τ) after the
            training time τ, down to the smallest recorded imbalance; None if the start isn't near
            zero or the inputs aren't whitened.
    """

    x: TrainingAxis
    imbalance: list[SeedLine]
    invariant_drift: list[SeedLine]
    diverged: list[int]
    not_fitted: list[int]
    median_imbalance: Line | None
    median_drift: Line | None
    law: Line | None


def info(
    spec: ExperimentSpec,
    result: ExperimentResult | None,
    series: Series,
    view: View = DEFAULT_VIEW,
) -> ImbalanceInfo:
    """The data of the figure; raises NotDrawable for a student without A, B and C."""
    linear_student(spec)
    x = training_axis.choose([(spec, series)], view.x)
    imbalance = [series_line(series, seed, "imbalance", x) for seed in spec.seeds]
    drift = [series_line(series, seed, "invariant_drift", x) for seed in spec.seeds]
    diverged = diverged_seeds(result, series)
    return ImbalanceInfo(
        **heading(
            spec,
            result,
            "Balance" if result else "Balance so far",
            f"Above: |B - Cᵀ| by {TRAINING_AXES[x]} and, for a start near zero, its predicted fall "
            "exp(-2 ĥ_0 τ) with the training time τ. Below: the drift of gradient flow's "
            "invariants. One line per seed; logarithmic axes.",
            along_training=True,
        ),
        x=x,
        imbalance=imbalance,
        invariant_drift=drift,
        diverged=diverged,
        not_fitted=not_fitted_seeds(result),
        median_imbalance=median_line(imbalance, diverged, recorded=True),
        median_drift=median_line(drift, diverged, recorded=True),
        law=_law(spec, result, series, imbalance),
    )


def _law(
    spec: ExperimentSpec, result: ExperimentResult | None, series: Series, measured: list[SeedLine]
) -> Line | None:
    """The law of the imbalance near zero, if it applies.

    Near zero d(B - Cᵀ)/dτ = S (B - Cᵀ) with S = -2 ĥ_0 I, up to terms as small as A (own
    derivation).
    """
    if not _law_applies(spec) or not all(line.y for line in measured):
        return None
    response = teacher.response(spec, result)
    if response is None or response.shape[1:] != (1, 1):
        return None
    rows = series["seed"] == measured[0].seed
    time = series["time"][rows]
    initial = statistic("median", [line.y[0] for line in measured])
    smallest = min(min(line.y) for line in measured)
    with np.errstate(all="ignore"):
        law = initial * np.exp(-2.0 * response[0, 0, 0] * time)
        shown = (law > 0) & (law >= smallest)
    places = np.array(measured[0].x)[shown]
    return Line(x=places.tolist(), y=law[shown].tolist()) if shown.any() else None


def _law_applies(spec: ExperimentSpec) -> bool:
    """Whether a free symmetric student near zero is trained by plain GD on whitened inputs."""
    student, optimizer, loss = linear_student(spec), spec.optimizer, spec.training.loss
    is_plain_gd = isinstance(optimizer, GradientDescent) and optimizer.rates == Rates()
    is_whitened = isinstance(loss, PopulationLoss) and loss.covariance is None
    is_near_zero = isinstance(student.start, GaussianStart) and student.start.scale <= NEAR_ZERO
    is_free = (
        student.structure == "symmetric"
        and not student.tied
        and {"B", "C"} <= set(student.trained)
        and student.readout is None
    )
    return (
        (is_plain_gd or isinstance(optimizer, GradientFlow))
        and is_whitened
        and spec.training.outputs == "last"
        and is_near_zero
        and is_free
    )


def drawing(info: ImbalanceInfo) -> Drawing:
    """The imbalance above, the drift below, both logarithmic."""
    common: dict[str, Any] = {"diverged": info.diverged, "not_fitted": info.not_fitted}
    imbalance = seed_traces(info.imbalance, median=info.median_imbalance, coloured=True, **common)
    drift = seed_traces(
        info.invariant_drift, median=info.median_drift, coloured=True, label=False, **common
    )
    if info.law is not None:
        imbalance.append(
            Trace(
                x=info.law.x,
                y=info.law.y,
                label="near zero: exp(-2 ĥ_0 τ)",
                colour=style.TEACHER,
                dash="--",
            )
        )
    axis: dict[str, Any] = {"x": axis_label(info.x), "x_scale": "from_zero", "y_scale": "log"}
    return Drawing(
        plots=[
            Plot(y=axis_label("imbalance"), traces=imbalance, **axis),
            Plot(y=axis_label("invariant_drift"), traces=drift, **axis),
        ],
        row_height=2.6,
        hollow=HOLLOW_RUN,
    )
