"""Captions explain the marks of a figure, say what was pooled, and name the channel."""

import math

import numpy as np
import pytest

from core.figures import COMPARISON_FIGURES, DEFAULT_VIEW, FIGURES, RECIPE_FIGURES, View
from core.figures.comparisons.comparison import Compared
from core.figures.recipes import cells as figure_cells
from core.figures.recipes import curves as figure_curves
from core.figures.recipes import heatmap, wording
from core.figures.recipes.cells import Cell
from core.figures.recipes.cells import panels as panels_of_cells
from core.figures.recipes.curves import Curve
from core.figures.recipes.points import Point
from core.figures.recipes.points import panels as panels_of_points
from core.recipe import Recipe
from tests.unit.core.figure_cases import SPECS, info_and_result, result_and_series

HEADING = {"title": "t", "source": "s", "caption": "c.", "spec_hashes": ["0" * 64]}
RECIPE = Recipe(x="training.length", series="optimizer.lr")
FITTED, UNFITTED, DIVERGED = "fitted", "step_budget_spent", "diverged"


def caption_of_cells(values, outcomes, recipe):
    """The caption of a figure with a cell at each value."""
    cells = [
        Cell(x, s, "completed", (value,) * 2, outcomes=tuple(outcomes))
        for x, value in enumerate(values, 1)
        for s in (1, 2)
    ]
    if recipe.kind == "heatmap":
        return RECIPE_FIGURES["heatmap"].data(HEADING, cells, recipe).caption
    return RECIPE_FIGURES["lines"].data(HEADING, panels_of_cells(cells, recipe)).caption


@pytest.mark.parametrize(
    ("kind", "y", "values", "outcomes", "explained"),
    [
        ("lines", "train_loss", (1.0, 2.0), (FITTED, FITTED), ""),
        (
            *("lines", "train_loss", (1.0, 2.0), (FITTED, UNFITTED)),
            " Hollow: at most half of the seeds fit.",
        ),
        (
            *("lines", None, (0.5, 2.0), (FITTED, FITTED)),
            " Dashed: zero baseline.",
        ),
        (
            *("lines", "train_loss", (1.0, math.inf), (DIVERGED, DIVERGED)),
            " Hollow: at most half of the seeds fit."
            " A triangle at the upper edge: infinite, as too many seeds diverged.",
        ),
        ("heatmap", None, (2.0, 3.0), (FITTED, FITTED), ""),
        ("heatmap", None, (0.5, 2.0), (FITTED, FITTED), " Outlined: where the value passes 1."),
        ("heatmap", "train_loss", (0.5, 2.0), (FITTED, FITTED), ""),
        (
            *("heatmap", "train_loss", (0.5, 2.0), (FITTED, UNFITTED)),
            " Hatched: at most half of the seeds fit.",
        ),
    ],
)
def test_a_caption_explains_the_marks_that_are_drawn_and_no_others(
    kind, y, values, outcomes, explained
):
    recipe = RECIPE.model_copy(update={"kind": kind, "y": y})
    assert caption_of_cells(values, outcomes, recipe) == f"c.{explained}"


def test_hollow_points_of_runs_are_seeds_that_do_not_fit():
    recipe = Recipe(x="fit_error", y="train_loss")
    points = [Point(None, None, 1.0, 2.0, fitted=fitted) for fitted in (True, False)]
    captions = [
        RECIPE_FIGURES["lines"].data(HEADING, panels_of_points(shown, recipe)).caption
        for shown in (points, points[:1])
    ]
    assert captions == ["c. Hollow: the seed does not fit.", "c."]


@pytest.mark.parametrize(
    ("name", "explained"),
    [
        ("training", " Hollow: the seed does not fit. Dashed: zero baseline."),
        ("response", " Hollow: the seed does not fit."),
        ("eigenvalues", " Dashed: teacher."),
        ("trajectory", ""),
    ],
)
def test_a_caption_of_one_experiment_explains_its_marks(name, explained):
    info, _ = info_and_result(FIGURES[name], SPECS["ordinary"])
    assert info.caption.endswith(f"0 of 3 seeds fit.{explained}")


@pytest.mark.parametrize(
    ("setups", "over"),
    [
        (("a", "a"), "seeds"),
        (("ab", "cd"), "seeds and 2 setups"),
        (("a", "abc"), "seeds and up to 3 setups"),
    ],
)
def test_figures_say_over_how_many_setups_a_statistic_is_taken(setups, over):
    cells = [
        Cell(x, 1, "completed", (1.0, 2.0), setups=frozenset(names))
        for x, names in enumerate(setups)
    ]
    recipe = RECIPE.model_copy(update={"y": "train_loss"})
    (panel,) = panels_of_cells(cells, recipe)
    assert panel.y.endswith(f"\nmedian and quartiles over {over}")
    heat_map = recipe.model_copy(update={"kind": "heatmap"})
    assert heatmap.of_cells(HEADING, cells, heat_map).metric.endswith(f"\nmedian over {over}")
    assert f"quartiles over {over}, against" in caption(recipe, pooled=figure_cells.pooled(cells))


