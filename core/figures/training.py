"""Training curves: the loss on the training length and the extrapolation error past it, along the steps."""

import numpy as np
from matplotlib.figure import Figure

from core.figures import style
from core.figures.info import Info, SeedLine, Series, heading
from core.result import ExperimentResult
from core.spec import ExperimentSpec


class TrainingInfo(Info):
    """Recorded points of each seed.

    Attributes:
        loss: train_loss by step.
        extrapolation_error: extrapolation_error by step.
        zero_baseline: The error of a student that answers zero past k.
    """

    loss: list[SeedLine]
    extrapolation_error: list[SeedLine]
    zero_baseline: float


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> TrainingInfo:
    """The numbers of the figure."""
    lines = {
        name: [_line(series, seed, metric) for seed in spec.seeds]
        for name, metric in {"loss": "train_loss", "extrapolation_error": "extrapolation_error"}.items()
    }
    baseline = result.runs[0].summary["zero_baseline"]
    return TrainingInfo(**heading(spec, "Training"), **lines, zero_baseline=baseline)


def _line(series: Series, seed: int, metric: str) -> SeedLine:
    rows = series["seed"] == seed
    return SeedLine(seed=seed, x=series["step"][rows].tolist(), y=series[metric][rows].tolist())


@style.inked
def draw(info: TrainingInfo) -> Figure:
    """Loss above, extrapolation error below, both logarithmic over the step (0 is drawn at 1/2)."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    for axes, lines in ((above, info.loss), (below, info.extrapolation_error)):
        for i, line in enumerate(lines):
            values = style.drawable(line.y, logarithmic=True)
            colour = style.COLOURS[i % len(style.COLOURS)]
            label = f"seed {line.seed}" if i < len(style.COLOURS) and axes is above else None
            axes.plot(np.maximum(line.x, 0.5), values, color=colour, lw=1, label=label)
        axes.set_xscale("log")
        style.logarithmic_y(axes)
    if info.zero_baseline > 0:
        below.axhline(
            float(style.drawable(info.zero_baseline, logarithmic=True)),
            color=style.BASELINE,
            ls="--",
            label="zero baseline",
        )
        below.legend(loc="best")
    above.set(ylabel="training loss L")
    below.set(xlabel="step", ylabel="extrapolation error")
    above.legend(loc="best")
    style.sign(figure, info.title, info.source)
    return figure
