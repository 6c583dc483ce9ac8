"""Weighted spectra: poles of students and teacher, and the weight of each in the response."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.figures.drawing import style
from core.figures.drawing.seeds import listed
from core.figures.info import (
    MANY_SEEDS,
    Info,
    Series,
    diverged_seeds,
    heading,
    linear_student,
    not_fitted_seeds,
)
from core.figures.teacher import by_channel, entry_suffix, largest_entry, system
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.systems import LinearSystem, weighted_spectrum


class Stems(BaseModel):
    """Poles λ_i by falling absolute value, and weights w_i in h_j = Σ_i w_i λ_i^j."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    poles: list[float]
    weights: list[float]


class SeedStems(Stems):
    """The poles and weights of one seed."""

    seed: int


class WeightedSpectrumInfo(Info):
    """Poles and weights; with several channels, weights of the teacher's largest entry of h_j.

    Attributes:
        signed: Whether these are the poles and weights themselves, all real, or their absolute
            values.
        entry: (output, input) of that entry.
        teacher: The teacher's; empty for a very large or non-linear one.
        students: Those of each seed.
        diverged: The seeds that diverged.
        not_fitted: The seeds that ran to the end and do not fit.
    """

    signed: bool
    entry: tuple[int, int]
    teacher: Stems
    students: list[SeedStems]
    diverged: list[int]
    not_fitted: list[int]


Spectrum = tuple[np.ndarray, np.ndarray]
"""Poles (d,), and weights (d, p, m)."""


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> WeightedSpectrumInfo:
    """The data of the figure; raises NotDrawable for a student without A, B and C."""
    del series
    symmetric = linear_student(spec).structure != "general"
    response, teacher = by_channel(result.teacher_response), system(spec)
    entry = largest_entry(response)
    with np.errstate(all="ignore"):
        of_teacher = None if teacher is None else weighted_spectrum(teacher)
        of_seeds = {
            run.seed: weighted_spectrum(_system(run.parameters, symmetric=symmetric))
            for run in result.runs
        }
    spectra = [*of_seeds.values(), *([] if of_teacher is None else [of_teacher])]
    signed = not any(
        np.iscomplex(part).any()
        for poles, weights in spectra
        for part in (poles, weights[:, *entry])
    )

    def stems(spectrum: Spectrum) -> dict[str, list[float]]:
        poles, weights = spectrum[0], spectrum[1][:, *entry]
        with np.errstate(all="ignore"):
            poles, weights = (part.real if signed else np.abs(part) for part in (poles, weights))
        return {"poles": poles.tolist(), "weights": weights.tolist()}

    return WeightedSpectrumInfo(
        **heading(
            spec,
            f"Weighted spectrum{entry_suffix(entry, response.shape)}",
            "Poles λ_i, and weights w_i of h_j = Σ w_i λ_i^j, of each seed and of the teacher.",
        ),
        signed=signed,
        entry=entry,
        teacher=Stems(poles=[], weights=[]) if of_teacher is None else Stems(**stems(of_teacher)),
        students=[SeedStems(seed=seed, **stems(spectrum)) for seed, spectrum in of_seeds.items()],
        diverged=diverged_seeds(result),
        not_fitted=not_fitted_seeds(result),
    )


def _system(
    parameters: dict[str, list[list[float]] | list[float]], *, symmetric: bool
) -> LinearSystem:
    A, B, C = (np.array(parameters[name], dtype=float) for name in ("A", "B", "C"))
    return LinearSystem((A + A.T) / 2 if symmetric else A, B, C)


@style.renderer
def render(info: WeightedSpectrumInfo) -> Figure:
    """Renders stems at the poles, as high as the weights, except for diverged seeds."""
    figure, (axes,) = style.subplots(1, 1, height=3.8)
    shown = [student for student in info.students if student.seed not in info.diverged]
    few = len(shown) <= MANY_SEEDS
    labelled: set[str] = set()
    for i, student in enumerate(shown):
        colour = style.COLOURS[i % len(style.COLOURS)] if few else style.COLOURS[0]
        text = f"seed {student.seed}" if few else f"{len(shown)} seeds"
        marker = style.MARKERS[i % len(style.MARKERS)]
        label = None if text in labelled else text
        _plot_stems(axes, student, label, colour=colour, marker=marker)
        labelled.add(text)
    if info.teacher.poles:
        _plot_stems(axes, info.teacher, "teacher", colour=style.TEACHER, marker="x", size=8.0)
    if info.diverged:
        axes.plot([], [], " ", label=f"diverged, not drawn: {listed(info.diverged)}")
    axes.axhline(0, color=style.BASELINE, lw=0.8)
    bar = "" if info.signed else "|"
    axes.set(
        xlabel=style.typeset(f"pole {bar}λ_i{bar}"),
        ylabel=style.typeset(f"weight {bar}w_i{bar}"),
    )
    style.note_limits(
        axes, *(part for student in shown for part in (student.poles, student.weights))
    )
    axes.legend(loc="best", ncols=1 if len(shown) <= 6 or not few else 2)
    style.add_title(figure, info)
    return figure


def _plot_stems(
    axes: Axes, stems: Stems, label: str | None, *, colour: str, marker: str, size: float = 4.0
) -> None:
    poles, weights = style.plottable(stems.poles), style.plottable(stems.weights)
    axes.vlines(poles, 0, weights, color=colour, lw=0.8, alpha=0.6)
    axes.plot(poles, weights, marker, ms=size, mfc="none", color=colour, alpha=0.9, label=label)
