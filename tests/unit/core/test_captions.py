"""Captions explain the marks of a figure, say what was pooled, and name the channel."""

import math

import pytest

from core.figures import FIGURES, RECIPE_FIGURES
from core.figures.recipes.cells import Cell
from core.figures.recipes.cells import panels as panels_of_cells
from core.figures.recipes.points import Point
from core.figures.recipes.points import panels as panels_of_points
from core.recipe import Recipe
from tests.unit.core.figure_cases import SPECS, info_and_result

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
