"""Eigenvalues along training: from near zero, poles appear one by one where the teacher has one."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures import training_axis
from core.figures.drawing import style
from core.figures.drawing.plot import Drawing, Plot, Trace
from core.figures.experiment.seeds import seed_title
from core.figures.info import (
    Info,
    Series,
    heading,
    linear_student,
    not_fitted_seeds,
    recorded_trajectory,
)
from core.figures.teacher import system
from core.figures.view import DEFAULT_VIEW, TRAINING_AXES, TrainingAxis, View
from core.panels import Mark
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.symbols import axis_label
from core.systems import eigenvalues

MAX_PANELS = 4
"""Most seeds with their own panel; the others are only in the figure's data."""


class SeedPoles(BaseModel):
    """Recorded eigenvalues of one seed.

    Attributes:
        seed: The seed.
        steps: The recorded steps.
        x: Their places on the x-axis.
        poles: Sorted eigenvalues: ``poles[i]`` at each step, the largest first at every step.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    seed: int
    steps: list[int]
    x: list[float]
    poles: list[list[float]]


class EigenvaluesInfo(Info):
    """Recorded eigenvalues of each seed's A.

    Attributes:
        x: What the lines go over.
        signed: Whether these are the eigenvalues themselves, all real, or their absolute values, as
            for a general A.
        teacher: The same of the teacher; empty for a very large or non-linear one.
        students: The eigenvalues of each seed.
        not_fitted: The seeds that ran to the end and do not fit.
    """

    x: TrainingAxis
    signed: bool
    teacher: list[float]
    students: list[SeedPoles]
    not_fitted: list[int]


def info(
    spec: ExperimentSpec,
    result: ExperimentResult | None,
    series: Series,
    view: View = DEFAULT_VIEW,
) -> EigenvaluesInfo:
    """The data of the figure; raises NotDrawable if eigenvalues weren't recorded."""
    recorded, teacher = recorded_trajectory(spec, series, "eigenvalues"), system(spec)
    axis = training_axis.choose([(spec, series)], view.x)
    poles = np.empty(0, dtype=complex) if teacher is None else eigenvalues(teacher.A)
    signed = linear_student(spec).structure != "general" and not np.iscomplex(poles).any()
    with np.errstate(all="ignore"):
        values = recorded[..., 0] if signed else np.hypot(recorded[..., 0], recorded[..., 1])
    values = -np.sort(-values, axis=-1)  # as sorted numbers they move continuously
    students = []
    for seed in spec.seeds:
        rows = series["seed"] == seed
        steps, x = series["step"][rows].tolist(), series[axis][rows].tolist()
        students.append(SeedPoles(seed=seed, steps=steps, x=x, poles=values[rows].T.tolist()))
    return EigenvaluesInfo(
        **heading(
            spec,
            result,
            "Eigenvalues of A" if result else "Eigenvalues of A so far",
            f"Recorded eigenvalues of each seed's A by {TRAINING_AXES[axis]}.",
        ),
        x=axis,
        signed=signed,
        teacher=sorted((poles.real if signed else np.abs(poles)).tolist(), reverse=True),
        students=students,
        not_fitted=not_fitted_seeds(result),
    )


def drawing(info: EigenvaluesInfo) -> Drawing:
    """A panel per seed: a line for each eigenvalue, the teacher's as levels."""
    shown = info.students[:MAX_PANELS]
    plots = [
        Plot(
            x=axis_label(info.x),
            y="λ of A" if info.signed else "|λ| of A",
            title=seed_title(student.seed, info.not_fitted),
            traces=[
                Trace(
                    x=student.x,
                    y=pole,
                    label="student",
                    colour=style.COLOURS[0],
                    weight=0.65,
                    opacity=0.8,
                )
                for pole in student.poles
            ],
            levels=[
                Mark(label="teacher" if i == 0 else "", at=level)
                for i, level in enumerate(info.teacher)
            ],
            x_scale="from_zero",
        )
        for student in shown
    ]
    count = len(info.students)
    suffix = f" (first {MAX_PANELS} of {count} seeds)" if count > len(shown) else ""
    return Drawing(plots=plots, columns=2, column_width=4.8, row_height=3.4, suffix=suffix)
