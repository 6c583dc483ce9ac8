"""Spectra of students and teacher: eigenvalues of A, Hankel singular values of the response."""

import numpy as np

from core.figures.drawing import style
from core.figures.drawing.plot import HOLLOW_RUN, Drawing, Plot, Trace
from core.figures.experiment.seeds import seed_traces
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
from core.symbols import axis_label
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
    diverged = diverged_seeds(result)
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
            result,
            "Spectrum",
            "Left: |λ| of A. Right: Hankel singular values of the response. Both sorted, for each "
            "seed and the teacher.",
            along_training=False,
        ),
        teacher_eigenvalues=poles.tolist(),
        eigenvalues=moduli,
        teacher_hankel=hankel.tolist(),
        hankel=student_hankel,
        diverged=diverged,
        not_fitted=not_fitted_seeds(result),
        median_eigenvalues=median_line(moduli, diverged, recorded=False),
        median_hankel=median_line(student_hankel, diverged, recorded=False),
    )


def _by_rank(seed: int, values: list[float]) -> SeedLine:
    return SeedLine(seed=seed, x=[float(rank) for rank in range(1, len(values) + 1)], y=values)


def drawing(info: SpectrumInfo) -> Drawing:
    """Eigenvalues on the left, Hankel singular values on the right, both logarithmic."""
    plots = []
    for y, lines, median, teacher in (
        ("|λ| of A", info.eigenvalues, info.median_eigenvalues, info.teacher_eigenvalues),
        ("Hankel singular value", info.hankel, info.median_hankel, info.teacher_hankel),
    ):
        traces = seed_traces(
            lines,
            diverged=info.diverged,
            not_fitted=info.not_fitted,
            median=median,
            marker="o",
            size=2.5,
        )
        if teacher:
            traces.append(
                Trace(
                    x=range(1, len(teacher) + 1),
                    y=teacher,
                    label="teacher",
                    colour=style.TEACHER,
                    dash="",
                    marker="x",
                    size=7.0,
                )
            )
        has_values = any(line.y for line in lines)
        empty = "" if has_values else "the student has no A"
        plots.append(
            Plot(
                x=axis_label("rank"),
                y=y,
                traces=traces if has_values else traces[-1:],
                y_scale="log",
                empty=empty,
            )
        )
    return Drawing(plots=plots, columns=2, column_width=4.0, row_height=3.8, hollow=HOLLOW_RUN)
