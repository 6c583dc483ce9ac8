"""Extrapolation error against training length: the cliff at k = 2 d̂, and which starts fall off it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.evidence import Evidence
from core.figures import style
from core.figures.info import Info, source
from core.spec import states


class Band(BaseModel):
    """One start: quartiles over seeds of the relative extrapolation error at each training length."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    start: str
    lengths: list[int]
    lower: list[float]
    median: list[float]
    upper: list[float]


class ExtrapolationInfo(Info):
    """Extrapolation errors over the zero baseline, so that 1 is a student that answers zero past k.

    Attributes:
        teacher_dim: d̂.
        bands: One per start.
    """

    teacher_dim: int
    bands: list[Band]


def info(evidence: Sequence[Evidence]) -> ExtrapolationInfo:
    """The numbers of the figure, of completed experiments that differ in start and training length."""
    starts: dict[str, list[Evidence]] = {}
    for piece in sorted(evidence, key=lambda piece: piece.spec.training.length):
        starts.setdefault(piece.start, []).append(piece)
    dim = states(evidence[0].spec.teacher) if evidence else 0
    kinds = ", ".join(sorted({piece.spec.teacher.kind for piece in evidence}))
    return ExtrapolationInfo(
        title=f"Extrapolation against training length: {kinds} teacher, d̂ = {dim}",
        source=source([piece.spec for piece in evidence]),
        teacher_dim=dim,
        bands=[_band(start, pieces) for start, pieces in starts.items()],
    )


def _band(start: str, pieces: Sequence[Evidence]) -> Band:
    quartiles = np.array(
        [
            np.quantile(piece.values("relative_extrapolation_error"), [0.25, 0.5, 0.75], method="nearest")
            for piece in pieces
        ]
    )
    lower, median, upper = quartiles.T.tolist()
    lengths = [piece.spec.training.length for piece in pieces]
    return Band(start=start, lengths=lengths, lower=lower, median=median, upper=upper)


@style.inked
def draw(info: ExtrapolationInfo) -> Figure:
    """Medians with inter-quartile bands, logarithmic; the zero baseline is at 1."""
    figure, (axes,) = style.panels(1, 1, height=4.4)
    for i, band in enumerate(info.bands):
        colour, marker = style.COLOURS[i % len(style.COLOURS)], style.MARKERS[i % len(style.MARKERS)]
        lower, median, upper = (
            style.drawable(line, logarithmic=True) for line in (band.lower, band.median, band.upper)
        )
        axes.plot(band.lengths, median, marker=marker, ms=4, lw=1.4, color=colour, label=band.start)
        axes.fill_between(band.lengths, lower, upper, color=colour, alpha=0.18)
    axes.axhline(1, color=style.BASELINE, ls="--", label="zero baseline")
    axes.axvline(2 * info.teacher_dim, color=style.BASELINE, ls=":", label=f"k = 2 d̂ = {2 * info.teacher_dim}")
    style.logarithmic_y(axes)
    axes.set(xlabel="training length k", ylabel="extrapolation error / zero baseline\nmedian and quartiles over seeds")
    axes.set_xticks(sorted({k for band in info.bands for k in band.lengths}))
    axes.legend(loc="best")
    style.sign(figure, info.title, info.source)
    return figure
