"""Faults in the layout of a figure, measured from its renderer's own boxes.

A box may reach half a pixel into another, which is rounding.
"""

import itertools
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import FixedLocator
from matplotlib.transforms import Bbox

from tests.figures import drawn
from tests.figures.drawn import Words

HALF_A_PIXEL = 0.5

SMALLEST_PIXELS = 40
"""The least width and height of axes in pixels at 100 dots per inch."""

SMALLEST_SHARE, LARGE_PIXELS = 1 / 3, 70
"""The least share of its place in the grid that axes fill, in width and in height; axes of so many
pixels may fill less."""

SMALLEST_LETTERS = 5.0
"""The least size of text in points."""

INFINITE = 1e99
"""A band that reaches this value stands for one without an upper end."""

NOTED = re.compile(r"not drawn|not shown|outside|beyond|drawn at")
"""The words by which a figure says that some of its data lie outside the limits."""


class Fault(NamedTuple):
    """A fault: its kind, and what is concerned."""

    kind: str
    what: str


def faults(figure: Figure, *, dots_per_inch: float = 160) -> list[Fault]:
    """Every fault in the layout of a figure, as it is drawn with so many dots per inch."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.set_dpi(dots_per_inch)
        figure.draw_without_rendering()
    words, legends = drawn.words(figure), drawn.legends(figure)
    return [
        *(Fault("warning", str(warning.message)) for warning in caught),
        *_clipped(figure, words, legends),
        *_text_over_text(words),
        *_text_over_data(figure, words),
        *_text_over_axes(figure, words),
        *_illegible(words),
        *_of_legends(figure, words, legends),
        *_of_axes(figure),
        *_data_outside(figure, words),
        *itertools.chain.from_iterable(map(_of_ticks, drawn.shown_axes(figure))),
    ]


def _clipped(figure: Figure, words: Sequence[Words], legends: Sequence[Legend]) -> Iterator[Fault]:
    boxes = [(_quoted(text.text), text.box) for text in words]
    boxes += [("a legend", legend.get_window_extent()) for legend in legends]
    boxes += [(_name(axes), axes.bbox) for axes in drawn.shown_axes(figure)]
    for name, box in boxes:
        if not _contains(figure.bbox, box):
            yield Fault("clipped by the figure's edge", name)


def _text_over_text(words: Sequence[Words]) -> Iterator[Fault]:
    extents = np.array([text.box.extents for text in words]).reshape(-1, 4)
    for i, text in enumerate(words):
        rest = extents[i + 1 :]
        near = (rest[:, :2] < extents[i, 2:]).all(axis=1) & (rest[:, 2:] > extents[i, :2]).all(
            axis=1
        )
        for j in np.flatnonzero(near) + i + 1:
            other = words[j]
            same_legend = text.legend is not None and text.legend is other.legend
            if not same_legend and _overlap(text.corners, other.corners):
                yield Fault("text over text", f"{_quoted(text.text)} and {_quoted(other.text)}")


def _text_over_data(figure: Figure, words: Sequence[Words]) -> Iterator[Fault]:
    """Text over lines or points; a text inside its axes may lie on coloured cells."""
    for axes in drawn.shown_axes(figure):
        if drawn.is_colour_bar(axes):
            continue
        data, frame = drawn.data_of(axes), axes.bbox.frozen()
        unclipped = [artist for artist in data if not artist.get_clip_on()]
        thin = [artist for artist in data if artist in [*axes.lines, *axes.collections]]
        for text in words:
            box = text.box.padded(-HALF_A_PIXEL)
            within = thin if text.inside else data
            near = within if box.overlaps(frame) else unclipped
            if text.legend is None and any(drawn.touches(artist, box) for artist in near):
                yield Fault("text over data", _quoted(text.text))


def _text_over_axes(figure: Figure, words: Sequence[Words]) -> Iterator[Fault]:
    for text in words:
        for axes in drawn.shown_axes(figure):
            if axes is text.axes or text.legend is not None:
                continue
            if _overlap(text.corners, _corners(axes.bbox)):
                yield Fault("text over axes", f"{_quoted(text.text)} over {_name(axes)}")


def _illegible(words: Sequence[Words]) -> Iterator[Fault]:
    for text in words:
        if text.points < SMALLEST_LETTERS:
            yield Fault("illegible", f"{_quoted(text.text)}, {text.points:g} points")


def _of_legends(
    figure: Figure, words: Sequence[Words], legends: Sequence[Legend]
) -> Iterator[Fault]:
    all_axes = drawn.shown_axes(figure)
    data = [artist for axes in all_axes for artist in drawn.data_of(axes)]
    for legend in legends:
        frame = legend.get_window_extent()
        box = frame.padded(-HALF_A_PIXEL)
        name = f"the legend of {_quoted(_entries(legend)[0] if _entries(legend) else '')}"
        over = [artist for artist in data if drawn.touches(artist, box)]
        if over:
            labels = sorted({str(artist.get_label()) for artist in over})
            yield Fault("legend over data", f"{name} over {', '.join(labels)}")
        for text in words:
            if text.legend is not legend and _overlap(_corners(frame), text.corners):
                yield Fault("legend over text", f"{name} over {_quoted(text.text)}")
        for axes in all_axes:
            if frame.overlaps(axes.bbox.padded(-1)) and not _contains(axes.bbox, frame):
                yield Fault("legend across the edge of axes", f"{name} and {_name(axes)}")
        yield from _of_entries(legend, data)
    for one, other in itertools.combinations(legends, 2):
        if _overlap(_corners(one.get_window_extent()), _corners(other.get_window_extent())):
            yield Fault("legend over legend", f"{_entries(one)[0]} and {_entries(other)[0]}")


def _of_entries(legend: Legend, data: Sequence[Artist]) -> Iterator[Fault]:
    """Faults of entries: named twice, alike, or of nothing that is drawn."""
    entries, handles = _entries(legend), legend.legend_handles
    for entry, count in Counter(entries).items():
        if count > 1:
            yield Fault("two entries with one name", _quoted(entry))
    inked = [artist for artist in data if drawn.touches(artist, legend.figure.bbox)]
    named = {str(artist.get_label()) for artist in inked}
    seen: dict[tuple[object, ...], str] = {}
    for entry, handle in zip(entries, handles, strict=True):
        looks = drawn.looks(handle)
        if drawn.is_blank(handle) or NOTED.search(entry):
            continue
        if looks in seen:
            yield Fault("two entries alike", f"{_quoted(seen[looks])} and {_quoted(entry)}")
        seen.setdefault(looks, entry)
        if entry not in named and not any(drawn.is_like(handle, artist) for artist in inked):
            yield Fault("an entry of nothing that is drawn", _quoted(entry))


def _of_axes(figure: Figure) -> Iterator[Fault]:
    all_axes = drawn.shown_axes(figure)
    for one, other in itertools.combinations(all_axes, 2):
        if _overlap(_corners(one.bbox), _corners(other.bbox)) and not _are_twins(one, other):
            bar = drawn.is_colour_bar(one) or drawn.is_colour_bar(other)
            kind = "colour bar over axes" if bar else "axes over axes"
            yield Fault(kind, f"{_name(one)} and {_name(other)}")
    for axes in all_axes:
        place, grid = axes.get_subplotspec(), (1, 1)
        if place is not None:
            grid = place.get_gridspec().get_geometry()
        share = axes.bbox.width * grid[1] / figure.bbox.width
        share = min(share, axes.bbox.height * grid[0] / figure.bbox.height)
        pixels = min(axes.bbox.width, axes.bbox.height) * 100 / figure.dpi
        least = LARGE_PIXELS if share < SMALLEST_SHARE else SMALLEST_PIXELS
        if not drawn.is_colour_bar(axes) and pixels < least:
            size = f"{axes.bbox.width:.0f} x {axes.bbox.height:.0f} pixels"
            yield Fault("axes squeezed", f"{_name(axes)}: {size}")
        for axis in (axes.xaxis, axes.yaxis):
            low, high = axis.get_view_interval()
            size = max(abs(low), abs(high))
            if not np.isfinite([low, high]).all() or not abs(high - low) > 1e-12 * size:
                yield Fault("degenerate limits", f"{_name(axes)}: {low:g} to {high:g}")


def _data_outside(figure: Figure, words: Sequence[Words]) -> Iterator[Fault]:
    """Data outside the limits, unless their axes note it; bands may reach to infinity."""
    noted = [text.axes for text in words if NOTED.search(text.text)]
    for axes in drawn.shown_axes(figure):
        if axes in noted:
            continue
        visible = axes.bbox.padded(1)
        infinite = axes.transData.transform((0.5, INFINITE))[1]
        for artist in drawn.data_of(axes):
            points = drawn.places(artist)
            finite = points[np.isfinite(points).all(axis=1)]
            if isinstance(artist, FillBetweenPolyCollection):
                finite = finite[finite[:, 1] < infinite]
            inside = ((finite >= visible.min) & (finite <= visible.max)).all(axis=1)
            if artist.get_clip_on() and not inside.all():
                yield Fault("data outside the limits", f"{artist.get_label()} in {_name(axes)}")


def _of_ticks(axes: Axes) -> Iterator[Fault]:
    """Faults of the ticks of axes that have labels: too few to read numbers from, or alike."""
    for which, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if not axis.get_visible() or _is_unlabelled(axis):
            continue
        labels, name = drawn.tick_labels(axis), f"{which} of {_name(axes)}"
        enough = 1 if isinstance(axis.get_major_locator(), FixedLocator) else 2
        if len(labels) < enough:
            yield Fault("too few labels of ticks", f"{name}: {labels}")
        for label, count in Counter(labels).items():
            if count > 1:
                yield Fault("labels of ticks alike", f"{name}: {count} times {_quoted(label)}")


def _is_unlabelled(axis: Axis) -> bool:
    """Whether an axis leaves its labels to a neighbour's, or has no ticks."""
    shown = axis.get_tick_params("major")
    sides = {"labelbottom", "labeltop", "labelleft", "labelright"} & set(shown)
    return not len(axis.get_majorticklocs()) or (bool(sides) and not any(map(shown.get, sides)))


