"""Eigenvalues along training: from a start near zero poles appear one at a time, each where the teacher has one."""

import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.figures import style
from core.figures.info import Info, Series, heading, linear_student, recorded
from core.figures.teacher import system
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.systems import eigenvalues

DRAWN = 4
"""So many seeds have a panel each; the others are in the figure's data."""


class SeedPoles(BaseModel):
    """The recorded eigenvalues of one seed: ``poles[i]`` along ``steps``, the largest first at every step."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    seed: int
    steps: list[int]
    poles: list[list[float]]


class EigenvaluesInfo(Info):
    """Recorded eigenvalues of each seed's A.

    Attributes:
        signed: Whether they are the eigenvalues themselves, all real, or, for a general A, their
            absolute values.
        teacher: The teacher's, likewise; empty for a very large or non-linear one.
        students: Those of each seed.
    """

    signed: bool
    teacher: list[float]
    students: list[SeedPoles]


def info(spec: ExperimentSpec, result: ExperimentResult | None, series: Series) -> EigenvaluesInfo:
    """The numbers of the figure; raises NotDrawable where they weren't recorded."""
    found, teacher = recorded(spec, series, "eigenvalues"), system(spec)
    poles = np.empty(0, dtype=complex) if teacher is None else eigenvalues(teacher.A)
    signed = linear_student(spec).structure != "general" and not np.iscomplex(poles).any()
    with np.errstate(all="ignore"):
        values = found[..., 0] if signed else np.hypot(found[..., 0], found[..., 1])
    values = -np.sort(-values, axis=-1)  # as sorted numbers they move continuously
    rows = {seed: series["seed"] == seed for seed in spec.seeds}
    return EigenvaluesInfo(
        **heading(
            spec,
            "Eigenvalues of A" if result else "Eigenvalues of A so far",
            "Recorded eigenvalues of each seed's A by step, the teacher's as levels.",
        ),
        signed=signed,
        teacher=sorted((poles.real if signed else np.abs(poles)).tolist(), reverse=True),
        students=[
            SeedPoles(seed=seed, steps=series["step"][of].tolist(), poles=values[of].T.tolist())
            for seed, of in rows.items()
        ],
    )


@style.inked
def draw(info: EigenvaluesInfo) -> Figure:
    """A panel per seed: each eigenvalue a line over the steps, the teacher's as levels."""
    shown = info.students[:DRAWN]
    columns = min(2, len(shown))
    figure, panels = style.panels(
        -(-len(shown) // columns), columns, 4.8 * columns, 3.4 * -(-len(shown) // columns)
    )
    for axes, student in zip(panels, shown, strict=False):
        for i, level in enumerate(style.drawable(info.teacher)):
            axes.axhline(
                level, color=style.TEACHER, ls="--", lw=1, label="teacher" if i == 0 else None
            )
        for i, pole in enumerate(student.poles):
            label = f"seed {student.seed}" if i == 0 else None
            axes.plot(
                student.steps,
                style.drawable(pole),
                lw=0.9,
                alpha=0.8,
                color=style.COLOURS[0],
                label=label,
            )
        style.note_limits(axes, *student.poles)
        style.over_steps(axes)
        axes.set_ylabel("λ of A" if info.signed else "|λ| of A")
        axes.legend(loc="best")
    for unused in panels[len(shown) :]:
        unused.set_visible(False)
    more = len(info.students) - len(shown)
    style.sign(figure, info, f" (first {DRAWN} of {len(info.students)} seeds)" if more else "")
    return figure
