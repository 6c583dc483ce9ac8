"""A teacher in three small charts: its response as stems, its poles, its Hankel singular values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service import schemas

WIDTH, HEIGHT = 420, 150
LEFT, RIGHT, TOP, BOTTOM = 34.0, 412.0, 14.0, 132.0
"""The response's frame."""

SQUARE, MIDDLE = 190, 95.0
RADIUS = 78.0
"""The radius of the unit circle, unless a pole is outside it."""

DECADES = 12
"""Decades of the singular values below the largest."""


@dataclass(frozen=True)
class Mark:
    """A number's place, with the number as text."""

    x: float
    y: float
    words: str
    is_seen: bool = True


@dataclass(frozen=True)
class TeacherChart:
    """Places of all marks.

    Attributes:
        stems: h_j by lag; those from k on are not seen in training.
        zero: The height of 0.
        highest, lowest: The largest and smallest h_j, as text.
        length: The place of k; None if it is unknown or past the horizon.
        poles, circle: The poles and the radius of the unit circle.
        singular_values: By rank, those within :data:`DECADES` decades of the largest.
    """

    stems: list[Mark]
    zero: float
    highest: str
    lowest: str
    length: float | None
    poles: list[Mark]
    circle: float
    singular_values: list[Mark]


def teacher_chart(preview: schemas.TeacherPreview, length: int | None) -> TeacherChart | None:
    """The chart of a teacher's numbers; None if there are none, or they are too large to show."""
    if preview.response is None:
        return None
    response = np.array(preview.response, dtype=float).reshape(len(preview.response), -1)
    if not np.isfinite(response).all():
        return None
    shown = response[:, np.abs(response).max(axis=0).argmax()]
    low, high = min(0.0, shown.min()), max(0.0, shown.max())
    span = (high - low) or 1.0

    def across(lag: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * lag / max(1, len(shown) - 1), 1)

    def up(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / span, 1)

    poles = [(re, im) for re, im in preview.poles if math.isfinite(re) and math.isfinite(im)]
    circle = RADIUS / max([1.0, *(math.hypot(*pole) for pole in poles)])
    return TeacherChart(
        stems=[
            Mark(across(lag), up(value), f"h_{lag} = {value:.3g}", length is None or lag < length)
            for lag, value in enumerate(shown.tolist())
        ],
        zero=up(0.0),
        highest=f"{high:.2g}",
        lowest=f"{low:.2g}".replace("-", "−") if low else "",
        length=None if length is None or length >= len(shown) else across(length - 0.5),
        poles=[
            Mark(
                round(MIDDLE + circle * re, 1),
                round(MIDDLE - circle * im, 1),
                f"λ = {complex(re, im):.3g}" if im else f"λ = {re:.3g}",
            )
            for re, im in poles
        ],
        circle=round(circle, 1),
        singular_values=_singular_values(preview.hankel_singular_values),
    )


def _singular_values(values: Sequence[float]) -> list[Mark]:
    largest = max(values, default=0.0)
    if not 0 < largest < math.inf:
        return []
    exponents = [math.log10(value / largest) for value in values if value > largest * 10**-DECADES]
    across = (SQUARE - 44) / max(1, len(exponents) - 1)
    return [
        Mark(round(32 + rank * across, 1), round(17 - exponent * 156 / DECADES, 1), f"{value:.3g}")
        for rank, (exponent, value) in enumerate(zip(exponents, values, strict=False))
    ]
