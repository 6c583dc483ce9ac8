"""The response along training: how the student's impulse response grows into the teacher's, and past k."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from core.figures import style, teacher
from core.figures.info import Info, SeedLine, Series, heading, recorded
from core.result import ExperimentResult
from core.spec import ExperimentSpec

DRAWN = 4
"""So many seeds have a panel each; the others are in the figure's data."""

MOMENTS = 7
"""Recorded steps that are drawn of each seed, evenly spread among all that are recorded."""


class StepLine(SeedLine):
    """The response of one seed by lag, at a step."""

    step: int


class TrajectoryInfo(Info):
    """Recorded responses by lag j; with several channels, the entry of h_j with the largest teacher response.

    Attributes:
        length: The training length k.
        entry: (output, input) of the drawn entry of h_j.
        teacher: ĥ_j; empty where it isn't known before the end.
        students: h_j of each seed at a few steps, by seed and step.
    """

    length: int
    entry: tuple[int, int]
    teacher: list[float]
    students: list[StepLine]


def info(spec: ExperimentSpec, result: ExperimentResult | None, series: Series) -> TrajectoryInfo:
    """The numbers of the figure; raises NotDrawable where responses weren't recorded."""
    found, wanted = recorded(spec, series, "response"), teacher.response(spec, result)
    place = (0, 0) if wanted is None else teacher.entry(wanted)
    students = []
    for seed in spec.seeds:
        rows = np.flatnonzero(series["seed"] == seed)
        moments = np.unique(
            np.linspace(0, len(rows) - 1, min(MOMENTS, len(rows))).round().astype(int)
        )
        for row in rows[moments]:
            response = found[row][:, *place].tolist()
            lags = [float(j) for j in range(len(response))]
            students.append(StepLine(seed=seed, step=int(series["step"][row]), x=lags, y=response))
    return TrajectoryInfo(
        **heading(
            spec,
            ("Response along training" if result else "Response so far") + _words(place, wanted),
            f"h_j by lag at up to {MOMENTS} recorded steps, from light to dark, ĥ_j as dots, and a line at k.",
        ),
        length=spec.training.length,
        entry=place,
        teacher=[] if wanted is None else wanted[:, *place].tolist(),
        students=students,
    )


def _words(place: tuple[int, int], wanted: np.ndarray | None) -> str:
    return "" if wanted is None else teacher.entry_words(place, wanted.shape)


@style.inked
def draw(info: TrajectoryInfo) -> Figure:
    """A panel per seed: the response at some steps from light to dark, the teacher's, and a line at k."""
    seeds = list(dict.fromkeys(line.seed for line in info.students))
    shown = seeds[:DRAWN]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure, panels = style.panels(rows, columns, 4.8 * columns, 3.4 * rows)
    for axes, seed in zip(panels, shown, strict=False):
        lines = [line for line in info.students if line.seed == seed]
        shades = mpl.colormaps["Blues"](np.linspace(0.3, 1.0, len(lines)))
        for line, shade in zip(lines, shades, strict=True):
            axes.plot(
                line.x, style.drawable(line.y), color=shade, lw=1.1, label=f"step {line.step}"
            )
        teacher, lags = style.drawable(info.teacher), range(len(info.teacher))
        axes.plot(lags, teacher, "o", ms=3, color=style.TEACHER, label="teacher")
        axes.axvline(info.length - 0.5, color=style.BASELINE, ls=":", label=f"k = {info.length}")
        style.around(axes, teacher)
        style.whole_x(axes, lags)
        style.note_limits(axes, *(line.y for line in lines))
        axes.set_title(f"seed {seed}", loc="left", fontsize="medium")
        axes.set(xlabel="lag j (time steps)", ylabel=style.typeset("h_j"))
        axes.legend(loc="best", fontsize="small")
    for unused in panels[len(shown) :]:
        unused.set_visible(False)
    more = len(seeds) - len(shown)
    style.sign(figure, info, f" (first {DRAWN} of {len(seeds)} seeds)" if more else "")
    return figure
