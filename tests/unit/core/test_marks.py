"""Seeds that do not fit are marked, and looks that can't show a figure truly are refused."""

import re

import pytest

from core.figures import FIGURES, RECIPE_FIGURES, NotDrawable
from core.figures.experiment.seeds import seed_title
from core.figures.recipes import heatmap
from core.figures.recipes.cells import Cell
from core.look import Look
from core.recipe import Recipe
from core.result import Outcome
from tests.figures.drawn import words
from tests.unit.core.figure_cases import SPECS, result_and_series

HEADING = {"title": "t", "source": "s", "caption": "c.", "spec_hashes": ["0" * 64]}


def with_outcomes(name, spec, *outcomes):
    """The data of a figure of a spec whose seeds ended in these ways."""
    result, series = result_and_series(SPECS[spec])
    runs = [
        run.model_copy(update={"outcome": outcome})
        for run, outcome in zip(result.runs, outcomes, strict=True)
    ]
    return FIGURES[name].data(SPECS[spec], result.model_copy(update={"runs": runs}), series)


@pytest.mark.parametrize("spec", ["ordinary", "complex poles"])
def test_poles_of_seeds_that_do_not_fit_are_hollow(spec):
    figure = FIGURES["weighted_spectrum"]
    fits, spent = Outcome.FITTED, Outcome.STEP_BUDGET_SPENT
    info = with_outcomes("weighted_spectrum", spec, fits, spent, fits)
    plot, *_ = figure.drawing(info).plots
    *seeds, teacher = plot.traces
    assert [trace.is_hollow.all() for trace in (*seeds, teacher)] == [False, True, False, False]
    assert "Hollow: the seed does not fit." in info.caption
    drawn = [text.text for text in words(figure.draw(info))]
    assert "hollow: the seed does not fit" in drawn
    fitted = with_outcomes("weighted_spectrum", spec, fits, fits, fits)
    assert "hollow" not in " ".join(text.text for text in words(figure.draw(fitted)))


@pytest.mark.parametrize("name", ["eigenvalues", "trajectory"])
def test_panels_of_seeds_that_do_not_fit_say_so_in_their_titles(name):
    info = with_outcomes(
        name, "ordinary", Outcome.FITTED, Outcome.STEP_BUDGET_SPENT, Outcome.DIVERGED
    )
    titles = [plot.title for plot in FIGURES[name].drawing(info).plots]
    first, second, third = SPECS["ordinary"].seeds
    assert titles == [f"seed {first}", f"seed {second} (does not fit)", f"seed {third}"]
    assert seed_title(second, [first]) == f"seed {second}"


def heat_map(metric, **look):
    cells = [Cell(x, y, "completed", (x * y / 4,)) for x in (1, 2, 3) for y in (1, 2)]
    recipe = Recipe(x="training.length", y=metric, series="student.dim", kind="heatmap")
    info = heatmap.of_cells(HEADING, cells, recipe)
    return RECIPE_FIGURES["heatmap"].draw(info, Look(**look))


def test_colours_that_diverge_need_a_threshold():
    with pytest.raises(NotDrawable, match="cmap=RdBu diverges from a threshold, and this metric"):
        heat_map("train_loss", cmap="RdBu")
    mesh = heat_map("relative_extrapolation_error", cmap="RdBu").axes[0].collections[0]
    assert mesh.norm.vmin * mesh.norm.vmax == pytest.approx(1.0), "1 has the middle colour"


@pytest.mark.parametrize(
    ("name", "size"), [("width", {"width": 1.5}), ("height", {"height": 1.5, "width": 6})]
)
def test_a_size_without_room_for_the_axes_is_refused_with_one_that_has_it(name, size):
    with pytest.raises(NotDrawable, match=f"{name}=1.5 inches leave no room") as refusal:
        heat_map("train_loss", font_size=20, **size)
    least = float(re.search(r"at least ([\d.]+) do", str(refusal.value))[1])
    figure = heat_map("train_loss", font_size=20, **size | {name: least})
    assert getattr(figure, f"get_fig{name}")() == least
