"""Legends: inside the axes where nothing is drawn, else beside or below them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox, ScaledTranslation

from core.figures.drawing import text

PLACES = {
    "upper right": (1.0, 1.0),
    "upper left": (0.0, 1.0),
    "lower left": (0.0, 0.0),
    "lower right": (1.0, 0.0),
    "center right": (1.0, 0.5),
    "center left": (0.0, 0.5),
    "lower center": (0.5, 0.0),
    "upper center": (0.5, 1.0),
    "center": (0.5, 0.5),
}
"""Places inside the axes in the order in which they are tried: how far right, and how far up."""

MARGIN = 6.0
"""Distance in pixels of a legend inside the axes to their edges."""

MAX_ENTRY = 28.0
"""Widest entry of a legend beside the axes, as a multiple of the size of its text."""

HANDLE = 4.0
"""The width of a legend without the text of its entries, as a multiple of the text's size."""

MAX_INSIDE = 8
"""Most entries of a legend inside the axes."""

PADDING = 8.0
"""Least distance in pixels of a legend inside the axes to anything drawn, as letters are wider in
other resolutions."""

Entries = Mapping[str, Artist]
"""The handle of each label."""

HitTest = Callable[[Bbox], bool]
"""Whether something drawn touches a box."""


def entries(all_axes: Sequence[Axes]) -> Entries:
    """The legend's entries; artists with one label share one."""
    handles: dict[str, Artist] = {}
    for axes in all_axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return handles


def inside(
    axes: Axes, handles: Entries, renderer: RendererBase, *, always: bool = False
) -> Legend | None:
    """A legend inside the axes where nothing is drawn; None if there is no such place.

    Args:
        axes: The axes, laid out.
        handles: The entries.
        renderer: Measures text.
        always: Whether the legend is placed over what is drawn if there is no free place.
    """
    if len(handles) > MAX_INSIDE and not always:
        return None
    frame = axes.get_window_extent(renderer)
    tests = _hit_tests(axes, renderer)
    for columns in (1, 2):
        legend = axes.legend([*handles.values()], [*handles], loc="upper right", ncols=columns)
        is_whole = _typeset(legend, 0.8 * frame.width / columns, renderer)
        size = legend.get_window_extent(renderer)
        for place, (right, up) in PLACES.items():
            x0 = frame.x0 + MARGIN + right * (frame.width - size.width - 2 * MARGIN)
            y0 = frame.y0 + MARGIN + up * (frame.height - size.height - 2 * MARGIN)
            box = Bbox.from_bounds(x0, y0, size.width, size.height)
            fits = is_whole and x0 > frame.x0 and y0 > frame.y0
            if fits and not any(is_hit(box.padded(PADDING)) for is_hit in tests):
                legend.set_loc(place)  # type: ignore[arg-type]  # a key of PLACES
                return legend
        legend.remove()
    if not always:
        return None
    legend = axes.legend([*handles.values()], [*handles], loc="best")
    _typeset(legend, 0.8 * frame.width, renderer)
    return legend


def beside(figure: Figure, handles: Entries, height: float, renderer: RendererBase) -> Legend:
    """A legend in as many columns as a height in pixels asks for, to be placed on the right."""
    for columns in range(1, len(handles) + 1):
        legend = _of_figure(figure, handles, columns)
        points = float(legend.get_texts()[0].get_fontsize())
        _typeset(legend, MAX_ENTRY * points * figure.dpi / 72, renderer)
        if legend.get_window_extent(renderer).height <= height or columns == len(handles):
            break
        legend.remove()
    return legend


def below(figure: Figure, handles: Entries, renderer: RendererBase) -> Legend:
    """A legend in as many columns as fit, to be placed below all axes."""
    for columns in range(min(len(handles), 6), 0, -1):
        legend = _of_figure(figure, handles, columns)
        _typeset(legend, 0.8 * figure.bbox.width, renderer)
        if legend.get_window_extent(renderer).width <= 0.98 * figure.bbox.width or columns == 1:
            break
        legend.remove()
    return legend


def _of_figure(figure: Figure, handles: Entries, columns: int) -> Legend:
    legend = figure.legend(
        [*handles.values()], [*handles], loc="lower left", ncols=columns, borderaxespad=0.0
    )
    legend.set_in_layout(False)
    return legend


