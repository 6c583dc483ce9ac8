"""The response along training: how the student's response grows into the teacher's, and past k."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from core.figures import teacher
from core.figures.drawing import style
from core.figures.info import Info, SeedLine, Series, heading, recorded_trajectory
from core.result import ExperimentResult
from core.spec import ExperimentSpec

MAX_PANELS = 4
"""Most seeds with their own panel; the others are only in the figure's data."""

MAX_STEPS = 7
"""Most recorded steps shown of each seed, evenly spread over all recorded ones."""


class StepLine(SeedLine):
    """The response of one seed by lag, at one step."""

    step: int


class TrajectoryInfo(Info):
    """Recorded responses by lag j; with several channels, the teacher's largest entry.

    Attributes:
        length: The training length k.
        entry: (output, input) of the entry of h_j that is shown.
        teacher: ĥ_j; empty if not known before the end.
        students: h_j of each seed at a few steps, by seed and step.
    """

    length: int
    entry: tuple[int, int]
    teacher: list[float]
    students: list[StepLine]


def info(spec: ExperimentSpec, result: ExperimentResult | None, series: Series) -> TrajectoryInfo:
    """The data of the figure; raises NotDrawable if responses weren't recorded."""
    recorded = recorded_trajectory(spec, series, "response")
    target = teacher.response(spec, result)
    entry = (0, 0) if target is None else teacher.largest_entry(target)
    suffix = "" if target is None else teacher.entry_suffix(entry, target.shape)
    students = []
    for seed in spec.seeds:
        rows = np.flatnonzero(series["seed"] == seed)
        places = np.linspace(0, len(rows) - 1, min(MAX_STEPS, len(rows)))
        for row in rows[np.unique(places.round().astype(int))]:
            response = recorded[row][:, *entry].tolist()
            lags = [float(j) for j in range(len(response))]
            students.append(StepLine(seed=seed, step=int(series["step"][row]), x=lags, y=response))
    return TrajectoryInfo(
        **heading(
            spec,
            ("Response along training" if result else "Response so far") + suffix,
            f"h_j by lag at up to {MAX_STEPS} recorded steps, from light to dark; ĥ_j as dots. A "
            "dotted line marks k.",
        ),
        length=spec.training.length,
        entry=entry,
        teacher=[] if target is None else target[:, *entry].tolist(),
        students=students,
    )


@style.renderer
def render(info: TrajectoryInfo) -> Figure:
    """Renders a panel per seed: responses from light to dark, the teacher's, and a line at k."""
    seeds = list(dict.fromkeys(line.seed for line in info.students))
    shown = seeds[:MAX_PANELS]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure, all_axes = style.subplots(rows, columns, 4.8 * columns, 3.4 * rows)
    for axes, seed in zip(all_axes, shown, strict=False):
        lines = [line for line in info.students if line.seed == seed]
        shades = mpl.colormaps["Blues"](np.linspace(0.3, 1.0, len(lines)))
        for line, shade in zip(lines, shades, strict=True):
            y, label = style.plottable(line.y), f"step {line.step}"
            axes.plot(line.x, y, color=shade, lw=1.1, label=label)
        target, lags = style.plottable(info.teacher), range(len(info.teacher))
        axes.plot(lags, target, "o", ms=3, color=style.TEACHER, label="teacher")
        axes.axvline(info.length - 0.5, color=style.BASELINE, ls=":", label=f"k = {info.length}")
        style.fit_y(axes, target)
        style.integer_ticks(axes, lags)
        style.note_limits(axes, *(line.y for line in lines))
        axes.set_title(f"seed {seed}", loc="left", fontsize="medium")
        axes.set(xlabel="lag j (time steps)", ylabel=style.typeset("h_j"))
        axes.legend(loc="best", fontsize="small")
    for unused in all_axes[len(shown) :]:
        unused.set_visible(False)
    omitted = f" (first {MAX_PANELS} of {len(seeds)} seeds)" if len(seeds) > len(shown) else ""
    style.add_title(figure, info, omitted)
    return figure
