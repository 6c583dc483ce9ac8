"""Balance along training: how far B is from Cᵀ, and how far what gradient flow conserves has drifted."""

import numpy as np
from matplotlib.figure import Figure

from core.figures import seeds, style, teacher
from core.figures.info import (
    Info,
    Line,
    SeedLine,
    Series,
    diverged,
    heading,
    linear_student,
    median,
    series_line,
)
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

NEAR_ZERO = 0.05
"""Scale of a start up to which the law of the imbalance near zero is drawn."""


class ImbalanceInfo(Info):
    """Recorded points of each seed.

    Attributes:
        imbalance: |B - Cᵀ| by step.
        invariant_drift: The drift of what gradient flow conserves, by step.
        diverged: The seeds that diverged.
        median_imbalance: Of ``imbalance``, where seeds are many.
        median_drift: Of ``invariant_drift``, likewise.
        law: What gradient flow does to the imbalance near zero, |B - Cᵀ| exp(-2 ĥ_0 τ) after the
            training time τ, down to the smallest that is recorded; None where the start isn't near
            zero or inputs aren't whitened.
    """

    imbalance: list[SeedLine]
    invariant_drift: list[SeedLine]
    diverged: list[int]
    median_imbalance: Line | None
    median_drift: Line | None
    law: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult | None, series: Series) -> ImbalanceInfo:
    """The numbers of the figure; raises NotDrawable for a student without A, B and C."""
    linear_student(spec)
    imbalance = [series_line(series, seed, "imbalance") for seed in spec.seeds]
    drift = [series_line(series, seed, "invariant_drift") for seed in spec.seeds]
    return ImbalanceInfo(
        **heading(
            spec,
            "Balance" if result else "Balance so far",
            "|B - Cᵀ| and, where the start is near zero, how it falls there, exp(-2 ĥ_0 τ) after the training time τ; "
            "below the drift of what gradient flow conserves; by step, each seed a line, logarithmic axes.",
        ),
        imbalance=imbalance,
        invariant_drift=drift,
        diverged=diverged(result),
        median_imbalance=median(imbalance),
        median_drift=median(drift),
        law=_law(spec, result, series, imbalance),
    )


def _law(
    spec: ExperimentSpec, result: ExperimentResult | None, series: Series, measured: list[SeedLine]
) -> Line | None:
    """Near zero d(B - Cᵀ)/dτ = S (B - Cᵀ) with S = -2 ĥ_0 I, up to terms that are as small as A: own derivation."""
    student, optimizer, loss = linear_student(spec), spec.optimizer, spec.training.loss
    descent = isinstance(optimizer, GradientDescent) and optimizer.rates == Rates()
    plain = descent or isinstance(optimizer, GradientFlow)
    whitened = (
        isinstance(loss, PopulationLoss)
        and loss.covariance is None
        and spec.training.outputs == "last"
    )
    near = isinstance(student.start, GaussianStart) and student.start.scale <= NEAR_ZERO
    known = (
        teacher.response(spec, result)
        if plain and whitened and near and student.readout is None
        else None
    )
    free = (
        student.structure == "symmetric" and not student.tied and {"B", "C"} <= set(student.trained)
    )
    if (
        known is None
        or known.shape[1:] != (1, 1)
        or not free
        or not all(line.y for line in measured)
    ):
        return None
    steps = series["step"][series["seed"] == measured[0].seed]
    time = series["time"][series["seed"] == measured[0].seed]
    with np.errstate(all="ignore"):
        law = statistic("median", [line.y[0] for line in measured]) * np.exp(
            -2.0 * known[0, 0, 0] * time
        )
        shown = (law > 0) & (law >= min(min(line.y) for line in measured))
    return Line(x=steps[shown].tolist(), y=law[shown].tolist()) if shown.any() else None


@style.inked
def draw(info: ImbalanceInfo) -> Figure:
    """Imbalance above, drift below, both logarithmic over the step."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    for axes, lines, middle in (
        (above, info.imbalance, info.median_imbalance),
        (below, info.invariant_drift, info.median_drift),
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
        if axes is above and info.law is not None:
            y = style.drawable(info.law.y, logarithmic=True)
            axes.plot(
                info.law.x,
                y,
                color=style.TEACHER,
                ls="--",
                lw=1.2,
                label="near zero: exp(-2 ĥ_0 τ)",
            )
        style.logarithmic_y(axes)
    above.set(xlabel=None, ylabel="imbalance |B - Cᵀ|")
    below.set_ylabel("drift of the invariants")
    style.legend(above, ncols=1 if len(info.imbalance) <= 6 else 2)
    style.sign(figure, info)
    return figure
