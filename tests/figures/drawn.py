"""What a figure shows and where, in pixels, as its renderer places it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection, PathCollection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

WHITE, GREY = "#ffffff", "#7f7f7f"


@dataclass(frozen=True)
class Words:
    """A text that is drawn.

    Attributes:
        text: What it says.
        corners: Of its box, which turns with it, (4, 2).
        axes: The axes to which it belongs, if any.
        legend: The legend to which it belongs, if any.
        inside: Whether it stands among the data of its axes.
        points: The size of its letters.
    """

    text: str
    corners: np.ndarray
    axes: Axes | None
    legend: Legend | None
    inside: bool
    points: float

    @property
    def box(self) -> Bbox:
        """The upright box around it."""
        return Bbox([self.corners.min(axis=0), self.corners.max(axis=0)])


def shown_axes(figure: Figure) -> list[Axes]:
    """The visible axes, colour bars among them."""
    return [axes for axes in figure.axes if axes.get_visible()]


def is_colour_bar(axes: Axes) -> bool:
    """Whether the axes hold a colour bar."""
    mappables = [m for a in axes.get_figure().axes for m in (*a.collections, *a.images)]
    return any(m.colorbar is not None and m.colorbar.ax is axes for m in mappables)


def legends(figure: Figure) -> list[Legend]:
    """The visible legends, those of axes first."""
    return [legend for legend, *_ in _walk(figure) if isinstance(legend, Legend)]


def words(figure: Figure) -> list[Words]:
    """Every text that is drawn, but for empty ones."""
    return [
        Words(
            text=artist.get_text(),
            corners=_corners(artist, figure),
            axes=axes,
            legend=legend,
            inside=axes is not None and artist in axes.texts,
            points=artist.get_fontsize(),
        )
        for artist, axes, legend in _walk(figure)
        if isinstance(artist, Text) and artist.get_text().strip()
    ]


def tick_labels(axis: Axis) -> list[str]:
    """The labels of the ticks that are drawn on an axis."""
    artists = (artist for artist, _, _ in _walk(axis) if isinstance(artist, Text))
    beside = (axis.label, axis.offsetText)
    return [text.get_text() for text in artists if text not in beside and text.get_text().strip()]


def data_of(axes: Axes) -> list[Artist]:
    """The visible artists that show data: lines, points, bands, cells and patches."""
    artists = [*axes.lines, *axes.collections, *axes.images, *axes.patches]
    return [artist for artist in artists if artist.get_visible() and not is_blank(artist)]


def touches(artist: Artist, box: Bbox) -> bool:
    """Whether the visible part of an artist's ink lies in a box."""
    if artist.get_clip_on() and artist.axes is not None:
        visible = Bbox.intersection(box, artist.axes.bbox)
        if visible is None or min(visible.width, visible.height) <= 0:
            return False
        box = visible
    to_pixels = artist.get_figure(root=True).dpi / 72
    match artist:
        case Line2D():
            points = places(artist)
            of_line = _has_line(artist) and _segments_meet(
                points, box.padded(artist.get_linewidth() * to_pixels / 2)
            )
            half = (artist.get_markersize() + artist.get_markeredgewidth()) * to_pixels / 2
            return of_line or (_has_marker(artist) and _any_inside(points, box.padded(half)))
        case PathCollection():
            half = np.sqrt(np.max(artist.get_sizes(), initial=0)) * to_pixels / 2
            return _any_inside(places(artist), box.padded(float(half)))
        case Collection():
            transform = artist.get_transform()
            filled = bool(len(artist.get_facecolor()))
            paths = (transform.transform_path(path) for path in artist.get_paths())
            return any(path.intersects_bbox(box, filled=filled) for path in paths)
        case Patch():
            path = artist.get_transform().transform_path(artist.get_path())
            return bool(path.intersects_bbox(box, filled=artist.get_fill()))
        case _:
            return bool(artist.get_window_extent().overlaps(box))


def places(artist: Artist) -> np.ndarray:
    """The points of an artist, (n, 2); NaN where it has a gap."""
    match artist:
        case Line2D():
            return np.asarray(artist.get_transform().transform(artist.get_path().vertices))
        case PathCollection():
            offsets = np.ma.filled(artist.get_offsets(), np.nan)
            return np.asarray(artist.get_offset_transform().transform(offsets))
        case Collection():
            transform = artist.get_transform()
            vertices = [transform.transform(path.vertices) for path in artist.get_paths()]
            return np.concatenate(vertices) if vertices else np.empty((0, 2))
        case _:
            return np.asarray(artist.get_window_extent().corners())


def looks(artist: Artist) -> tuple[Any, ...]:
    """How an artist can be told from others: its colour, and its dashes, marker or hatching."""
    match artist:
        case Line2D():
            dashes = artist.get_linestyle() if _has_line(artist) else "none"
            if artist.is_dashed():
                dashes = str(artist._unscaled_dash_pattern)  # no other says it
            marker = str(artist.get_marker()) if _has_marker(artist) else "none"
            face = _hex(artist.get_markerfacecolor()) if _has_marker(artist) else "none"
            return ("line", _hex(artist.get_color()), dashes, marker, face)
        case Collection():
            face, edge = (_hex(c) for c in (artist.get_facecolor(), artist.get_edgecolor()))
            return ("collection", face, edge, artist.get_hatch())
        case Patch():
            face = _hex(artist.get_facecolor()) if artist.get_fill() else "none"
            return ("patch", face, _hex(artist.get_edgecolor()), artist.get_hatch())
        case _:
            return (type(artist).__name__,)


