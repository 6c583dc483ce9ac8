"""Spectra of students and teacher: eigenvalues of A, Hankel singular values of the response."""

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
from core.figures.teacher import system
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.systems import eigenvalues, hankel_singular_values


class SpectrumInfo(Info):
    """Sorted values by rank 1, 2, ...

    Attributes:
        teacher_eigenvalues: |λ̂_i| of the teacher; empty for a very large or non-linear one.
        eigenvalues: |λ_i| of each seed's A; empty lines if the student has no A.
        teacher_hankel: Hankel singular values of the teacher's response.
        hankel: Hankel singular values of each seed's response.
        diverged: The seeds that diverged.
        not_fitted: The seeds that ran to the end and do not fit.
        median_eigenvalues: The median of ``eigenvalues`` if there are many seeds.
        median_hankel: The median of ``hankel`` if there are many seeds.
    """

    teacher_eigenvalues: list[float]
    eigenvalues: list[SeedLine]
    teacher_hankel: list[float]
    hankel: list[SeedLine]
    diverged: list[int]
    not_fitted: list[int]
    median_eigenvalues: Line | None
    median_hankel: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> SpectrumInfo:
    """The data of the figure."""
    del series
    poles, hankel, teacher = np.empty(0), np.empty(0), system(spec)
    if teacher is not None:
        poles = np.abs(eigenvalues(teacher.A))
        if getattr(spec.teacher, "readout", None) is None:
            hankel = hankel_singular_values(teacher, spec.horizon)
    moduli = [
        _by_rank(run.seed, [float(np.hypot(*value)) for value in run.eigenvalues])
        for run in result.runs
    ]
    student_hankel = [_by_rank(run.seed, run.hankel_singular_values) for run in result.runs]
    return SpectrumInfo(
        **heading(
            spec,
            "Spectrum",
            "Left: |λ| of A. Right: Hankel singular values of the response. Both sorted, for each "
            "seed and the teacher.",
        ),
        teacher_eigenvalues=poles.tolist(),
        eigenvalues=moduli,
        teacher_hankel=hankel.tolist(),
        hankel=student_hankel,
        diverged=diverged_seeds(result),
        not_fitted=not_fitted_seeds(result),
        median_eigenvalues=median_line(moduli),
        median_hankel=median_line(student_hankel),
    )


def _by_rank(seed: int, values: list[float]) -> SeedLine:
    return SeedLine(seed=seed, x=[float(rank) for rank in range(1, len(values) + 1)], y=values)


@style.renderer
def render(info: SpectrumInfo) -> Figure:
    """Renders eigenvalues on the left, Hankel singular values on the right, both logarithmic."""
    figure, (left, right) = style.subplots(1, 2, width=7.6, height=3.8)
    for axes, lines, median, teacher in (
        (left, info.eigenvalues, info.median_eigenvalues, info.teacher_eigenvalues),
        (right, info.hankel, info.median_hankel, info.teacher_hankel),
    ):
        plot_seeds(
            axes, lines, diverged=info.diverged, median=median, logarithmic=True, marker="o", ms=2.5
        )
        ranks, label = range(1, len(teacher) + 1), "teacher" if teacher else None
        values = style.plottable(teacher, logarithmic=True)
        axes.plot(ranks, values, "x", ms=7, mew=1.6, color=style.TEACHER, label=label)
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
    style.add_title(figure, info)
    return figure
