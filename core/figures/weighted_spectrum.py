"""Weighted spectra: where the poles are and how much each of them counts, the students' beside the teacher's."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.figures import seeds, style
from core.figures.info import MANY, Info, Series, diverged, heading, linear_student
from core.figures.teacher import by_channel, entry, entry_words, system
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.systems import LinearSystem, weighted_spectrum


class Stems(BaseModel):
    """Poles λ_i, falling in absolute value, and weights w_i of h_j = Σ_i w_i λ_i^j."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    poles: list[float]
    weights: list[float]


class SeedStems(Stems):
    """Those of one seed."""

    seed: int


class WeightedSpectrumInfo(Info):
    """Poles and weights; with several channels, weights of the entry of h_j with the largest teacher response.

    Attributes:
        signed: Whether they are the poles and weights themselves, all real, or their absolute
            values.
        entry: (output, input) of that entry.
        teacher: The teacher's; empty for a very large or non-linear one.
        students: Those of each seed.
        diverged: The seeds that diverged.
    """

    signed: bool
    entry: tuple[int, int]
    teacher: Stems
    students: list[SeedStems]
    diverged: list[int]


def info(spec: ExperimentSpec, result: ExperimentResult, series: Series) -> WeightedSpectrumInfo:
    """The numbers of the figure; raises NotDrawable for a student without A, B and C."""
    del series
    real, response = (
        linear_student(spec).structure != "general",
        by_channel(result.teacher_response),
    )
    place, teacher = entry(response), system(spec)
    with np.errstate(all="ignore"):
        known = None if teacher is None else weighted_spectrum(teacher)
        found = {
            run.seed: weighted_spectrum(_system(run.parameters, symmetric=real))
            for run in result.runs
        }
    every = [*found.values(), *([] if known is None else [known])]
    signed = not any(
        np.iscomplex(part).any() for poles, weights in every for part in (poles, weights[:, *place])
    )

    def drawn(spectrum: tuple[np.ndarray, np.ndarray]) -> dict[str, list[float]]:
        poles, weights = (spectrum[0], spectrum[1][:, *place])
        with np.errstate(all="ignore"):
            parts = (poles.real, weights.real) if signed else (np.abs(poles), np.abs(weights))
        return dict(zip(("poles", "weights"), (part.tolist() for part in parts), strict=True))

    return WeightedSpectrumInfo(
        **heading(
            spec,
            f"Weighted spectrum{entry_words(place, response.shape)}",
            "Poles λ_i, and weights w_i of h_j = Σ w_i λ_i^j, of each seed and of the teacher.",
        ),
        signed=signed,
        entry=place,
        teacher=Stems(poles=[], weights=[]) if known is None else Stems(**drawn(known)),
        students=[SeedStems(seed=seed, **drawn(spectrum)) for seed, spectrum in found.items()],
        diverged=diverged(result),
    )


def _system(
    parameters: dict[str, list[list[float]] | list[float]], *, symmetric: bool
) -> LinearSystem:
    A, B, C = (np.array(parameters[name], dtype=float) for name in ("A", "B", "C"))
    return LinearSystem((A + A.T) / 2 if symmetric else A, B, C)


@style.inked
def draw(info: WeightedSpectrumInfo) -> Figure:
    """Stems at the poles, as high as the weights, but for seeds that diverged."""
    figure, (axes,) = style.panels(1, 1, height=3.8)
    shown = [student for student in info.students if student.seed not in info.diverged]
    own, named = len(shown) <= MANY, set()
    for i, student in enumerate(shown):
        colour = style.COLOURS[i % len(style.COLOURS)] if own else style.COLOURS[0]
        text = f"seed {student.seed}" if own else f"{len(shown)} seeds"
        marker = style.MARKERS[i % len(style.MARKERS)]
        _stems(axes, student, None if text in named else text, colour=colour, marker=marker)
        named.add(text)
    if info.teacher.poles:
        _stems(axes, info.teacher, "teacher", colour=style.TEACHER, marker="x", size=8.0)
    if info.diverged:
        axes.plot([], [], " ", label=f"diverged, not drawn: {seeds.listed(info.diverged)}")
    axes.axhline(0, color=style.BASELINE, lw=0.8)
    bars = "" if info.signed else "|"
    axes.set(
        xlabel=style.typeset(f"pole {bars}λ_i{bars}"),
        ylabel=style.typeset(f"weight {bars}w_i{bars}"),
    )
    style.note_limits(axes, *(part for one in shown for part in (one.poles, one.weights)))
    axes.legend(loc="best", ncols=1 if len(shown) <= 6 or not own else 2)
    style.sign(figure, info)
    return figure


def _stems(
    axes: Axes, stems: Stems, label: str | None, *, colour: str, marker: str, size: float = 4.0
) -> None:
    poles, weights = style.drawable(stems.poles), style.drawable(stems.weights)
    axes.vlines(poles, 0, weights, color=colour, lw=0.8, alpha=0.6)
    axes.plot(poles, weights, marker, ms=size, mfc="none", color=colour, alpha=0.9, label=label)
