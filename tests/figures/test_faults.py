"""The measuring instrument: a figure without faults has none, and each kind of fault is found."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.figures.faults import faults


def good():
    """Two panels in constrained layout, with everything that figures here have."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    x = np.arange(1, 11.0)
    axes[0, 0].plot(x, x, "o-", color="C0", label="student")
    axes[0, 0].plot(x, x**2, "--", color="C1", label="teacher")
    axes[0, 0].fill_between(x, x, x + 5, alpha=0.2)
    axes[0, 0].axvline(4.5, ls=":", color="0.5", label="k = 5")
    axes[0, 0].legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), fontsize=7)
    axes[0, 0].set_ylim(0, 260)
    axes[0, 1].set(xscale="log", yscale="log", title="log")
    axes[0, 1].plot(x, 10.0**-x)
    axes[0, 1].scatter(x, 10.0 ** (-x / 2), s=4)
    image = axes[1, 0].imshow(np.arange(6.0).reshape(2, 3), aspect="auto")
    axes[1, 0].text(1, 0.5, "a cell")
    figure.colorbar(image, ax=axes[1, 0])
    axes[1, 1].pcolormesh(np.arange(4), np.arange(3), np.arange(6.0).reshape(2, 3))
    axes[1, 1].set_xticks([0.5, 1.5, 2.5], ["one name", "another", "third"], rotation=45)
    axes[1, 1].legend(
        *axes[0, 0].get_legend_handles_labels(), loc="lower left", bbox_to_anchor=(0, 1.02)
    )
    figure.suptitle("a title of $h_{j}$")
    figure.supxlabel("where the numbers come from", fontsize=6)
    return figure, axes


def test_a_good_figure_has_no_fault():
    assert faults(good()[0]) == []


def test_resolution_changes_no_verdict():
    assert all(faults(good()[0], dots_per_inch=dots) == [] for dots in (72, 300))


def test_a_turned_text_is_measured_along_its_own_edges():
    figure, axes = good()
    long = ["a long name", "another long name", "third"]
    axes[1, 1].set_xticks([0.5, 1.5, 2.5], long, rotation=60, ha="right", rotation_mode="anchor")
    assert faults(figure) == []


def test_an_invisible_artist_is_no_fault():
    figure, axes = good()
    figure.text(0.99, 0.5, "far too long to be seen", visible=False)
    axes[0, 0].plot([1, 2], [1e9, 1e9], visible=False)
    axes[0, 1].set_visible(False)
    assert faults(figure) == []


def _wide_title(figure, axes):
    figure.suptitle("a title that is far too long " * 5)


def _wide_legend(figure, axes):
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.95, 0.5)
    )


def _crowded_ticks(figure, axes):
    axes[0, 0].set_xticks(range(1, 11), [f"number {n}" for n in range(1, 11)])


def _title_on_title(figure, axes):
    figure.set_layout_engine("none")
    figure.suptitle("a title", y=0.95)
    axes[0, 0].set_title("a title of a panel", y=1.03, loc="right")
    axes[0, 0].set_position([0.1, 0.6, 0.45, 0.32])


def _turned_text(figure, axes):
    figure.text(0.27, 0.8, "one of two", rotation=30)
    figure.text(0.28, 0.8, "two of two", rotation=30)


def _annotation_on_line(figure, axes):
    axes[0, 0].text(4.45, 200, "k")


def _title_under_marker(figure, axes):
    axes[0, 1].plot(0.5, 1.03, "^", ms=12, transform=axes[0, 1].transAxes, clip_on=False)


def _label_in_the_neighbour(figure, axes):
    figure.set_layout_engine("none")
    axes[0, 1].set_ylabel("a label", labelpad=40)


def _legend(where):
    def put(figure, axes):
        axes[0, 0].legend(loc=where)
        axes[0, 0].set_ylim(0, 110)

    return put


def _legend_on_points(figure, axes):
    axes[0, 1].scatter([9], [1e-9], s=4, label="a point")
    axes[0, 1].legend(loc="lower right")


def _legend_on_a_segment(figure, axes):
    axes[1, 1].clear()
    axes[1, 1].vlines([0.5], 0, 1, label="stems")
    axes[1, 1].legend(loc="center")


def _legend_on_a_marker(figure, axes):
    """The legend reaches into a marker, though not to its middle."""
    axes[0, 1].clear()
    (line,) = axes[0, 1].plot([0.1, 0.9], [0.9, 0.9], "o", ls="none", ms=9)
    axes[0, 1].set(xlim=(0, 1), ylim=(0, 1))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    legend = axes[0, 1].legend(handles, labels, loc="lower left", fontsize=6)
    figure.draw_without_rendering()
    top = axes[0, 1].transData.inverted().transform(legend.get_window_extent().max)[1]
    line.set_ydata([top + 0.01, 0.9])


