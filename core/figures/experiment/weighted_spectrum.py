"""Weighted spectra: poles of students and teacher, and the weight of each in the response."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures.drawing import style
from core.figures.drawing.plot import HOLLOW_RUN, Drawing, Plot, Trace
from core.figures.experiment.seeds import listed
from core.figures.info import (
    MANY_SEEDS,
    Info,
    Series,
    diverged_seeds,
    heading,
    linear_student,
    not_fitted_seeds,
)
from core.figures.teacher import (
    by_channel,
    channel_title,
    channel_words,
    channels,
    main_entry,
    system,
)
from core.figures.view import DEFAULT_VIEW, View
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.systems import LinearSystem, weighted_spectrum

LARGEST_MARKER = 14.0
"""The diameter in points of the marker of the largest weight in the complex plane."""

SMALLEST_MARKER = 2.0


class Stems(BaseModel):
    """Poles λ_i by falling absolute value, and weights w_i in h_j = Σ_i w_i λ_i^j.

    Attributes:
        poles: λ_i if all are real, else |λ_i|.
        weights: w_i if all are real, else |w_i|.
        re: The real parts of the poles.
        im: Their imaginary parts.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    poles: list[float]
    weights: list[float]
    re: list[float]
    im: list[float]


class SeedStems(Stems):
    """The poles and weights of one seed."""

    seed: int


