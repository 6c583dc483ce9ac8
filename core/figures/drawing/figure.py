"""Draws a drawing: the one renderer of all figures.

A figure is a stack: its title, a grid of axes with a legend beside or below, and a footer. Texts
are wrapped to the space they have, so the grid is laid out before and after.
"""

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

from core.figures.drawing import legend as legends
from core.figures.drawing import style
from core.figures.drawing.axes import draw_plot, notes
from core.figures.drawing.characters import BOXES, has_boxes
from core.figures.drawing.layout import EDGE, GAP, Area, lay_out
from core.figures.drawing.legend import Entries
from core.figures.drawing.limits import set_limits
from core.figures.drawing.map import (
    BAR_GAP,
    BAR_WIDTH,
    draw_maps,
    hatched_handle,
    notes_of_maps,
    state_handles,
)
from core.figures.drawing.parameters import rc_params
from core.figures.drawing.plot import Drawing, Map, Plot
from core.figures.drawing.text import wrap
from core.figures.info import Info, NotDrawable
from core.look import Look

MIN_COLUMN = 1.6
"""Narrowest column of plots in inches with text of 8 points, unless there is only one."""

MIN_COLUMN_WITH_LEGEND = 2.2
"""The same for plots with a legend each."""

MIN_ROW = 1.35
"""Lowest row in inches with text of 8 points."""

MIN_HEIGHT = 0.75
"""Lowest axes in inches with text of 8 points, unless the look sets the height."""

MAX_PASSES = 4
"""Most times that labels are laid out."""

MAX_TITLE_LINES = 6
TALK_SCALE = 1.45
"""How much larger a figure for a talk is than one for a screen."""


def draw(drawing: Drawing, info: Info, look: Look) -> Figure:
    """Draws a figure in a look."""
    with mpl.rc_context(rc_params(look)):
        return _Canvas(drawing, info, look).figure


