"""The look of all figures: one size, a palette for colour-blind readers, reproducible files.

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
from core.figures.view import TRAINING_AXES, TrainingAxis

Format = Literal["svg", "png", "pdf"]
Numbers = TypeVar("Numbers", bound=Info)

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
TEACHER = "#000000"
BASELINE = "#7F7F7F"

DIVERGED = "#A50026"
"""The colour of diverged seeds if seeds have no colours of their own."""

LARGEST = 1e100
"""Larger numbers are left out: matplotlib can't transform them."""

SMALLEST = 1e-17
"""The place of zero on a logarithmic axis: below the rounding of anything of order 1."""

_LETTERS = {"h": "h", "ĥ": r"\hat{h}", "e": "e", "w": "w", "λ": r"\lambda"}
_SYMBOL = re.compile(rf"(?<!\w)({'|'.join(_LETTERS)})_(\w)(?!\w)")

MAX_TICKS = 16
"""Up to this number of values, each value of an axis has a tick."""

_RC_PARAMS: Any = {  # matplotlib types each key as a literal
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.0,
    "grid.alpha": 0.25,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "svg.hashsalt": "extrapolab",
}
MAX_HASHES = 1000
"""Most spec hashes that a file lists; further ones are only counted."""


STYLE_VERSION = hashlib.sha256(
    b"".join(
        [
            mpl.__version__.encode(),
            *(file.read_bytes() for file in sorted(Path(__file__).parents[1].rglob("*.py"))),
        ]
    )
).hexdigest()[:16]
"""Identifies the look of figures: the same numbers give the same file in the same version."""


def renderer(render: Callable[[Numbers], Figure]) -> Callable[[Numbers], Figure]:
    """Gives a rendering function the look of all figures."""

    @functools.wraps(render)
    def render_in_style(info: Numbers) -> Figure:
        with mpl.rc_context(_RC_PARAMS):
            return render(info)

    return render_in_style


def subplots(
    rows: int, columns: int, width: float = 6.4, height: float = 4.4
) -> tuple[Figure, list[Axes]]:
    """An empty figure of ``width`` x ``height`` inches, and its axes row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def plottable(values: ArrayLike, *, logarithmic: bool = False) -> np.ndarray:
    """Values that an axis can show: gaps for what isn't finite or is above :data:`LARGEST`.

    On a logarithmic axis, zero and less are moved to :data:`SMALLEST`. :func:`note_limits` says so.
    """
    array = np.asarray(values, dtype=float)
    shown = np.where(np.abs(array) <= LARGEST, array, np.nan)
    return np.maximum(shown, SMALLEST) if logarithmic else shown


def note_limits(axes: Axes, *values: ArrayLike, logarithmic: bool = False) -> None:
    """Notes above the axes which values :func:`plottable` leaves out or moves."""
    parts = [np.ravel(np.asarray(part, dtype=float)) for part in values]
    numbers = np.concatenate(parts) if parts else np.empty(0)
    notes = []
    if (~(np.abs(numbers) <= LARGEST)).any():
        notes.append(f"values above {LARGEST:g} not drawn")
    if logarithmic and (numbers < SMALLEST).any():
        notes.append(f"values below {SMALLEST:g} drawn at {SMALLEST:g}")
    if notes:
        axes.set_title("; ".join(notes), loc="right", fontsize=7, color=BASELINE)


def fit_y(axes: Axes, values: ArrayLike) -> None:
    """Limits the y-axis to the given values and zero, with a margin, ignoring all else."""
    shown = plottable(values)
    finite = [0.0, *shown[np.isfinite(shown)]]
    margin = 0.3 * (max(finite) - min(finite))
    if margin > 0:
        axes.set_ylim(min(finite) - margin, max(finite) + margin)


def training_axis(axes: Axes, x: TrainingAxis) -> None:
    """Makes the x-axis one of steps or training time: logarithmic, and with a 0."""
    smallest = float(axes.dataLim.minposx) if x == "time" else 1.0
    if np.isfinite(smallest):
        axes.set_xscale("symlog", linthresh=smallest, linscale=0.4)
        axes.set_xlim(left=0)
    axes.set_xlabel(TRAINING_AXES[x])


def integer_ticks(axes: Axes, values: Collection[float]) -> None:
    """Puts the ticks of the x-axis at integers if all values are; a few values get one each."""
    if not all(float(value).is_integer() for value in values):
        return
    if len(values) <= MAX_TICKS:
        axes.set_xticks(sorted(values))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def logarithmic_y(axes: Axes) -> None:
    """Makes the y-axis logarithmic, unless nothing on it is positive."""
    if np.isfinite(axes.dataLim.minposy):
        axes.set_yscale("log")


def typeset(text: str) -> str:
    r"""Escapes text for matplotlib, with its symbols as mathematics.

    Example:
        >>> print(typeset("|h_j - ĥ_j| of cheap_$ runs"))
        |$h_{j}$ - $\hat{h}_{j}$| of cheap_\$ runs
    """
    return _SYMBOL.sub(
        lambda match: f"${_LETTERS[match[1]]}_{{{match[2]}}}$", text.replace("$", r"\$")
    )


def legend(axes: Axes, **options: Any) -> None:
    """Adds a legend whose entries may be any text."""
    typeset_legend(axes.legend(loc="best", **options))


def typeset_legend(legend: Legend) -> None:
    """Typesets the entries of a legend."""
    for text in legend.get_texts():
        text.set_text(typeset(text.get_text()))


def add_title(figure: Figure, info: Info, suffix: str = "") -> None:
    """Puts the title above the figure, and the source of its data in small print below."""
    figure.suptitle(typeset(info.title + suffix), fontsize=10)
    figure.supxlabel(info.source, fontsize=6, color=BASELINE)


def encode(figure: Figure, info: Info, format: Format) -> bytes:  # noqa: A002  # matplotlib's own word
    """The figure as a file with its caption and its experiments' spec hashes as metadata.

    The same figure gives the same bytes on one build of matplotlib.
    """
    buffer = io.BytesIO()
    with mpl.rc_context(_RC_PARAMS):
        figure.savefig(buffer, format=format, dpi=160, metadata=_metadata(info, format))
    return buffer.getvalue()


def _metadata(info: Info, format: Format) -> dict[str, Any]:  # noqa: A002  # matplotlib's own word
    """The file's metadata under the names of its format; no date, and no name of software."""
    title, caption = (_printable(text) for text in (info.title.replace("\n", ": "), info.caption))
    hashes = [f"spec {spec_hash}" for spec_hash in info.spec_hashes[:MAX_HASHES]]
    if more := len(info.spec_hashes) - len(hashes):
        hashes.append(f"and {more} more")
    match format:
        case "svg":
            return {
                "Title": title,
                "Description": caption,
                "Keywords": hashes,
                "Source": info.source,
                "Date": None,
            }
        case "png":
            return {
                "Title": title,
                "Description": caption,
                "Comment": "; ".join(hashes),
                "Source": info.source,
                "Software": None,
            }
        case "pdf":
            return {
                "Title": title,
                "Subject": caption,
                "Keywords": "; ".join(hashes),
                "CreationDate": None,
            }


def _printable(text: str) -> str:
    """Text without what no file format can hold: control characters and lone surrogates."""
    return "".join(c for c in text if c.isprintable()).encode(errors="replace").decode()