class ChannelSpectra(BaseModel):
    """Poles and weights of one output and one input.

    Attributes:
        entry: (output, input) of the entry of h_j, from 0.
        teacher: The teacher's; empty for a very large or non-linear one.
        students: Those of each seed.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    entry: tuple[int, int]
    teacher: Stems
    students: list[SeedStems]


class WeightedSpectrumInfo(Info, ChannelSpectra):
    """Poles and weights of the teacher's largest entry of h_j, or of the one that was chosen.

    Attributes:
        signed: Whether poles and weights are all real; then they are given with their signs.
        diverged: The seeds that diverged.
        not_fitted: The seeds that don't fit.
        channels: The same for every entry that is shown, if there are several.
    """

    signed: bool
    diverged: list[int]
    not_fitted: list[int]
    channels: list[ChannelSpectra]


Spectrum = tuple[np.ndarray, np.ndarray]
"""Poles (d,), and weights (d, p, m)."""

Marked = tuple[Stems, dict[str, Any]]
"""Poles and weights, and the attributes of their trace."""


def info(
    spec: ExperimentSpec, result: ExperimentResult, series: Series, view: View = DEFAULT_VIEW
) -> WeightedSpectrumInfo:
    """The data of the figure.

    Raises:
        NotDrawable: The student has no A, B and C, or there is no such channel.
    """
    del series
    symmetric = linear_student(spec).structure != "general"
    response, teacher = by_channel(result.teacher_response), system(spec)
    entries, main = channels(response.shape, view), main_entry(response, view)
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
        for part in (poles, *(weights[:, *entry] for entry in entries))
    )
    by_entry = {
        entry: ChannelSpectra(
            entry=entry,
            teacher=_stems(of_teacher, entry, signed=signed),
            students=[
                SeedStems(seed=seed, **dict(_stems(spectrum, entry, signed=signed)))
                for seed, spectrum in of_seeds.items()
            ],
        )
        for entry in entries
    }
    several = len(entries) > 1
    where = "by pole" if signed else "in the complex plane, as areas"
    return WeightedSpectrumInfo(
        **heading(
            spec,
            result,
            f"Weighted spectrum{'' if several else channel_words(main, response.shape)}",
            f"Poles λ_i, and weights w_i of h_j = Σ w_i λ_i^j {where}, of each seed and of the "
            "teacher.",
        ),
        **dict(by_entry[main]),
        signed=signed,
        diverged=diverged_seeds(result),
        not_fitted=not_fitted_seeds(result),
        channels=[*by_entry.values()] if several else [],
    )


def _stems(spectrum: Spectrum | None, entry: tuple[int, int], *, signed: bool) -> Stems:
    if spectrum is None:
        return Stems(poles=[], weights=[], re=[], im=[])
    poles, weights = spectrum[0], spectrum[1][:, *entry]
    with np.errstate(all="ignore"):
        return Stems(
            poles=(poles.real if signed else np.abs(poles)).tolist(),
            weights=(weights.real if signed else np.abs(weights)).tolist(),
            re=poles.real.tolist(),
            im=poles.imag.tolist(),
        )


def _system(
    parameters: dict[str, list[list[float]] | list[float]], *, symmetric: bool
) -> LinearSystem:
    A, B, C = (np.array(parameters[name], dtype=float) for name in ("A", "B", "C"))
    return LinearSystem((A + A.T) / 2 if symmetric else A, B, C)


def drawing(info: WeightedSpectrumInfo) -> Drawing:
    """Stems at real poles, as high as the weights; complex poles in the plane, weights as areas.

    Diverged seeds are left out.
    """
    shown: Sequence[ChannelSpectra] = info.channels or [info]
    several = len(shown) > 1
    return Drawing(
        plots=[_plot(info, channel) for channel in shown],
        columns=len({channel.entry[1] for channel in shown}),
        column_width=3.6 if several else 6.4,
        row_height=(3.0 if several else 3.8) if info.signed else (3.6 if several else 5.6),
        hollow=HOLLOW_RUN,
    )


def _plot(info: WeightedSpectrumInfo, channel: ChannelSpectra) -> Plot:
    marked = _marked(info, channel)
    return Plot(
        x="pole λ_i" if info.signed else "Re λ_i (area of a mark: |w_i|)",
        y="weight w_i" if info.signed else "Im λ_i",
        title=channel_title(channel.entry) if info.channels else "",
        traces=_at_real_poles(marked) if info.signed else _in_the_plane(marked),
        zero=True,
        circle=not info.signed,
        notes=[f"diverged, not drawn: {listed(info.diverged)}"] if info.diverged else [],
    )


def _at_real_poles(marked: Sequence[Marked]) -> list[Trace]:
    return [
        Trace(x=stems.poles, y=stems.weights, stems=True, **attributes)
        for stems, attributes in marked
    ]


def _in_the_plane(marked: Sequence[Marked]) -> list[Trace]:
    largest = max((abs(w) for stems, _ in marked for w in stems.weights), default=0.0)
    traces = []
    for stems, attributes in marked:
        share = np.sqrt(np.abs(stems.weights) / largest) if largest > 0 else np.zeros(len(stems.re))
        marks: dict[str, Any] = {
            "size": np.maximum(LARGEST_MARKER * share, SMALLEST_MARKER).tolist(),
            "marker": "o" if isinstance(stems, SeedStems) else "x",
        }
        traces.append(Trace(x=stems.re, y=stems.im, **attributes | marks))
    return traces


def _marked(info: WeightedSpectrumInfo, channel: ChannelSpectra) -> list[Marked]:
    """The stems to show, each with its colour, marker and label."""
    seeds = [student for student in channel.students if student.seed not in info.diverged]
    few = len(seeds) <= MANY_SEEDS
    marked: list[Marked] = []
    for i, student in enumerate(seeds):
        attributes = {
            "label": f"seed {student.seed}" if few else f"{len(seeds)} seeds",
            "colour": style.COLOURS[i % len(style.COLOURS)] if few else style.COLOURS[0],
            "marker": style.marker(i),
            "dash": "",
            "outlined": True,
            "hollow": student.seed in info.not_fitted,
            "opacity": 0.9 if few else 0.5,
        }
        marked.append((student, attributes))
    if channel.teacher.poles:
        attributes = {
            "label": "teacher",
            "colour": style.TEACHER,
            "marker": "x",
            "size": 8.0,
            "dash": "",
        }
        marked.append((channel.teacher, attributes))
    return marked
