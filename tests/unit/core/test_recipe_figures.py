"""Figures of recipes: their numbers, and drawings of any numbers and coordinates."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.figures import RECIPE_FIGURES
from core.figures.drawing.figure import draw
from core.figures.drawing.files import encode
from core.figures.recipes import heatmap, panels, wording
from core.figures.recipes.cells import Cell
from core.figures.recipes.cells import panels as panels_of_cells
from core.figures.recipes.curves import Curve, plotted
from core.figures.recipes.curves import panels as panels_of_curves
from core.figures.recipes.points import Point
from core.figures.recipes.points import panels as panels_of_points
from core.look import SCREEN
from core.panels import Line, Panel
from core.recipe import Recipe
from core.statistics import STATISTICS, over_seeds, with_band

HEADING = {"title": "$t", "source": "s_^", "caption": "c", "spec_hashes": ["0" * 64]}
EXTREME = [0.0, -1.0, math.nan, math.inf, -math.inf, 1e308, 5e-324]


def curve(y, *, series=None, facet=None, length=2, first=0, reference=(), outcome=""):
    x = np.arange(len(y), dtype=float) + first
    return Curve(series, facet, length, x, np.array(y, float), np.array(reference, float), outcome)


def assert_draws(info, drawing):
    for file_format, start in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        figure = draw(drawing(info), info, SCREEN)
        assert encode(figure, info, file_format, SCREEN).startswith(start)


@pytest.mark.parametrize("band", ["quartiles", "range", "standard_error", "none"])
def test_a_band_lies_around_its_statistic(band):
    statistics = over_seeds({"a": np.array([[1.0], [2.0], [3.0], [4.0], [10.0]])})["a"]
    middle, low, high = (part.tolist() for part in with_band(statistics, "mean", band))
    expected = {"quartiles": ([2.0], [4.0]), "range": ([1.0], [10.0]), "none": ([], [])}
    error = math.sqrt(50.0 / 4.0 / 5.0)
    assert middle == [4.0]
    lower, upper = expected.get(band, ([4.0 - error], [4.0 + error]))
    assert (low, high) == (pytest.approx(lower), pytest.approx(upper))


@pytest.mark.parametrize("statistic", ["median", "mean", "q1", "q3", "min", "max"])
def test_a_figure_shows_the_chosen_statistic(statistic):
    cells = [Cell(x, None, "completed", (1.0, 2.0, 6.0)) for x in (1, 2)]
    (panel,) = panels_of_cells(cells, Recipe(x="training.length", statistic=statistic, band="none"))
    (line,) = panel.lines
    assert (
        line.y
        == [over_seeds({"a": np.array([[1.0], [2.0], [6.0]])})["a"][STATISTICS.index(statistic), 0]]
        * 2
    )


def test_all_panels_have_all_series_so_that_each_has_one_colour():
    cells = [Cell(1, "a", "completed", (1.0,), "left"), Cell(1, "b", "completed", (1.0,), "right")]
    facets = panels_of_cells(
        cells, Recipe(x="training.length", series="student.kind", facets="student.structure")
    )
    assert [[line.label for line in panel.lines] for panel in facets] == [
        ["a student", "b student"]
    ] * 2
    assert [[len(line.x) for line in panel.lines] for panel in facets] == [[1, 0], [0, 1]]
    info = panels.PanelsInfo(**HEADING, panels=facets, alike=True)
    assert_draws(info, panels.drawing)


def test_a_series_has_one_colour_where_panels_have_different_ones():
    def panel(*labels, ordered):
        lines = [Line(label=label, x=[1.0], y=[1.0]) for label in labels]
        return Panel(x="x", y="y", lines=lines, ordered=ordered)

    shown = [
        *(panel("a", "b", ordered=False), panel("b", "c", ordered=False)),
        *(panel("2", "4", "8", ordered=True), panel("4", "8", "16", ordered=True)),
        panel("0.1", "0.2", ordered=True),
    ]
    plots = panels.drawing(panels.PanelsInfo(**HEADING, panels=shown)).plots
    (a, b), (b_again, c), (two, four, eight), (four_again, eight_again, sixteen), others = (
        [(trace.colour, trace.marker) for trace in plot.traces] for plot in plots
    )
    assert (b, four, eight) == (b_again, four_again, eight_again)
    assert len({a, b, c}) == 3
    brightness = [int(colour[3:5], 16) for colour, _ in (two, four, eight, sixteen)]
    assert brightness == sorted(brightness)
    assert (others[0][0], others[1][0]) == (two[0], sixteen[0])  # a scale of its own


def test_scales_are_as_chosen_or_fit_the_numbers():
    cells = [Cell(10.0**n, None, "completed", (10.0**-n,)) for n in range(4)]
    (panel,) = panels_of_cells(cells, Recipe(x="student.start.scale"))
    assert (panel.x_scale, panel.y_scale) == ("log", "log")
    (panel,) = panels_of_cells(
        cells, Recipe(x="student.start.scale", x_scale="linear", y_scale="linear")
    )
    assert (panel.x_scale, panel.y_scale) == ("linear", "linear")


def test_lines_count_the_seeds_that_fit_at_each_place():
    outcomes = ("fitted", "step_budget_spent", "fitted")
    cells = [
        Cell(1, None, "completed", (1.0, 2.0, 6.0), outcomes=outcomes),
        Cell(1, None, "completed", (2.0,), outcomes=("fitted",)),
        Cell(2, None, "completed", (1.0,), outcomes=("diverged",)),
    ]
    (panel,) = panels_of_cells(cells, Recipe(x="training.length"))
    assert (panel.lines[0].fitted, panel.lines[0].seeds) == ([3, 0], [4, 1])
    curves = [curve([4.0, 2.0], reference=[1.0, 1.0], outcome=outcome) for outcome in outcomes]
    (panel,) = panels_of_curves(curves, Recipe(x="lag"))
    line, teacher = panel.lines
    assert (line.fitted, line.seeds) == ([2, 2], [3, 3])
    assert (teacher.fitted, teacher.seeds) == ([], []), "a reference has no seeds"


def test_a_training_that_has_ended_keeps_its_last_value():
    short, long = curve([4.0, 2.0]), curve([4.0, 3.0, 2.0, 1.0])
    (panel,) = panels_of_curves([short, long], Recipe(x="step", statistic="mean", band="none"))
    assert panel.lines[0].x == [0.0, 1.0, 2.0, 3.0]
    assert panel.lines[0].y == [4.0, 2.5, 2.0, 1.5]


def test_responses_with_different_horizons_are_shown_up_to_the_shortest():
    lags = panels_of_curves(
        [curve([1.0, 1.0]), curve([3.0, 3.0, 3.0])], Recipe(x="lag", statistic="mean")
    )
    assert (lags[0].lines[0].x, lags[0].lines[0].y) == ([0.0, 1.0], [2.0, 2.0])


def test_many_steps_are_thinned_but_keep_their_ends():
    many = curve(np.linspace(1.0, 0.0, 100_000))
    (panel,) = panels_of_curves([many], Recipe(x="step"))
    assert len(panel.lines[0].x) <= 400
    assert (panel.lines[0].x[0], panel.lines[0].x[-1]) == (0.0, 99_999.0)


def test_many_times_are_thinned_evenly_in_the_logarithm_and_keep_0():
    time = np.expm1(np.linspace(0.0, np.log1p(1e6), 100_001)) * 1e-3
    many = replace(curve(np.linspace(1.0, 0.0, len(time))), x=time)
    (panel,) = panels_of_curves([many], Recipe(x="time"))
    x = np.array(panel.lines[0].x)
    assert (x[0], x[-1], panel.x_scale) == (0.0, time[-1], "log")
    assert 300 < len(x) <= 400
    late = x[x > 1.0]
    assert len(late) > 100
    assert (late[1:] / late[:-1]).max() < 1.1
    (plot,) = panels.drawing(panels.PanelsInfo(**HEADING, panels=[panel])).plots
    assert plot.x_scale == "from_zero"


def test_the_teacher_is_shown_if_all_curves_have_the_same():
    same = [curve([1.0, 2.0], reference=[0.5, 0.25]), curve([1.0, 2.0], reference=[0.5, 0.25])]
    assert [line.label for line in panels_of_curves(same, Recipe(x="lag"))[0].lines] == [
        "",
        "|ĥ_j|",
    ]
    other = [*same, curve([1.0, 2.0], reference=[0.5, 0.5])]
    assert [line.label for line in panels_of_curves(other, Recipe(x="lag"))[0].lines] == [""]


def test_the_response_stays_visible_beside_a_diverging_student():
    (panel,) = panels_of_curves(
        [curve([1.0, 1e9], reference=[1.0, -0.5])], Recipe(x="lag", y="response")
    )
    assert panel.y_limits == pytest.approx((-0.95, 1.45))


def test_with_several_channels_the_teachers_largest_entry_is_shown():
    teacher, student = np.zeros((3, 1, 2)), np.ones((3, 1, 2))
    teacher[:, 0, 1] = 5.0
    x, y, reference = plotted("error", np.arange(3.0), student, teacher)
    assert (x.tolist(), y.tolist(), reference.tolist()) == ([0, 1, 2], [4, 4, 4], [5, 5, 5])


def test_a_diverged_run_is_infinite_by_lag_and_as_recorded_by_step():
    curves = [curve([1.0, math.nan], outcome="diverged")]
    (panel,) = panels_of_curves(curves, Recipe(x="lag", band="none"))
    assert panel.lines[0].y == [math.inf, math.inf]
    (panel,) = panels_of_curves(curves, Recipe(x="step", band="none"))
    assert panel.lines[0].y == [1.0, math.inf]


def test_an_undefined_curve_stays_undefined():
    curves = [curve([math.nan, math.nan], outcome=outcome) for outcome in ("fitted", "fitted")]
    (panel,) = panels_of_curves(curves, Recipe(x="step", y="imbalance", band="none"))
    assert all(map(math.isnan, panel.lines[0].y))


def test_eigenvalues_are_sorted_by_size():
    x, y, _ = plotted("eigenvalues", np.arange(2.0), np.array([[0.1, 0.0], [3.0, 4.0]]), None)
    assert (x.tolist(), y.tolist()) == ([1.0, 2.0], [5.0, 0.1])


@pytest.mark.parametrize("value", EXTREME)
@pytest.mark.parametrize("axis", ["step", "time", "lag", "rank"])
def test_extreme_curves_render(axis, value):
    curves = [curve([1.0, value, value], series=s, reference=[value] * 3) for s in (1, 2, None)]
    quantity = {"lag": "response"}.get(axis)
    for scale in ("auto", "linear", "log"):
        recipe = Recipe(x=axis, y=quantity, series="student.dim", y_scale=scale, x_scale=scale)
        assert_draws(
            panels.PanelsInfo(**HEADING, panels=panels_of_curves(curves, recipe), alike=True),
            panels.drawing,
        )


@pytest.mark.parametrize("value", [value for value in EXTREME if math.isfinite(value)])
@pytest.mark.parametrize("others", [(), (1e-3, 1.0)])
def test_extreme_points_render(value, others):
    points = [Point(None, None, x, x, fitted=x > 0) for x in (value, *others)]
    for scale in ("auto", "linear", "log"):
        recipe = Recipe(x="imbalance", y="fit_error", x_scale=scale, y_scale=scale)
        info = panels.PanelsInfo(**HEADING, panels=panels_of_points(points, recipe), alike=True)
        assert_draws(info, panels.drawing)


def test_points_of_each_series_have_one_colour_in_all_panels():
    points = [Point("a", 1, 0.5, 2.0, fitted=True), Point("b", 2, 0.25, 3.0, fitted=False)]
    recipe = Recipe(x="imbalance", y="time", series="student.kind", facets="student.dim")
    first, second = panels_of_points(points, recipe)
    assert [len(line.x) for line in first.lines] == [1, 0]
    assert [len(line.x) for line in second.lines] == [0, 1]
    assert second.lines[1].fitted == [0]
    assert (first.x, first.y) == ("imbalance |B - Cᵀ|", "training time τ\neach run at its end")
    assert (first.x_scale, first.y_scale) == ("log", "linear"), "a time is a size"
    assert not first.levels


@pytest.mark.parametrize("value", EXTREME)
@pytest.mark.parametrize("kind", ["lines", "heatmap"])
def test_extreme_numbers_render(kind, value):
    places = [(x, s, f) for x in (2, 3) for s in ("$\\frac{$", None) for f in (True, "_a")]
    cells = [Cell(x, s, "completed", (value, 1.0), f) for x, s, f in places]
    recipe = Recipe(
        x="training.length", kind=kind, series="student.kind", facets="student.tied", band="range"
    )
    if kind == "lines":
        assert_draws(
            panels.PanelsInfo(**HEADING, panels=panels_of_cells(cells, recipe), alike=True),
            panels.drawing,
        )
    else:
        assert_draws(heatmap.of_cells(HEADING, cells, recipe), heatmap.drawing)


@pytest.mark.parametrize(
    ("outcome", "words", "label"),
    [
        ("diverged", "infinite, as too many seeds diverged", "diverged"),
        ("fitted", "infinite", "infinite"),
    ],
)
def test_an_infinite_median_has_a_triangle_at_the_edge_and_a_true_note_in_the_caption(
    outcome, words, label
):
    values = {1: (1.0, 2.0, 3.0), 2: (1.0, math.inf, math.inf), 3: (1.0, 2.0, math.inf)}
    cells = [
        Cell(x, s, "completed", seeds, outcomes=("fitted", "fitted", outcome))
        for x, seeds in values.items()
        for s in ("a", "b")
    ]
    shown = panels_of_cells(cells, Recipe(x="training.length", series="student.kind"))
    info = RECIPE_FIGURES["lines"].data(HEADING, shown)
    assert info.caption == f"c Dashed: zero baseline. A triangle at the upper edge: {words}."
    (axes,) = draw(panels.drawing(info), info, SCREEN).axes
    marks = [
        line for line in axes.lines if line.get_marker() == "^" and line.get_linestyle() == "None"
    ]
    assert [list(line.get_xdata()) for line in marks] == [[2.0], [2.0], []]
    assert [list(line.get_ydata()) for line in marks[:2]] == [[1.0], [1.0]]
    places = [line.get_transform().transform((2.0, 1.0)) for line in marks[:2]]
    assert places[0][0] < places[1][0], "side by side"
    assert marks[2].get_label() == label
    assert "drawn" not in axes.get_xlabel()
    assert_draws(info, panels.drawing)
    finite = [cell for cell in cells if cell.x != 2]
    shown = panels_of_cells(finite, Recipe(x="training.length", y="train_loss"))
    assert RECIPE_FIGURES["lines"].data(HEADING, shown).caption == "c"


def test_a_band_ends_where_its_lower_edge_is_infinite():
    values = {1: (1.0, 2.0, 3.0), 2: (2.0, 3.0, 4.0), 3: (math.inf,) * 3}
    cells = [Cell(x, None, "completed", seeds) for x, seeds in values.items()]
    info = panels.of_runs(HEADING, panels_of_cells(cells, Recipe(x="training.length")))
    (axes,) = draw(panels.drawing(info), info, SCREEN).axes
    (path,) = axes.collections[0].get_paths()
    assert np.isfinite(path.vertices).all()
    assert path.vertices[:, 0].max() == 2.0


def test_symbols_are_typeset_in_figures_and_plain_in_data():
    (panel,) = panels_of_curves([curve([1.0, 2.0], reference=[0.5, 0.25])], Recipe(x="lag"))
    info = panels.of_runs({**HEADING, "title": "cost in $ of h_j"}, [panel])
    figure = draw(panels.drawing(info), info, SCREEN)
    assert panel.y.startswith("|h_j - ĥ_j|")
    assert figure.axes[0].get_ylabel().startswith(r"|$h_{j}$ - $\hat{h}_{j}$|")
    assert figure.texts[0].get_text() == r"cost in \$ of $h_{j}$"
    assert_draws(info, panels.drawing)


def test_a_caption_is_in_sentences_and_quotes_the_query_as_typed():
    recipe = Recipe(
        query="tag:a and optimizer.lr  > 0.01",
        x="training.length",
        y="train_loss",
        series="optimizer.kind",
        facets="student.dim",
    )
    assert wording.generated_title(recipe) == "Training loss L against training length k"
    outcomes = ["fitted", "step_budget_spent"]
    caption = wording.caption(recipe, title="A", experiments=1, outcomes=outcomes)
    assert caption == (
        "A. Training loss L = eᵀ M e, median and quartiles over seeds, against training length k, "
        "a line for each optimizer, a panel for each student dimension d. From 1 completed "
        "experiment with 2 runs: tag:a and optimizer.lr  > 0.01. 1 of 2 runs fit."
    )


def test_lines_and_panels_of_different_values_have_different_labels():
    values = [0.1, 0.1 + 1e-12, 1.0]
    cells = [Cell(1, a, "completed", (1.0,), b) for a in values for b in values]
    recipe = Recipe(x="training.length", series="optimizer.lr", facets="student.start.scale")
    curves = [curve([1.0, 2.0], series=a, facet=b) for a in values for b in values]
    for shown in (
        panels_of_cells(cells, recipe),
        panels_of_curves(
            curves, Recipe(x="step", series="optimizer.lr", facets="student.start.scale")
        ),
    ):
        assert len({panel.title for panel in shown}) == 3
        assert [len({line.label for line in panel.lines}) for panel in shown] == [3, 3, 3]
    grids = heatmap.of_cells(HEADING, cells, recipe).maps
    assert len({grid.title for grid in grids}) == 3
