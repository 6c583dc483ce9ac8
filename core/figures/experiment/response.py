"""Impulse responses: the students' and the teacher's, within the training length and past it."""

import numpy as np
from matplotlib.figure import Figure

from core.figures.drawing import style
from core.figures.drawing.seeds import plot_seeds
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
from core.figures.teacher import by_channel, entry_suffix, largest_entry
from core.result import ExperimentResult
from core.spec import ExperimentSpec


class BaselineLine(Line):
    """The response of a baseline."""

    name: str
    order: int


class ResponseInfo(Info):
    """Responses by lag j, and errors |e_j|; with several channels, the teacher's largest entry.

    Attributes:
        length: The training length k.
        entry: (output, input) of the entry of h_j that is shown.
        teacher: ĥ_j.
        students: h_j of each seed.
        errors: |h_j - ĥ_j| of each seed.
        baselines: h_j of each baseline that the spec asks for.
        baseline_errors: |h_j - ĥ_j| of each baseline.
        diverged: The seeds that diverged.
        not_fitted: The seeds that ran to the end and do not fit.
        median: The median of ``students`` that did not diverge, if there are many.
        median_error: The median of their ``errors``, if there are many.
    """

    length: int
    entry: tuple[int, int]
    teacher: list[float]
    students: list[SeedLine]
    errors: list[SeedLine]
    baselines: list[BaselineLine]
    baseline_errors: list[BaselineLine]
    diverged: list[int]
    not_fitted: list[int]
    median: Line | None
    median_error: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> ResponseInfo:
    """The data of the figure."""
    del series
    all_teacher = by_channel(result.teacher_response)
    entry, lags = largest_entry(all_teacher), [float(j) for j in range(len(all_teacher))]
    teacher, diverged = all_teacher[:, *entry], diverged_seeds(result)

    def error(response: np.ndarray) -> list[float]:
        with np.errstate(all="ignore"):
            return np.abs(response - teacher).tolist()

    students, errors, baselines, baseline_errors = [], [], [], []
    for run in result.runs:
        response = by_channel(run.response)[:, *entry]
        students.append(SeedLine(seed=run.seed, x=lags, y=response.tolist()))
        errors.append(SeedLine(seed=run.seed, x=lags, y=error(response)))
    for baseline in result.baselines:
        name, order = baseline.name, baseline.order
        response = by_channel(baseline.response)[:, *entry]
        baselines.append(BaselineLine(name=name, order=order, x=lags, y=response.tolist()))
        baseline_errors.append(BaselineLine(name=name, order=order, x=lags, y=error(response)))
    return ResponseInfo(
        **heading(
            spec,
            f"Impulse response{entry_suffix(entry, all_teacher.shape)}",
            "Above: h_j of each seed and ĥ_j of the teacher, by lag. Below: |h_j - ĥ_j| and |ĥ_j|. "
            "A dotted line marks k.",
        ),
        length=spec.training.length,
        entry=entry,
        teacher=teacher.tolist(),
        students=students,
        errors=errors,
        baselines=baselines,
        baseline_errors=baseline_errors,
        diverged=diverged,
        not_fitted=not_fitted_seeds(result),
        median=median_line([line for line in students if line.seed not in diverged]),
        median_error=median_line([line for line in errors if line.seed not in diverged]),
    )


@style.renderer
def render(info: ResponseInfo) -> Figure:
    """Renders responses above, errors below, and a line at the end of the training length k."""
    figure, (above, below) = style.subplots(2, 1, height=5.2)
    lags = range(len(info.teacher))
    for axes, lines, median, baselines in (
        (above, info.students, info.median, info.baselines),
        (below, info.errors, info.median_error, info.baseline_errors),
    ):
        labelled, logarithmic = axes is above, axes is below
        plot_seeds(
            axes,
            lines,
            diverged=info.diverged,
            median=median,
            logarithmic=logarithmic,
            label=labelled,
        )
        for i, line in enumerate(baselines, 1):
            label = f"{line.name.replace('_', ' ')} (order {line.order})" if labelled else None
            colour = style.COLOURS[i % len(style.COLOURS)]
            y = style.plottable(line.y, logarithmic=logarithmic)
            axes.plot(line.x, y, color=colour, ls="--", lw=1.2, label=label)
        length_label = f"k = {info.length}" if labelled else None
        axes.axvline(info.length - 0.5, color=style.BASELINE, ls=":", label=length_label)
    teacher = style.plottable(info.teacher)
    above.plot(lags, teacher, "o", ms=3, color=style.TEACHER, label="teacher")
    style.fit_y(above, teacher)
    size = style.plottable(np.abs(teacher), logarithmic=True)
    below.plot(lags, size, color=style.BASELINE, ls="--", label="|ĥ_j|")
    style.logarithmic_y(below)
    for axes in (above, below):
        style.integer_ticks(axes, lags)
    above.set(ylabel=style.typeset("h_j"))
    below.set(xlabel="lag j (time steps)", ylabel=style.typeset("|h_j - ĥ_j|"))
    style.legend(above)
    style.legend(below)
    style.add_title(figure, info)
    return figure
