"""Experiments over the first of them: how many times better or worse each is, lag by lag or step by step."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from core.figures import comparison, style
from core.figures.comparison import Band, Compared, Side
from core.figures.info import Info
from core.statistics import last_values


class Quotient(BaseModel):
    """One experiment over the first: what it is called, its training length k, and its lines in each panel."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    label: str
    length: int
    lines: list[Band]


class RatioInfo(Info):
    """Each experiment's errors over the median of the first's.

    Attributes:
        x: Over what they go.
        y: What the lines of each panel are.
        sides: The experiments, in the order in which they were named.
    """

    x: Literal["lag", "step"]
    y: list[str]
    sides: list[Quotient]


def response(compared: Sequence[Compared]) -> RatioInfo:
    """Errors of the responses lag by lag; raises NotDrawable where an experiment has no result."""
    sides = comparison.response(compared).sides
    return _ratio(compared, sides, "lag", {"|h_j - ĥ_j|": [side.below for side in sides]})


def training(compared: Sequence[Compared]) -> RatioInfo:
    """Training curves at the steps that both have; raises NotDrawable where an experiment has recorded nothing."""
    sides = comparison.training(compared).sides
    above, below = ([getattr(side, place) for side in sides] for place in ("above", "below"))
    return _ratio(compared, sides, "step", {"training loss": above, "extrapolation error": below})


def _ratio(
    compared: Sequence[Compared],
    sides: Sequence[Side],
    x: Literal["lag", "step"],
    panels: Mapping[str, Sequence[Band]],
) -> RatioInfo:
    quotients = [
        Quotient(
            label=side.label,
            length=side.length,
            lines=[_over(bands[n], bands[0]) for bands in panels.values()],
        )
        for n, side in enumerate(sides)
    ]
    subject = (
        f"{'Errors of responses' if x == 'lag' else 'Training'} over those of: {sides[0].label}"
    )
    shown = f"{' and '.join(panels)} by {x}, over the first experiment's median; logarithmic axes."
    return RatioInfo(
        **comparison.heading(subject, shown, compared), x=x, y=list(panels), sides=quotients
    )


def _over(band: Band, first: Band) -> Band:
    """The band over the first's median where both are recorded; what has ended keeps its last value."""
    x = np.union1d(band.x, first.x)
    x = x[_known(band.x, x) & _known(first.x, x)]
    below = last_values(first.x, first.median, x)
    with np.errstate(all="ignore"):
        median, q1, q3 = (
            (last_values(band.x, part, x) / below).tolist()
            for part in (band.median, band.q1, band.q3)
        )
    return Band(x=x.tolist(), median=median, q1=q1, q3=q3)


def _known(where: Sequence[float], x: np.ndarray) -> np.ndarray:
    return np.isin(x, where) | (x > max(where, default=np.inf))


@style.inked
def draw(info: RatioInfo) -> Figure:
    """A panel for each error, logarithmic; the first experiment lies at 1."""
    figure, panels = style.panels(len(info.y), 1, height=5.2 if len(info.y) > 1 else 3.8)
    for n, (axes, name) in enumerate(zip(panels, info.y, strict=True)):
        for number, side in enumerate(info.sides):
            colour, line = style.COLOURS[number % len(style.COLOURS)], side.lines[n]
            comparison.draw_band(
                axes, line, colour, side.label if n == 0 else None, logarithmic=True
            )
            if info.x == "lag":
                axes.axvline(side.length - 0.5, color=colour, ls=":", lw=0.8)
        axes.axhline(1.0, color=style.BASELINE, ls="--", lw=0.8)
        style.note_limits(axes, *(side.lines[n].median for side in info.sides), logarithmic=True)
        style.logarithmic_y(axes)
        axes.set_ylabel(style.typeset(f"{name} / first's"))
        if info.x == "step":
            style.over_steps(axes)
            axes.set_xlabel("")
    panels[-1].set_xlabel("lag j (time steps)" if info.x == "lag" else "step t")
    style.legend(panels[0])
    style.sign(figure, info)
    return figure