def under(axes: Axes, handles: Entries, renderer: RendererBase) -> Legend:
    """A legend below one pair of axes and its labels, in as many columns as fit."""
    frame = axes.get_window_extent(renderer)
    tight = axes.xaxis.get_tightbbox(renderer)
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101  # axes without a figure can't be laid out
    drop = (frame.y0 - (frame.y0 if tight is None else tight.y0) + 4.0) / figure.dpi
    transform = axes.transAxes + ScaledTranslation(0, -drop, figure.dpi_scale_trans)
    for columns in range(min(len(handles), 4), 0, -1):
        legend = axes.legend(
            [*handles.values()],
            [*handles],
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            bbox_transform=transform,
            borderaxespad=0.0,
            ncols=columns,
        )
        handle = HANDLE * float(legend.get_texts()[0].get_fontsize()) * figure.dpi / 72
        if columns == 1:
            for entry in legend.get_texts():
                text.wrap(entry, entry.get_text(), frame.width - handle, renderer)
            break
        _typeset(legend, frame.width - handle, renderer)
        if legend.get_window_extent(renderer).width <= frame.width:
            break
        legend.remove()
    return legend


def _typeset(legend: Legend, pixels: float, renderer: RendererBase) -> bool:
    """Typesets the entries, cut to a width; whether none had to be cut."""
    are_whole = [
        text.shorten(entry, entry.get_text(), pixels, renderer) for entry in legend.get_texts()
    ]
    return all(are_whole)


def _hit_tests(axes: Axes, renderer: RendererBase) -> list[HitTest]:
    """A test for each artist in the axes: whether it touches a box."""
    tests: list[HitTest] = []
    for artist in axes.get_children():
        if not artist.get_visible() or artist is axes.patch:
            continue
        if isinstance(artist, Line2D):
            tests.append(_line_test(artist))
        elif isinstance(artist, Collection):
            tests += _collection_tests(artist, axes)
        elif isinstance(artist, Text) and artist.get_text().strip():
            extent = artist.get_window_extent(renderer)
            tests.append(extent.overlaps)
        elif isinstance(artist, Patch):
            path = artist.get_transform().transform_path(artist.get_path())
            tests.append(_path_test(path, filled=bool(artist.get_fill())))
    return tests


def _line_test(line: Line2D) -> HitTest:
    path = line.get_transform().transform_path(line.get_path()).cleaned(remove_nans=True)
    has_marker = line.get_marker() not in ("", "None", None)
    radius = 0.7 * line.get_markersize() if has_marker else 0.0
    vertices = np.asarray(path.vertices, float)
    points = vertices[np.isin(np.asarray(path.codes), (Path.MOVETO, Path.LINETO))]
    is_joined = line.get_linestyle() not in ("", "None", "none")

    def is_hit(box: Bbox) -> bool:
        wider = box.padded(radius)
        x, y = points[:, 0], points[:, 1]
        at_point = (x >= wider.x0) & (x <= wider.x1) & (y >= wider.y0) & (y <= wider.y1)
        return bool(at_point.any()) or (
            is_joined and points.size > 0 and bool(path.intersects_bbox(wider, filled=False))
        )

    return is_hit


def _collection_tests(collection: Collection, axes: Axes) -> list[HitTest]:
    if isinstance(collection, PathCollection):
        offsets = axes.transData.transform(np.ma.filled(collection.get_offsets(), np.nan))
        radius = float(np.sqrt(np.max(collection.get_sizes(), initial=0.0)))

        def is_hit(box: Bbox) -> bool:
            wider, (x, y) = box.padded(radius), offsets.T
            return bool(
                ((x >= wider.x0) & (x <= wider.x1) & (y >= wider.y0) & (y <= wider.y1)).any()
            )

        return [is_hit]
    transform = collection.get_transform()
    filled = bool(len(collection.get_facecolor()))
    return [
        _path_test(transform.transform_path(path), filled=filled) for path in collection.get_paths()
    ]


def _path_test(path: Path, *, filled: bool) -> HitTest:
    cleaned = path.cleaned(remove_nans=True)
    return lambda box: (
        bool(np.size(cleaned.vertices)) and bool(cleaned.intersects_bbox(box, filled=filled))
    )
