"""How all figures look: one size, one palette that colour-blind readers can tell apart, and the same bytes every time.

Colours after Okabe and Ito, "Color Universal Design" (2008).
"""

import functools
import io
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from core.figures.info import Info

Format = Literal["svg", "png", "pdf"]
Numbers = TypeVar("Numbers", bound=Info)

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
TEACHER = "#000000"
BASELINE = "#7F7F7F"

LARGEST = 1e100
"""Where larger numbers are drawn."""

SMALLEST = 1e-17
"""Where zero is drawn on a logarithmic axis: below the rounding of anything of order 1."""

_LOOK: Any = {  # matplotlib types each key as a literal
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.0,
    "grid.alpha": 0.25,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "svg.hashsalt": "extrapolab",
}
_NO_DATE: dict[Format, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}


def inked(draw: Callable[[Numbers], Figure]) -> Callable[[Numbers], Figure]:
    """Gives a drawing function the look of all figures."""

    @functools.wraps(draw)
    def draw_with_look(info: Numbers) -> Figure:
        with mpl.rc_context(_LOOK):
            return draw(info)

    return draw_with_look


def panels(rows: int, columns: int, width: float = 6.4, height: float = 4.4) -> tuple[Figure, list[Axes]]:
    """An empty figure of ``width`` x ``height`` inches and its panels, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def drawable(values: ArrayLike, *, logarithmic: bool = False) -> np.ndarray:
    """Values as an axis can take them: gaps for what isn't finite, within what matplotlib can transform.

    On a logarithmic axis zero and less are drawn at :data:`SMALLEST`.
    """
    array = np.asarray(values, dtype=float)
    low = SMALLEST if logarithmic else -LARGEST
    return np.where(np.isfinite(array), np.clip(array, low, LARGEST), np.nan)


def logarithmic_y(axes: Axes) -> None:
    """Makes the y axis logarithmic, unless nothing is drawn on it that could be shown so."""
    if np.isfinite(axes.dataLim.minposy):
        axes.set_yscale("log")


def sign(figure: Figure, title: str, source: str) -> None:
    """Puts the title above, and where the data come from small below."""
    figure.suptitle(title, fontsize=10, parse_math=False)  # a name may hold any character
    figure.supxlabel(source, fontsize=6, color=BASELINE)


def render(figure: Figure, format: Format) -> bytes:  # noqa: A002  # matplotlib's own word
    """The figure as a file. The same figure gives the same bytes on one build of matplotlib."""
    buffer = io.BytesIO()
    with mpl.rc_context(_LOOK):
        figure.savefig(buffer, format=format, dpi=160, metadata=_NO_DATE[format])
    return buffer.getvalue()
