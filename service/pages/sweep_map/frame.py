"""The frame of a sweep's map: the sizes of its cells, and which values are written on its axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.figures.coordinates import LOG_RATIO, scale
from core.figures.drawing.plot import crossings
from service.pages.sweep_map.cells import Panel
from service.pages.sweep_map.choice import SweepAxis
from service.pages.sweep_map.scale import Scale

LEFT, TOP, RIGHT, BOTTOM = 92, 6, 8, 44
"""Margins for the labels."""

_PLOT = (560, 420)
_LARGEST = (104, 40)
_SMALLEST = (7, 9)
_SHARE = 2.45
_POINT = 13
_CHARACTER, _LINE = 7.2, 15


@dataclass(frozen=True)
class Label:
    """A value on an axis, and its place."""

    at: float
    text: str


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels.

    Attributes:
        cell: Width and height of a cell with the gap to its neighbour.
        lefts, tops: The places of the columns, and of the rows from the lowest.
        plot: Width and height of all cells.
        x_labels, y_labels: The values that are written, as many as there is room for.
    """

    cell: tuple[float, float]
    lefts: Sequence[float]
    tops: Sequence[float]
    plot: tuple[float, float]
    x_labels: Sequence[Label]
    y_labels: Sequence[Label]

    @classmethod
    def of(cls, x: SweepAxis, y: SweepAxis | None, panels: int = 1) -> "Frame":
        """The frame of maps, of which two stand beside each other if there are several."""
        columns, rows = len(x.values), len(y.values) if y else 1
        share = 1 if panels == 1 else _SHARE
        width, height = (
            round(min(most, max(least, plot / share / count)))
            for plot, most, least, count in zip(
                _PLOT, _LARGEST, _SMALLEST, (columns, rows), strict=True
            )
        )
        room = max(len(text) for text in x.texts) * _CHARACTER + 8
        return cls(
            (width, height),
            [column * width for column in range(columns)],
            [(rows - 1 - row) * height for row in range(rows)],
            (columns * width, rows * height),
            _labels(x.texts, width, room),
            [] if y is None else _labels(y.texts, height, _LINE),
        )

    @classmethod
    def of_points(cls, x: SweepAxis, y: SweepAxis, panels: int = 1) -> "Frame":
        """The frame of points on axes that advance together: each lies at its two values."""
        share = 1 if panels == 1 else _SHARE
        width, height = (round(plot / share) for plot in _PLOT)
        is_log = [(axis.drawn or scale(axis.values, LOG_RATIO)) == "log" for axis in (x, y)]
        scales = [
            Scale.spanning(axis.values, is_log=log)
            for axis, log in zip((x, y), is_log, strict=True)
        ]
        room = width - _POINT, height - _POINT
        shares = [
            [one.share(value) for value in axis.values]
            for one, axis in zip(scales, (x, y), strict=True)
        ]
        half = _POINT / 2
        return cls(
            (_POINT, _POINT),
            [at * room[0] for at in shares[0]],
            [(1 - at) * room[1] for at in shares[1]],
            (width, height),
            [Label(half + at * room[0], text) for at, text in scales[0].labels],
            [Label(half + at * room[1], text) for at, text in scales[1].labels],
        )

    @property
    def width(self) -> float:
        """The width with margins."""
        return LEFT + self.plot[0] + RIGHT

    @property
    def height(self) -> float:
        """The height with margins."""
        return TOP + self.plot[1] + BOTTOM


def edges(panel: Panel, frame: Frame, threshold: float) -> str:
    """The path along which a panel's numbers cross a threshold, as in the figure; "" if nowhere."""
    values = np.full((len(frame.tops), len(frame.lefts)), np.nan)
    for cell in panel.cells:
        values[cell.row, cell.column] = cell.value
    across, up = crossings(values, threshold)
    width, height = frame.cell
    tops = frame.tops
    return "".join(
        [
            *(f"M{(j + 1) * width - 0.5} {tops[i]}v{height}" for i, j in np.argwhere(across)),
            *(f"M{j * width} {tops[i] - 0.5}h{width}" for i, j in np.argwhere(up)),
        ]
    )


def _labels(texts: Sequence[str], step: float, room: float) -> list[Label]:
    every = max(1, -(-int(room) // int(step)))
    return [Label((n + 0.5) * step, texts[n]) for n in range(0, len(texts), every)]