def _are_twins(one: Axes, other: Axes) -> bool:
    return bool(np.allclose(one.bbox.extents, other.bbox.extents)) and not (
        one.patch.get_visible() and other.patch.get_visible()
    )


def _overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two convex shapes overlap by more than half a pixel: no line separates them."""
    for corners in (one, other):
        edges = np.roll(corners, -1, axis=0) - corners
        normals = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = normals[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]
        ours, theirs = one @ normals.T, other @ normals.T
        depth = np.minimum(ours.max(axis=0), theirs.max(axis=0)) - np.maximum(
            ours.min(axis=0), theirs.min(axis=0)
        )
        if (depth <= HALF_A_PIXEL).any():
            return False
    return True


def _contains(outer: Bbox, inner: Bbox) -> bool:
    room = outer.padded(HALF_A_PIXEL)
    return bool((inner.min >= room.min).all() and (inner.max <= room.max).all())


def _corners(box: Bbox) -> np.ndarray:
    x0, y0, x1, y1 = box.extents
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _entries(legend: Legend) -> list[str]:
    return [text.get_text() for text in legend.get_texts()]


def _name(axes: Axes) -> str:
    if drawn.is_colour_bar(axes):
        return "the colour bar"
    number = axes.get_figure().axes.index(axes) + 1
    return f"axes {number} of {len(axes.get_figure().axes)}"


def _quoted(text: str) -> str:
    short = text.replace("\n", " ")
    return repr(short if len(short) <= 60 else short[:59] + "…")
