"""Spectra: eigenvalues of A and Hankel singular values of the response, the students' beside the teacher's."""

import numpy as np
from matplotlib.figure import Figure

from core.figures import seeds, style
from core.figures.info import Info, Line, SeedLine, Series, diverged, heading, median
from core.figures.teacher import system
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.systems import eigenvalues, hankel_singular_values


class SpectrumInfo(Info):
    """Sorted values by rank 1, 2, ...

    Attributes:
        teacher_eigenvalues: |λ̂_i| of the teacher; empty for a very large or non-linear one.
        eigenvalues: |λ_i| of each seed's A; empty lines where the student has none.
        teacher_hankel: Hankel singular values of the teacher's response.
        hankel: Those of each seed's response.
        diverged: The seeds that diverged.
        median_eigenvalues: Of ``eigenvalues``, where seeds are many.
        median_hankel: Of ``hankel``, likewise.
    """

    teacher_eigenvalues: list[float]
    eigenvalues: list[SeedLine]
    teacher_hankel: list[float]
    hankel: list[SeedLine]
    diverged: list[int]
    median_eigenvalues: Line | None
    median_hankel: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> SpectrumInfo:
    """The numbers of the figure."""
    del series
    poles, hankel, teacher = np.empty(0), np.empty(0), system(spec)
    if teacher is not None:
        poles = np.abs(eigenvalues(teacher.A))
        if getattr(spec.teacher, "readout", None) is None:
            hankel = hankel_singular_values(teacher, spec.horizon)
    own = [
        _ranked(run.seed, [float(np.hypot(*value)) for value in run.eigenvalues])
        for run in result.runs
    ]
    own_hankel = [_ranked(run.seed, run.hankel_singular_values) for run in result.runs]
    return SpectrumInfo(
        **heading(
            spec,
            "Spectrum",
            "Left |λ| of A, right the Hankel singular values of the response, sorted, of each seed and of the teacher.",
        ),
        teacher_eigenvalues=poles.tolist(),
        eigenvalues=own,
        teacher_hankel=hankel.tolist(),
        hankel=own_hankel,
        diverged=diverged(result),
        median_eigenvalues=median(own),
        median_hankel=median(own_hankel),
    )


def _ranked(seed: int, values: list[float]) -> SeedLine:
    return SeedLine(seed=seed, x=[float(rank) for rank in range(1, len(values) + 1)], y=values)


@style.inked
def draw(info: SpectrumInfo) -> Figure:
    """Eigenvalues on the left, Hankel singular values on the right, both logarithmic."""
    figure, (left, right) = style.panels(1, 2, width=7.6, height=3.8)
    for axes, lines, middle, teacher in (
        (left, info.eigenvalues, info.median_eigenvalues, info.teacher_eigenvalues),
        (right, info.hankel, info.median_hankel, info.teacher_hankel),
    ):
        seeds.draw(
            axes, lines, diverged=info.diverged, median=middle, logarithmic=True, marker="o", ms=2.5
        )
        ranks = range(1, len(teacher) + 1)
        values = style.drawable(teacher, logarithmic=True)
        axes.plot(
            ranks,
            values,
            "x",
            ms=7,
            mew=1.6,
            color=style.TEACHER,
            label="teacher" if teacher else None,
        )
        style.logarithmic_y(axes)
        axes.set_xlabel("rank")
    left.set_ylabel("|λ| of A")
    right.set_ylabel("Hankel singular value")
    if not any(line.y for line in info.eigenvalues):
        left.text(
            0.5,
            0.5,
            "the student has no A",
            transform=left.transAxes,
            ha="center",
            color=style.BASELINE,
        )
    right.legend(loc="best")
    style.sign(figure, info)
    return figure
