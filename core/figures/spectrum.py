"""Spectra: eigenvalues of A and Hankel singular values of the response, the students' beside the teacher's."""

import numpy as np
from matplotlib.figure import Figure

from core import teachers
from core.figures import style
from core.figures.info import Info, SeedLine, Series, heading
from core.result import ExperimentResult
from core.spec import ExperimentSpec, RecurrentTeacher, states
from core.systems import eigenvalues, hankel_singular_values

LARGEST_TEACHER = 300
"""Above so many states the teacher is left out: its eigenvalues would keep whoever asks waiting."""


class SpectrumInfo(Info):
    """Sorted values by rank 1, 2, ...

    Attributes:
        teacher_eigenvalues: |λ̂_i| of the teacher; empty for a very large one.
        eigenvalues: |λ_i| of each seed's A.
        teacher_hankel: Hankel singular values of the teacher's response.
        hankel: Those of each seed's response.
    """

    teacher_eigenvalues: list[float]
    eigenvalues: list[SeedLine]
    teacher_hankel: list[float]
    hankel: list[SeedLine]


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> SpectrumInfo:
    """The numbers of the figure."""
    del series
    poles, hankel = np.empty(0), np.empty(0)
    if not isinstance(spec.teacher, RecurrentTeacher) and states(spec.teacher) <= LARGEST_TEACHER:
        teacher = teachers.build(spec.teacher)
        poles, hankel = np.abs(eigenvalues(teacher.A)), hankel_singular_values(teacher, spec.horizon)
    return SpectrumInfo(
        **heading(spec, "Spectrum"),
        teacher_eigenvalues=poles.tolist(),
        eigenvalues=[_ranked(run.seed, [float(np.hypot(*value)) for value in run.eigenvalues]) for run in result.runs],
        teacher_hankel=hankel.tolist(),
        hankel=[_ranked(run.seed, run.hankel_singular_values) for run in result.runs],
    )


def _ranked(seed: int, values: list[float]) -> SeedLine:
    return SeedLine(seed=seed, x=[float(rank) for rank in range(1, len(values) + 1)], y=values)


@style.inked
def draw(info: SpectrumInfo) -> Figure:
    """Eigenvalues on the left, Hankel singular values on the right, both logarithmic."""
    figure, (left, right) = style.panels(1, 2, width=7.6, height=3.8)
    for axes, lines, teacher in (
        (left, info.eigenvalues, info.teacher_eigenvalues),
        (right, info.hankel, info.teacher_hankel),
    ):
        for i, line in enumerate(lines):
            label = "students, one line a seed" if i == 0 else None
            values = style.drawable(line.y, logarithmic=True)
            axes.plot(line.x, values, "o-", ms=2.5, lw=0.8, alpha=0.7, color=style.COLOURS[0], label=label)
        ranks = range(1, len(teacher) + 1)
        axes.plot(
            ranks, style.drawable(teacher, logarithmic=True), "x", ms=7, mew=1.6, color=style.TEACHER, label="teacher"
        )
        style.logarithmic_y(axes)
        axes.set_xlabel("rank")
    left.set_ylabel("|λ| of A")
    right.set_ylabel("Hankel singular value")
    left.legend(loc="best")
    style.sign(figure, info.title, info.source)
    return figure