def _legend_on_cells(figure, axes):
    axes[1, 1].legend(*axes[0, 0].get_legend_handles_labels(), loc="center")


def _legend_on_an_image(figure, axes):
    axes[1, 0].legend(*axes[0, 0].get_legend_handles_labels(), loc="center")


def _legend_on_a_patch(figure, axes):
    axes[0, 1].clear()
    axes[0, 1].axvspan(0.2, 0.8, label="span")
    axes[0, 1].legend(loc="center")


def _legend_on_text(figure, axes):
    axes[0, 0].text(1.2, 235, "a note")


def _legend_on_legend(figure, axes):
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.12, 0.9)
    )


def _legend_across_an_edge(figure, axes):
    axes[0, 0].legend(loc="lower left", bbox_to_anchor=(0.6, 0.9))


def _bar_on_axes(figure, axes):
    figure.set_layout_engine("none")
    figure.axes[-1].set_position([0.4, 0.1, 0.3, 0.3])


def _axes_on_axes(figure, axes):
    figure.set_layout_engine("none")
    axes[0, 1].set_position([0.3, 0.5, 0.4, 0.4])


def _squeezed(figure, axes):
    axes[1, 0].set_ylabel("\n" * 26 + "a label of very many lines")


def _tiny(figure, axes):
    figure.set_layout_engine("none")
    axes[0, 1].set_position([0.6, 0.7, 0.3, 0.05])


def _infinite_limits(figure, axes):
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    axes[0, 1].set_xscale("linear")
    axes[0, 1].set_xlim(1.0, 1.0 + 1e-13)


def _outside(figure, axes):
    axes[0, 0].plot([8, 9], [1, 1e3], color="C1", ls="--")


def _one_label(figure, axes):
    axes[0, 1].set_ylim(2e-3, 8e-3)
    axes[0, 1].clear()
    axes[0, 1].plot([1, 2], [2e-3, 8e-3])
    axes[0, 1].set_yscale("log")
    axes[0, 1].yaxis.set_minor_formatter("")


def _labels_alike(figure, axes):
    axes[0, 0].yaxis.set_major_formatter("number")


def _named_twice(figure, axes):
    axes[0, 0].get_legend().get_texts()[1].set_text("student")


def _alike(figure, axes):
    axes[0, 0].plot([1, 2], [1, 2], "o-", color="C0", label="another")
    axes[0, 0].legend(loc="upper left", fontsize=7)


def _of_nothing(figure, axes):
    axes[0, 0].plot([np.nan, np.nan], [1, 2], color="C5", label="not there")
    axes[0, 0].legend(loc="upper left", fontsize=6)


def _glyph(figure, axes):
    figure.suptitle("\ue000 in private use")


def _letters(figure, axes):
    figure.supxlabel("small print", fontsize=4)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_wide_title, "clipped by the figure's edge"),
        (_wide_legend, "clipped by the figure's edge"),
        (_crowded_ticks, "text over text"),
        (_title_on_title, "text over text"),
        (_turned_text, "text over text"),
        (_annotation_on_line, "text over data"),
        (_title_under_marker, "text over data"),
        (_label_in_the_neighbour, "text over axes"),
        (_legend("upper right"), "legend over data"),
        (_legend("center left"), "legend over data"),
        (_legend_on_points, "legend over data"),
        (_legend_on_a_segment, "legend over data"),
        (_legend_on_a_marker, "legend over data"),
        (_legend_on_cells, "legend over data"),
        (_legend_on_an_image, "legend over data"),
        (_legend_on_a_patch, "legend over data"),
        (_legend_on_text, "legend over text"),
        (_legend_on_legend, "legend over legend"),
        (_legend_across_an_edge, "legend across the edge of axes"),
        (_bar_on_axes, "colour bar over axes"),
        (_axes_on_axes, "axes over axes"),
        (_squeezed, "axes squeezed"),
        (_tiny, "axes squeezed"),
        (_infinite_limits, "degenerate limits"),
        (_outside, "data outside the limits"),
        (_one_label, "too few labels of ticks"),
        (_labels_alike, "labels of ticks alike"),
        (_named_twice, "two entries with one name"),
        (_alike, "two entries alike"),
        (_of_nothing, "an entry of nothing that is drawn"),
        (_glyph, "warning"),
        (_letters, "illegible"),
    ],
)
def test_a_figure_that_was_spoiled_has_that_fault(spoil, kind):
    figure, axes = good()
    spoil(figure, axes)
    assert kind in {fault.kind for fault in faults(figure)}


def test_data_outside_the_limits_may_be_noted():
    figure, axes = good()
    _outside(figure, axes)
    axes[0, 0].set_title("values above 260 not drawn", loc="right", fontsize=7)
    assert faults(figure) == []