def test_every_experiment_at_one_place_counts_as_its_setup():
    cells = [Cell(1, None, "completed", (1.0,), setups=frozenset({name})) for name in "aab"]
    unfinished = Cell(2, None, "queued", setups=frozenset("c"))
    assert figure_cells.pooled([*cells, unfinished]) == "seeds and 2 setups"


def test_curves_of_different_setups_in_one_line_are_pooled():
    curves = [curve_of(setup, series) for setup, series in (("a", 1), ("b", 1), ("c", 2))]
    recipe = Recipe(x="step", series="optimizer.lr")
    (panel,) = figure_curves.panels(curves, recipe)
    assert panel.y.endswith("median and quartiles over seeds and up to 2 setups")


def curve_of(setup, series):
    x = np.arange(3.0)
    return Curve(series, None, 2, x, x + 1, np.empty(0), FITTED, setup)


def caption(recipe, outcomes=(FITTED, DIVERGED), **words):
    title = wording.generated_title(recipe, words.get("channel", ""))
    return wording.caption(recipe, title=title, experiments=1, outcomes=outcomes, **words)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"x": "step"}, "A diverged run keeps its last recorded value, infinite once it overf"),
        ({"x": "time"}, "A diverged run keeps its last recorded value, infinite once it overf"),
        ({"x": "lag"}, "A diverged run counts as infinite."),
        ({"x": "rank", "y": "eigenvalues"}, "A diverged run counts as infinite."),
        ({"x": "training.length"}, "A diverged run counts as infinite."),
        ({"x": "training.length", "y": "zero_baseline"}, ""),
        ({"x": "fit_error", "y": "train_loss"}, ""),
    ],
)
def test_a_caption_says_what_a_diverged_run_counts_as(fields, said):
    recipe = Recipe(**fields)
    assert said in caption(recipe)
    assert ("A diverged run" in caption(recipe)) is bool(said)
    assert "A diverged run" not in caption(recipe, outcomes=(FITTED,))


def test_a_median_along_training_says_what_a_diverged_seed_counts_as():
    result, series = result_and_series(SPECS["many seeds"])
    first, *others = result.runs
    lost = first.model_copy(update={"outcome": DIVERGED})
    lost = result.model_copy(update={"runs": [lost, *others]})
    for name, said in (
        ("training", "keeps its last recorded value"),
        ("response", "counts as infinite"),
    ):
        info = FIGURES[name].data(SPECS["many seeds"], lost, series)
        assert f"A diverged run {said}" in info.caption
        unscathed = FIGURES[name].data(SPECS["many seeds"], result, series)
        assert "A diverged run" not in unscathed.caption


def test_curves_by_lag_name_the_channel_in_title_and_caption():
    teacher = np.zeros((5, 2, 3))
    teacher[2, 1, 0] = 7.0
    named = figure_curves.channel(teacher, DEFAULT_VIEW)
    assert named == ", output 2 of 2, input 1 of 3"
    assert (
        figure_curves.channel(teacher, View(output=1, input=3)) == ", output 1 of 2, input 3 of 3"
    )
    assert figure_curves.channel(teacher[:, 0, 0], DEFAULT_VIEW) == ""
    recipe = Recipe(x="lag", y="response")
    heading = wording.heading(recipe, source="", hashes=[], outcomes=[], channel=named)
    assert heading["title"] == "h_j against lag j, output 2 of 2, input 1 of 3"
    assert heading["caption"].startswith("h_j, output 2 of 2, input 1 of 3, median and quartiles")


@pytest.mark.parametrize(
    ("specs", "view", "channel"),
    [
        (("channels", "channels"), View(input=2), ", output 1 of 1, input 2 of 2"),
        (("channels", "ordinary"), DEFAULT_VIEW, ", the largest channel of each"),
        (("ordinary", "ordinary"), DEFAULT_VIEW, ""),
    ],
)
def test_responses_side_by_side_name_the_channel_in_their_titles(specs, view, channel):
    compared = [Compared(name, SPECS[name], *result_and_series(SPECS[name])) for name in specs]
    for kind, words in (
        ("response", f"Impulse responses{channel}"),
        ("response_ratio", f"Response errors{channel} relative to: {specs[0]}"),
    ):
        info = COMPARISON_FIGURES[kind].data(compared, view=view)
        assert info.title == words
        assert info.caption.startswith(f"{words}. ")


def test_medians_side_by_side_say_what_a_diverged_run_counts_as():
    compared = [
        Compared(name, SPECS[name], *result_and_series(SPECS[name]))
        for name in ("ordinary", "exploding")
    ]
    for kind, said in (
        ("training", "keeps its last recorded value"),
        ("training_ratio", "keeps its last recorded value"),
        ("response", "counts as infinite"),
    ):
        assert f"A diverged run {said}" in COMPARISON_FIGURES[kind].data(compared).caption
        alone = COMPARISON_FIGURES[kind].data(compared[:1] * 2)
        assert "A diverged run" not in alone.caption
