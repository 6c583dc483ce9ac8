"""Impulse responses: the student's over the teacher's, within the training length and past it."""

import numpy as np
from matplotlib.figure import Figure

from core.figures import seeds, style
from core.figures.info import Info, Line, SeedLine, Series, diverged, heading, median
from core.figures.teacher import by_channel, entry, entry_words
from core.result import ExperimentResult
from core.spec import ExperimentSpec


class BaselineLine(Line):
    """The response of a method without gradient descent."""

    name: str
    order: int


class ResponseInfo(Info):
    """Responses by lag j, and errors |e_j|; with several channels, the entry of h_j with the largest teacher response.

    Attributes:
        length: The training length k.
        entry: (output, input) of the drawn entry of h_j.
        teacher: ĥ_j.
        students: h_j of each seed.
        errors: |h_j - ĥ_j| of each seed.
        baselines: h_j of each method that the spec asks for.
        baseline_errors: |h_j - ĥ_j| of each of them.
        diverged: The seeds that diverged.
        median: Of ``students`` that did not diverge, where seeds are many.
        median_error: Of ``errors``, likewise.
    """

    length: int
    entry: tuple[int, int]
    teacher: list[float]
    students: list[SeedLine]
    errors: list[SeedLine]
    baselines: list[BaselineLine]
    baseline_errors: list[BaselineLine]
    diverged: list[int]
    median: Line | None
    median_error: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> ResponseInfo:
    """The numbers of the figure."""
    del series
    teacher = by_channel(result.teacher_response)
    place, lags = entry(teacher), [float(j) for j in range(len(teacher))]
    wanted, lost = teacher[:, *place], diverged(result)
    responses = {run.seed: by_channel(run.response)[:, *place] for run in result.runs}
    baselines = [(found, by_channel(found.response)[:, *place]) for found in result.baselines]

    def apart(response: np.ndarray) -> list[float]:
        with np.errstate(all="ignore"):
            return np.abs(response - wanted).tolist()

    students = [
        SeedLine(seed=seed, x=lags, y=response.tolist()) for seed, response in responses.items()
    ]
    errors = [
        SeedLine(seed=seed, x=lags, y=apart(response)) for seed, response in responses.items()
    ]
    return ResponseInfo(
        **heading(
            spec,
            f"Impulse response{entry_words(place, teacher.shape)}",
            "Above h_j of each seed and ĥ_j of the teacher by lag, below |h_j - ĥ_j| and |ĥ_j|, with a line at k.",
        ),
        length=spec.training.length,
        entry=place,
        teacher=wanted.tolist(),
        students=students,
        errors=errors,
        baselines=[
            BaselineLine(name=b.name, order=b.order, x=lags, y=h.tolist()) for b, h in baselines
        ],
        baseline_errors=[
            BaselineLine(name=b.name, order=b.order, x=lags, y=apart(h)) for b, h in baselines
        ],
        diverged=lost,
        median=median([line for line in students if line.seed not in lost]),
        median_error=median([line for line in errors if line.seed not in lost]),
    )


@style.inked
def draw(info: ResponseInfo) -> Figure:
    """Responses above, errors below, and a line at k between what was trained and what was not."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    lags = range(len(info.teacher))
    for axes, lines, middle, baselines in (
        (above, info.students, info.median, info.baselines),
        (below, info.errors, info.median_error, info.baseline_errors),
    ):
        first, logarithmic = axes is above, axes is below
        seeds.draw(
            axes, lines, diverged=info.diverged, median=middle, logarithmic=logarithmic, label=first
        )
        for i, line in enumerate(baselines, 1):
            label = f"{line.name.replace('_', ' ')} (order {line.order})" if first else None
            colour, y = (
                style.COLOURS[i % len(style.COLOURS)],
                style.drawable(line.y, logarithmic=logarithmic),
            )
            axes.plot(line.x, y, color=colour, ls="--", lw=1.2, label=label)
        axes.axvline(
            info.length - 0.5,
            color=style.BASELINE,
            ls=":",
            label=f"k = {info.length}" if first else None,
        )
    teacher = style.drawable(info.teacher)
    above.plot(lags, teacher, "o", ms=3, color=style.TEACHER, label="teacher")
    style.around(above, teacher)
    below.plot(
        lags,
        style.drawable(np.abs(teacher), logarithmic=True),
        color=style.BASELINE,
        ls="--",
        label="|ĥ_j|",
    )
    style.logarithmic_y(below)
    for axes in (above, below):
        style.whole_x(axes, lags)
    above.set(ylabel=style.typeset("h_j"))
    below.set(xlabel="lag j (time steps)", ylabel=style.typeset("|h_j - ĥ_j|"))
    style.legend(above)
    style.legend(below)
    style.sign(figure, info)
    return figure
