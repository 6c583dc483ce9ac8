"""How all figures look: one size, one palette that colour-blind readers can tell apart, and the same bytes every time.

Colours after Okabe and Ito, "Color Universal Design" (2008).
"""

import functools
import hashlib
import io
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from core.figures.info import Info

Format = Literal["svg", "png", "pdf"]
Numbers = TypeVar("Numbers", bound=Info)

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
TEACHER = "#000000"
BASELINE = "#7F7F7F"

LOST = "#A50026"
"""Of seeds that diverged, where seeds have no colours of their own."""

LARGEST = 1e100
"""Larger numbers are not drawn: matplotlib can't transform them."""

SMALLEST = 1e-17
"""Where zero is drawn on a logarithmic axis: below the rounding of anything of order 1."""

_LETTERS = {"h": "h", "ĥ": r"\hat{h}", "e": "e", "w": "w", "λ": r"\lambda"}
_SYMBOL = re.compile(rf"(?<!\w)({'|'.join(_LETTERS)})_(\w)(?!\w)")

TICKS = 16
"""At most so many values of an axis have a tick each."""

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
MOST_HASHES = 1000
"""Spec hashes that a file bears; the rest is only counted."""


EDITION = hashlib.sha256(
    b"".join(
        [
            mpl.__version__.encode(),
            *(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))),
        ]
    )
).hexdigest()[:16]
"""Names how figures look: the same numbers in the same edition are the same file."""


def inked(draw: Callable[[Numbers], Figure]) -> Callable[[Numbers], Figure]:
    """Gives a drawing function the look of all figures."""

    @functools.wraps(draw)
    def draw_with_look(info: Numbers) -> Figure:
        with mpl.rc_context(_LOOK):
            return draw(info)

    return draw_with_look


def panels(
    rows: int, columns: int, width: float = 6.4, height: float = 4.4
) -> tuple[Figure, list[Axes]]:
    """An empty figure of ``width`` x ``height`` inches and its panels, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def drawable(values: ArrayLike, *, logarithmic: bool = False) -> np.ndarray:
    """Values as an axis can take them: gaps for what isn't finite or is above :data:`LARGEST`.

    On a logarithmic axis zero and less are drawn at :data:`SMALLEST`. :func:`note_limits` says so.
    """
    array = np.asarray(values, dtype=float)
    shown = np.where(np.abs(array) <= LARGEST, array, np.nan)
    return np.maximum(shown, SMALLEST) if logarithmic else shown


def note_limits(axes: Axes, *values: ArrayLike, logarithmic: bool = False) -> None:
    """Says above the axes what :func:`drawable` leaves out of the values, or moves."""
    every = (
        np.concatenate([np.ravel(np.asarray(some, dtype=float)) for some in values])
        if values
        else np.empty(0)
    )
    notes = []
    if (~(np.abs(every) <= LARGEST)).any():
        notes.append(f"values above {LARGEST:g} not drawn")
    if logarithmic and (every < SMALLEST).any():
        notes.append(f"values below {SMALLEST:g} drawn there")
    if notes:
        axes.set_title("; ".join(notes), loc="right", fontsize=7, color=BASELINE)


def around(axes: Axes, values: ArrayLike) -> None:
    """Makes the y axis show the values and zero with some room, whatever else is drawn."""
    shown = drawable(values)
    known = [0.0, *shown[np.isfinite(shown)]]
    margin = 0.3 * (max(known) - min(known))
    if margin > 0:
        axes.set_ylim(min(known) - margin, max(known) + margin)


def over_steps(axes: Axes) -> None:
    """Makes the x axis one of steps: logarithmic from 1 on, with 0 in its place."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xlim(left=0)
    axes.set_xlabel("step")


def whole_x(axes: Axes, values: Collection[float]) -> None:
    """Keeps the x axis from ticks between whole numbers, where all values are whole; a few values have a tick each."""
    if not all(float(value).is_integer() for value in values):
        return
    if len(values) <= TICKS:
        axes.set_xticks(sorted(values))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def logarithmic_y(axes: Axes) -> None:
    """Makes the y axis logarithmic, unless nothing is drawn on it that could be shown so."""
    if np.isfinite(axes.dataLim.minposy):
        axes.set_yscale("log")


def typeset(text: str) -> str:
    r"""Text as matplotlib is to take it: its symbols as mathematics, everything else as it stands.

    Example:
        >>> print(typeset("|h_j - ĥ_j| of cheap_$ runs"))
        |$h_{j}$ - $\hat{h}_{j}$| of cheap_\$ runs
    """
    return _SYMBOL.sub(
        lambda found: f"${_LETTERS[found[1]]}_{{{found[2]}}}$", text.replace("$", r"\$")
    )


def legend(axes: Axes, **look: Any) -> None:
    """A legend whose entries may be any text."""
    typeset_legend(axes.legend(loc="best", **look))


def typeset_legend(of: Legend) -> None:
    """Has the entries of a legend as they are drawn."""
    for text in of.get_texts():
        text.set_text(typeset(text.get_text()))


def sign(figure: Figure, info: Info, more: str = "") -> None:
    """Puts the title above, ``more`` behind it, and where the data come from small below."""
    figure.suptitle(typeset(info.title + more), fontsize=10)
    figure.supxlabel(info.source, fontsize=6, color=BASELINE)


def render(figure: Figure, info: Info, format: Format) -> bytes:  # noqa: A002  # matplotlib's own word
    """The figure as a file that holds its caption and the hashes of its experiments' specs.

    The same figure gives the same bytes on one build of matplotlib.
    """
    buffer = io.BytesIO()
    with mpl.rc_context(_LOOK):
        figure.savefig(buffer, format=format, dpi=160, metadata=_metadata(info, format))
    return buffer.getvalue()


def _metadata(info: Info, format: Format) -> dict[str, Any]:  # noqa: A002
    """What the file says of itself, in the words that its format has for that; no date, and no name of software."""
    title, caption = (_plain(text) for text in (info.title.replace("\n", ": "), info.caption))
    named = [f"spec {name}" for name in info.spec_hashes[:MOST_HASHES]]
    if more := len(info.spec_hashes) - len(named):
        named.append(f"and {more} more")
    match format:
        case "svg":
            return {
                "Title": title,
                "Description": caption,
                "Keywords": named,
                "Source": info.source,
                "Date": None,
            }
        case "png":
            words = {
                "Title": title,
                "Description": caption,
                "Comment": "; ".join(named),
                "Source": info.source,
            }
            return {**words, "Software": None}
        case "pdf":
            return {
                "Title": title,
                "Subject": caption,
                "Keywords": "; ".join(named),
                "CreationDate": None,
            }


def _plain(text: str) -> str:
    """Text without what no file format can hold: control characters and halves of surrogate pairs."""
    return "".join(c for c in text if c.isprintable()).encode(errors="replace").decode()