class _Canvas:
    """One figure while it is drawn."""

    def __init__(self, drawing: Drawing, info: Info, look: Look) -> None:
        self._drawing, self._info, self._look = drawing, info, look
        self._plots: list[Plot | Map] = [*drawing.plots]
        self._columns, self._width, self._height = _size(drawing, look)
        self.figure = Figure(figsize=(self._width, self._height))
        FigureCanvasAgg(self.figure)
        self._renderer = RendererAgg(1, 1, self.figure.dpi)  # type: ignore[no-untyped-call]
        rows = -(-len(drawing.plots) // self._columns)
        grid = list(self.figure.subplots(rows, self._columns, squeeze=False).ravel())
        self._axes: list[Axes] = grid[: len(drawing.plots)]
        for axes in self._axes:  # their ticks depend on it also when they are drawn elsewhere
            axes.tick_params(labelsize=style.TICKS * look.points)
        for unused in grid[len(drawing.plots) :]:
            unused.remove()
        self._source = info.source
        self._bar: Axes | None = None
        self._legend: Legend | None = None
        self._is_beside = False
        self._title, self._footer = self._add_words()
        self._draw_plots()
        self._lay_out()
        self._settle()
        self._add_legends()
        texts = self.figure.findobj(Text)
        if any(has_boxes(text.get_text()) for text in texts if isinstance(text, Text)):
            self._source = f"{self._source}. {BOXES}"
        self._lay_out()
        self._settle()
        self._grow()
        self._refuse_if_too_small()

    def _settle(self) -> None:
        """Wraps labels and lays them out until neither changes the other, nor the ticks."""
        laid_out: list[object] = []
        for _ in range(MAX_PASSES):
            self._add_labels()
            words: list[object] = []
            for axes in self._axes:
                words += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")]
                words += [*axes.get_xticks(), *axes.get_yticks()]
            if words == laid_out:
                break
            self._lay_out()
            laid_out = words

    def _grow(self) -> None:
        """Makes the figure higher if labels and legends leave little of it, unless it is set."""
        height = self._axes[0].get_window_extent(self._renderer).height / self.figure.dpi
        missing = MIN_HEIGHT * self._look.points / 8.0 - height
        if missing > 0 and self._look.height is None:
            self._height += missing * -(-len(self._axes) // self._columns)
            self._lay_out()

    def _refuse_if_too_small(self) -> None:
        """Raises NotDrawable if a size that the look sets leaves no room for the axes."""
        sizes = self.figure.get_size_inches()
        for name, missing, size in zip(("width", "height"), self._missing, sizes, strict=True):
            if missing > 0.0 and getattr(self._look, name) is not None:
                least = math.ceil(10 * (size + missing)) / 10
                raise NotDrawable(
                    f"{name}={size:.3g} inches leave no room for the axes beside their labels: "
                    f"at least {least:g} do, or a smaller font_size"
                )

    def _add_words(self) -> tuple[Text | None, Text | None]:
        """Adds the title and the footer, which the layout fills and places."""
        title, footer = None, None
        if self._look.has_title:
            size = style.TITLE * self._look.points
            title = self.figure.text(0.5, 1.0, "", ha="center", va="top", fontsize=size)
        if self._look.has_footer:
            size, colour = style.SMALL_PRINT * self._look.points, style.BASELINE
            footer = self.figure.text(
                0.5, 0.0, "", ha="center", va="bottom", fontsize=size, color=colour
            )
        return title, footer

    def _draw_plots(self) -> None:
        plots = [plot for plot in self._plots if isinstance(plot, Plot)]
        maps = [plot for plot in self._plots if isinstance(plot, Map)]
        if maps and self._drawing.colours is not None:
            self._bar = draw_maps(self.figure, self._axes, maps, self._drawing.colours, self._look)
        else:
            for axes, plot in zip(self._axes, plots, strict=True):
                draw_plot(axes, plot, self._look)
        if self._drawing.same_y:
            _share_y(self._axes)
        for number in range(len(plots) - 1, -1, -1):
            if self._is_repeated_below(number) and not plots[number].circle:
                _share_x(self._axes[number], self._axes[number + self._columns])
        set_limits(self._axes, self._look)

    def _lay_out(self) -> None:
        """Sizes the figure unless the look does, and places everything."""
        beside, below = self._legend_size()
        if self._look.inches is None:
            self.figure.set_figwidth(self._width + beside)
        width = self.figure.get_figwidth()
        title, footer = self._wrap_words()
        if self._look.height is None:
            self.figure.set_figheight(self._height + title + below + footer)
        height = self.figure.get_figheight()
        if self._title is not None:
            self._title.set_y(1.0 - EDGE / height)
        if self._footer is not None:
            self._footer.set_y(EDGE / height)
        bar = self._bar_width()
        area = Area(
            left=EDGE,
            bottom=EDGE + footer + below,
            right=width - EDGE - beside - bar,
            top=height - EDGE - title,
        )
        self._missing = lay_out(self.figure, self._axes, self._columns, area, self._renderer)
        frames = [axes.get_position() for axes in self._axes]
        top = max(frame.y1 for frame in frames)
        if self._bar is not None:
            bottom, right = min(f.y0 for f in frames), max(f.x1 for f in frames)
            place = (right + BAR_GAP / width, bottom, BAR_WIDTH / width, top - bottom)
            self._bar.set_position(place)
        if self._legend is not None:
            x, y = (1.0 - (beside + EDGE - GAP) / width, top) if self._is_beside else (0.5, 0.0)
            self._legend.set_bbox_to_anchor(
                (x, y if self._is_beside else (EDGE + footer) / height), self.figure.transFigure
            )

    def _legend_size(self) -> tuple[float, float]:
        """How much of the width, and of the height, the figure's legend takes in inches."""
        if self._legend is None:
            return 0.0, 0.0
        box = self._legend.get_window_extent(self._renderer)
        if self._is_beside:
            return box.width / self.figure.dpi + GAP, 0.0
        return 0.0, box.height / self.figure.dpi + GAP

    def _bar_width(self) -> float:
        if self._bar is None:
            return 0.0
        tight = self._bar.get_tightbbox(self._renderer)
        frame = self._bar.get_window_extent(self._renderer)
        labels = 0.0 if tight is None else tight.x1 - frame.x1
        return BAR_GAP + BAR_WIDTH + float(labels) / self.figure.dpi

    def _wrap_words(self) -> tuple[float, float]:
        """Wraps the title and the footer; their heights in inches, with a distance."""
        pixels = (self.figure.get_figwidth() - 2 * EDGE) * self.figure.dpi
        heights = []
        chosen = self._look.title
        words = self._info.title + self._drawing.suffix if chosen is None else chosen
        for artist, content, lines in (
            (self._title, words, MAX_TITLE_LINES),
            (self._footer, self._source, 3),
        ):
            if artist is None:
                heights.append(0.0)
                continue
            wrap(artist, content, pixels, self._renderer, lines=lines)
            height = artist.get_window_extent(self._renderer).height / self.figure.dpi
            heights.append(height + GAP)
        return heights[0], heights[1]

    def _add_labels(self) -> None:
        """Wraps the labels of each pair of axes to the space that they have now."""
        for number, (axes, plot) in enumerate(zip(self._axes, self._plots, strict=True)):
            frame = axes.get_window_extent(self._renderer)
            note = notes(plot) if isinstance(plot, Plot) else ""
            x = "" if self._is_repeated_below(number) else plot.x
            label = f"{x}\n({note})".strip() if note else x
            wrap(axes.xaxis.label, label, frame.width, self._renderer)
            is_repeated = self._drawing.same_y and number % self._columns > 0
            y = "" if is_repeated else plot.y
            wrap(axes.yaxis.label, y, 1.05 * frame.height, self._renderer)
            if plot.title:
                title = axes.set_title(" ", loc="left")
                wrap(title, plot.title, frame.width, self._renderer)
        if self._bar is not None and self._drawing.colours is not None:
            height = self._bar.get_window_extent(self._renderer).height
            colours, maps = self._drawing.colours, [p for p in self._plots if isinstance(p, Map)]
            note = notes_of_maps(maps, colours)
            label = f"{colours.label}\n({note})" if note else colours.label
            wrap(self._bar.yaxis.label, label, 1.05 * height, self._renderer)

    def _is_repeated_below(self, number: int) -> bool:
        """Whether the plot below has the same horizontal axis, and so its label."""
        below = number + self._columns
        # plots with a legend of their own are read one by one, so each has its label
        if self._drawing.legend == "each" or below >= len(self._plots):
            return False
        return self._plots[below].x == self._plots[number].x

    def _add_legends(self) -> None:
        if self._look.legend == "none":
            return
        if self._drawing.legend == "each":
            self._add_legend_each()
            return
        handles = self._entries(self._axes)
        if handles and not self._fits_inside(self._axes, handles):
            self._is_beside = self._look.inches is None and self._bar is None
            if self._is_beside:
                height = self._height * self.figure.dpi
                self._legend = legends.beside(self.figure, handles, height, self._renderer)
                self._legend.set_loc("upper left")
            else:
                self._legend = legends.below(self.figure, handles, self._renderer)
                self._legend.set_loc("lower center")

    def _add_legend_each(self) -> None:
        rows = np.zeros(-(-len(self._axes) // self._columns))
        for number, axes in enumerate(self._axes):
            handles = self._entries([axes])
            if not handles or self._fits_inside([axes], handles):
                continue
            legend = legends.under(axes, handles, self._renderer)
            height = legend.get_window_extent(self._renderer).height / self.figure.dpi
            row = number // self._columns
            rows[row] = max(rows[row], height)
        self._height += float(rows.sum())

    def _fits_inside(self, all_axes: Sequence[Axes], handles: Entries) -> bool:
        """Whether a legend was placed in the first of these axes where nothing is drawn."""
        if self._look.legend == "outside" or self._bar is not None:
            return False
        if any(legends.inside(axes, handles, self._renderer) for axes in all_axes):
            return True
        if self._look.legend == "inside":
            legends.inside(all_axes[0], handles, self._renderer, always=True)
            return True
        return False

    def _entries(self, all_axes: Sequence[Axes]) -> Entries:
        handles = dict(legends.entries(all_axes))
        plots = dict(zip(self._axes, self._plots, strict=True))
        shown = [plots[axes] for axes in all_axes]
        if any(plot.has_hollow for plot in shown):
            handles[self._drawing.hollow] = (
                hatched_handle() if isinstance(shown[0], Map) else _hollow_handle(self._look)
            )
        for plot in shown:
            if isinstance(plot, Map):
                handles |= state_handles(plot, self._look)
        return handles


def _size(drawing: Drawing, look: Look) -> tuple[int, float, float]:
    """The number of columns, and the width and height of the plots in inches."""
    columns = min(drawing.columns, len(drawing.plots))
    scale = TALK_SCALE if look.style == "talk" else 1.0
    width = look.inches or columns * drawing.column_width * scale
    least = MIN_COLUMN_WITH_LEGEND if drawing.legend == "each" else MIN_COLUMN
    while columns > 1 and width / columns < least * look.points / 8.0:
        columns -= 1
    rows = -(-len(drawing.plots) // columns)
    shrunk = min(width / columns / drawing.column_width, scale)
    row = max(drawing.row_height * shrunk, MIN_ROW * look.points / 8.0)
    return columns, width, look.height or rows * row


def _share_x(above: Axes, below: Axes) -> None:
    """Gives two axes, which are labelled once, the same range of x."""
    if above.get_xscale() == below.get_xscale():
        limits = np.array([above.get_xlim(), below.get_xlim()])
        for axes in (above, below):
            axes.set_xlim(limits[:, 0].min(), limits[:, 1].max())


def _share_y(all_axes: Sequence[Axes]) -> None:
    """Gives all axes the same range of y."""
    if len({axes.get_yscale() for axes in all_axes}) == 1:
        limits = np.array([axes.get_ylim() for axes in all_axes])
        for axes in all_axes:
            axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _hollow_handle(look: Look) -> Line2D:
    size, grey = style.marker_size(style.MARKER, look), style.BASELINE
    return Line2D([], [], ls="none", marker="o", color=grey, mfc=style.BACKGROUND, ms=size)