def is_like(handle: Artist, artist: Artist) -> bool:
    """Whether a legend's handle stands for an artist.

    It looks the same, has the colour of its points, is hatched like it, or, if it is grey and a
    point, explains its marker.
    """
    if looks(handle) == looks(artist):
        return True
    hatching = getattr(handle, "get_hatch", lambda: None)()
    if hatching:
        return hatching == getattr(artist, "get_hatch", lambda: None)()
    if not (isinstance(handle, Line2D) and _has_marker(handle)):
        return False
    colour, face = _hex(handle.get_color()), _hex(handle.get_markerfacecolor())
    explains = not _has_line(handle) and colour == GREY
    if isinstance(artist, PathCollection):
        faces = {_hex(one) for one in artist.get_facecolor()}
        edges = {_hex(one) for one in artist.get_edgecolor()}
        return colour in faces | edges or (explains and face == WHITE and face in faces)
    if isinstance(artist, Line2D) and _has_marker(artist):
        is_hollow = _hex(artist.get_markerfacecolor()) in {WHITE, "none"}
        same_marker = handle.get_marker() == artist.get_marker()
        explained = explains and (is_hollow if face == WHITE else same_marker and not is_hollow)
        return explained or _hex(artist.get_color()) == colour != GREY
    return False


def _walk(
    artist: Artist, axes: Axes | None = None, legend: Legend | None = None
) -> Iterator[tuple[Artist, Axes | None, Legend | None]]:
    """All visible artists, each with the axes and the legend to which it belongs."""
    if not artist.get_visible():
        return
    axes = artist if isinstance(artist, Axes) else axes
    legend = artist if isinstance(artist, Legend) else legend
    yield artist, axes, legend
    children = _parts(artist) if isinstance(artist, Axis) else artist.get_children()
    for child in children:
        yield from _walk(child, axes, legend)


def _parts(axis: Axis) -> list[Artist]:
    """The label and the offset of an axis, and its ticks between the limits."""
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    scale = axis.get_transform()
    low, high = sorted(scale.transform(np.array(axis.get_view_interval(), dtype=float)))
    at = scale.transform(np.array([tick.get_loc() for tick in ticks], dtype=float))
    margin = 1e-9 * (high - low)
    in_view = (at >= low - margin) & (at <= high + margin)
    return [axis.label, axis.offsetText, *(ticks[i] for i in np.flatnonzero(in_view))]


def _corners(text: Text, figure: Figure) -> np.ndarray:
    renderer, angle = figure.canvas.get_renderer(), text.get_rotation()
    box = text.get_window_extent(renderer)
    if angle % 90 == 0:
        x0, y0, x1, y1 = box.extents
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    text.set_rotation(0)
    upright = text.get_window_extent(renderer)
    text.set_rotation(angle)
    half = np.array([upright.width, upright.height]) / 2
    turn = np.deg2rad(angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    centre = (box.min + box.max) / 2
    return centre + (np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half) @ rotation


def _has_line(line: Line2D) -> bool:
    return line.get_linestyle() not in {"None", "none", " ", ""} and line.get_linewidth() > 0


def _has_marker(line: Line2D) -> bool:
    return line.get_marker() not in {"None", "none", " ", "", None} and line.get_markersize() > 0


def is_blank(artist: Artist) -> bool:
    return isinstance(artist, Line2D) and not (_has_line(artist) or _has_marker(artist))


def _any_inside(points: np.ndarray, box: Bbox) -> bool:
    finite = points[np.isfinite(points).all(axis=1)]
    return bool(((finite > box.min) & (finite < box.max)).all(axis=1).any())


def _segments_meet(points: np.ndarray, box: Bbox) -> bool:
    """Whether a line through points enters a box (Liang and Barsky, 1984)."""
    starts, steps = points[:-1], np.diff(points, axis=0)
    known = np.isfinite(starts).all(axis=1) & np.isfinite(steps).all(axis=1)
    starts, steps = starts[known], steps[known]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.stack([(box.min - starts) / steps, (box.max - starts) / steps])
    beside = (starts <= box.min) | (starts >= box.max)
    still = steps == 0
    enters = np.where(still, np.where(beside, np.inf, -np.inf), at.min(axis=0)).max(axis=1)
    leaves = np.where(still, np.inf, at.max(axis=0)).min(axis=1)
    return bool((np.maximum(enters, 0) <= np.minimum(leaves, 1)).any())  # far ends round to one


def _hex(colour: Any) -> str:
    """A colour, or the first of several, without its opacity."""
    array = to_rgba_array(colour)
    return to_hex(array[0]) if len(array) else "none"
