"""The look of all figures: a palette for colour-blind readers, sizes, and what axes can show.

Colours after Okabe and Ito, "Color Universal Design" (2008).
"""

import numpy as np
from numpy.typing import ArrayLike

from core.look import LARGEST_LIMIT, Look

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "D", "v", "<", ">")  # look hollow without a fill, unlike P and X
"""Markers of lines; the triangle that points up is that of infinite values alone."""

DASHES = ("-", "--", "-.", ":")
TEACHER = "#000000"
BASELINE = "#7F7F7F"
BACKGROUND = "#FFFFFF"

DIVERGED = "#A50026"
"""The colour of diverged seeds if seeds have no colours of their own."""

LARGEST = LARGEST_LIMIT
"""Larger numbers are left out: matplotlib can't transform them."""

SMALLEST = 1e-17
"""The place of zero on a logarithmic axis: below the rounding of anything of order 1."""

TITLE = 1.1
"""The size of the title, as a multiple of the text's."""

TICKS = 0.9
"""The size of the labels of ticks."""

SMALL_PRINT = 0.75
"""The size of the footer and of notes, as a fraction of the text's."""

MARKER = 4.0
"""The usual size of a marker in points on a screen."""

_WEIGHTS = {"screen": 1.4, "paper": 1.1, "talk": 2.4}


def marker(number: int) -> str:
    """The marker of a trace by its number: no two of 36 share a colour and a marker."""
    return MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]


def dash(number: int) -> str:
    """The dashes of a trace without markers by its number; they change when colours come again."""
    return DASHES[number // len(COLOURS) % len(DASHES)]


def weight(look: Look) -> float:
    """The width of a line in points."""
    return _WEIGHTS[look.style]


def marker_size(size: float, look: Look) -> float:
    """The size of a marker in points that has ``size`` points on a screen."""
    return size * _WEIGHTS[look.style] / _WEIGHTS["screen"]


def plottable(values: ArrayLike, *, logarithmic: bool = False) -> np.ndarray:
    """Values that an axis can show: gaps for what isn't finite or is above :data:`LARGEST`.

    On a logarithmic axis, zero and less are moved to :data:`SMALLEST`.
    """
    array = np.asarray(values, dtype=float)
    shown = np.where(np.abs(array) <= LARGEST, array, np.nan)
    return np.maximum(shown, SMALLEST) if logarithmic else shown


def limits_exceeded(values: ArrayLike, *, logarithmic: bool = False) -> list[str]:
    """Notes on the values that :func:`plottable` leaves out or moves; infinities aside."""
    numbers = np.ravel(np.asarray(values, dtype=float))
    notes = []
    if ((np.abs(numbers) > LARGEST) & np.isfinite(numbers)).any():
        notes.append(f"values above {LARGEST:g} not drawn")
    if logarithmic and (numbers < SMALLEST).any():
        notes.append(f"values below {SMALLEST:g} drawn at {SMALLEST:g}")
    return notes
