"""Figures of a sweep: their numbers, and drawings of any numbers and coordinates."""

import math

import pytest

from core.figures.drawing.figure import draw
from core.figures.drawing.files import encode
from core.figures.recipes.cells import Cell
from core.figures.recipes.sweep import drawing_of_heatmap, drawing_of_lines, heatmap, lines
from core.look import SCREEN
from core.recipe import Recipe

AXES = Recipe(x="training.length", y="train_loss", series="student.dim")
HEADING = {"title": "t", "source": "s", "caption": "c", "spec_hashes": ["0" * 64]}


def cells(value, xs=(2, 3, 4), series=(10, 20)):
    return [
        Cell(x, s, "completed", tuple(value(x, s, seed) for seed in range(3)))
        for x in xs
        for s in series
    ]


def test_a_line_is_the_median_and_the_quartiles_of_the_nearest_rank():
    panel = lines(HEADING, cells(lambda x, s, seed: x * s + seed), AXES).panel
    assert [line.label for line in panel.lines] == ["d = 10", "d = 20"]
    assert panel.lines[0].x == [2.0, 3.0, 4.0]
    assert panel.lines[0].y == [21.0, 31.0, 41.0]
    for line in panel.lines:
        assert all(
            low <= y <= high for low, y, high in zip(line.lower, line.y, line.upper, strict=True)
        )
    diverged = lines(
        HEADING,
        [Cell(1, None, "completed", (1.0, 2.0, math.inf))],
        Recipe(x="optimizer.lr", y="time"),
    )
    (line,) = diverged.panel.lines
    assert (line.y, line.lower[0] < math.inf) == ([2.0], True)


def test_seeds_of_experiments_at_one_place_are_pooled():
    twice = [
        Cell(1, 5, "completed", (1.0, 2.0)),
        Cell(1, 5, "completed", (9.0,)),
        Cell(2, 5, "failed"),
    ]
    assert lines(HEADING, twice, AXES).panel.lines[0].y == [2.0]
    info = heatmap(HEADING, twice, AXES)
    assert (info.medians[0][0], info.states) == (2.0, [["completed", "failed"]])


def test_a_map_counts_the_seeds_of_each_place_by_outcome():
    budget, inf = "step_budget_spent", math.inf
    info = heatmap(
        HEADING,
        [
            Cell(1, 5, "completed", (1.0, 2.0), outcomes=("fitted", budget)),
            Cell(1, 5, "completed", (inf,), outcomes=("diverged",)),
            Cell(2, 5, "completed", (inf, 1.0, inf), outcomes=("diverged", budget, "diverged")),
            Cell(3, 5, "completed", (inf,), outcomes=("fitted",)),
            Cell(4, 5, "failed"),
        ],
        AXES,
    )
    assert (info.fitted, info.diverged, info.seeds) == (
        [[1, 0, 1, 0]],
        [[1, 2, 0, 0]],
        [[3, 3, 1, 0]],
    )
    assert info.states == [["completed", "diverged", "completed", "failed"]]


def test_places_without_an_experiment_are_empty():
    info = heatmap(HEADING, [Cell(1, 5, "completed", (1.0,)), Cell(2, 6, "queued")], AXES)
    assert info.states == [["completed", ""], ["", "queued"]]
    assert [[math.isnan(v) for v in row] for row in info.medians] == [[False, True], [True, True]]


def test_numbers_are_sorted_and_words_keep_their_order():
    mixed = [Cell(x, s, "queued") for x in (10, 9, 2.5) for s in ("zeta", "alpha")]
    info = heatmap(HEADING, mixed, AXES)
    assert (info.columns, info.rows) == ([2.5, 9, 10], ["zeta", "alpha"])


@pytest.mark.parametrize(
    "value",
    [
        lambda x, s, seed: 0.0,
        lambda x, s, seed: -1.0 - seed,
        lambda x, s, seed: math.nan,
        lambda x, s, seed: math.inf,
        lambda x, s, seed: -math.inf,
        lambda x, s, seed: 1e308 * (1 if x == 2 else 1e-300),
        lambda x, s, seed: 5e-324,
        lambda x, s, seed: 0.0 if x == 2 else 1.0,
    ],
    ids=["zero", "negative", "nan", "infinite", "minus-infinite", "huge", "tiny", "some-zero"],
)
@pytest.mark.parametrize(
    ("info", "drawing"),
    [(lines, drawing_of_lines), (heatmap, drawing_of_heatmap)],
    ids=["lines", "heatmap"],
)
def test_any_numbers_render(info, drawing, value):
    numbers = info(HEADING, cells(value), AXES)
    assert encode(draw(drawing(numbers), numbers, SCREEN), numbers, "svg", SCREEN).startswith(
        b"<?xml"
    )


@pytest.mark.parametrize("xs", [(1,), (0.0, 1e300), (-5, 2**63), tuple(range(40)), (1e-300, 1.0)])
@pytest.mark.parametrize(
    ("info", "drawing"),
    [(lines, drawing_of_lines), (heatmap, drawing_of_heatmap)],
    ids=["lines", "heatmap"],
)
def test_any_coordinates_render(info, drawing, xs):
    series = ("$\\frac{$", "_hidden", {"kind": "gaussian", "scale": 0.1}, None, True)
    heading = {**HEADING, "title": "$x", "source": "s_^"}
    numbers = info(heading, cells(lambda x, s, seed: 1.0 + seed, xs, series), AXES)
    assert encode(draw(drawing(numbers), numbers, SCREEN), numbers, "png", SCREEN).startswith(
        b"\x89PNG"
    )
