"""Impulse responses: the student's over the teacher's, within the training length and past it."""

import numpy as np
from matplotlib.figure import Figure

from core.figures import style
from core.figures.info import Info, SeedLine, Series, heading
from core.result import ExperimentResult, Response
from core.spec import ExperimentSpec


class ResponseInfo(Info):
    """Responses by lag j, and errors |e_j|; with several channels, the entry of h_j with the largest teacher response.

    Attributes:
        length: The training length k.
        entry: (output, input) of the drawn entry of h_j.
        teacher: ĥ_j.
        students: h_j of each seed.
        errors: |h_j - ĥ_j| of each seed.
    """

    length: int
    entry: tuple[int, int]
    teacher: list[float]
    students: list[SeedLine]
    errors: list[SeedLine]


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> ResponseInfo:
    """The numbers of the figure."""
    del series
    teacher = _channels(result.teacher_response)
    entry = np.unravel_index(np.abs(teacher).max(axis=0).argmax(), teacher.shape[1:])
    lags = [float(j) for j in range(len(teacher))]
    responses = {run.seed: _channels(run.response)[:, *entry] for run in result.runs}
    wanted = teacher[:, *entry]
    with np.errstate(all="ignore"):
        errors = {seed: np.abs(response - wanted) for seed, response in responses.items()}
    p, m = teacher.shape[1:]
    which = f", output {entry[0] + 1} of {p}, input {entry[1] + 1} of {m}" if p * m > 1 else ""
    return ResponseInfo(
        **heading(spec, f"Impulse response{which}"),
        length=spec.training.length,
        entry=(int(entry[0]), int(entry[1])),
        teacher=wanted.tolist(),
        students=[SeedLine(seed=seed, x=lags, y=response.tolist()) for seed, response in responses.items()],
        errors=[SeedLine(seed=seed, x=lags, y=error.tolist()) for seed, error in errors.items()],
    )


def _channels(response: Response) -> np.ndarray:
    """(q, p, m)."""
    return np.array(response, dtype=float).reshape(len(response), *np.shape(response)[1:] or (1, 1))


@style.inked
def draw(info: ResponseInfo) -> Figure:
    """Responses above, errors below, and a line at k between what was trained and what was not."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    lags = range(len(info.teacher))
    for axes, lines in ((above, info.students), (below, info.errors)):
        for i, line in enumerate(lines):
            values = style.drawable(line.y, logarithmic=axes is below)
            label = "students, one line a seed" if i == 0 and axes is above else None
            axes.plot(line.x, values, color=style.COLOURS[0], alpha=0.7, lw=1, label=label)
        axes.axvline(
            info.length - 0.5, color=style.BASELINE, ls=":", label=f"k = {info.length}" if axes is above else None
        )
    teacher = style.drawable(info.teacher)
    above.plot(lags, teacher, "o", ms=3, color=style.TEACHER, label="teacher")
    low, high = np.nanmin([0, *teacher]), np.nanmax([0, *teacher])
    margin = 0.3 * (high - low)
    if margin > 0:
        above.set_ylim(low - margin, high + margin)
    below.plot(lags, style.drawable(np.abs(teacher), logarithmic=True), color=style.BASELINE, ls="--", label="|ĥ_j|")
    style.logarithmic_y(below)
    above.set(ylabel="h_j")
    below.set(xlabel="lag j (time steps)", ylabel="|h_j - ĥ_j|")
    above.legend(loc="best")
    below.legend(loc="best")
    style.sign(figure, info.title, info.source)
    return figure
