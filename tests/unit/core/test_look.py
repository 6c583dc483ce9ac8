"""Looks: what they accept, and files that journals take."""

import json
import re
import struct
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from pydantic import ValidationError

from core.figures import FIGURES, RECIPE_FIGURES, NotDrawable
from core.figures.recipes import heatmap, panels
from core.figures.recipes.cells import Cell
from core.figures.recipes.cells import panels as panels_of_cells
from core.look import LARGEST_LIMIT, SCREEN, WIDTHS, Look
from core.recipe import Recipe
from core.spec import explain
from tests.figures.drawn import is_colour_bar, shown_axes
from tests.unit.core.figure_cases import SPECS, info_and_result

PAPER = Look(style="paper")
HEADING = {"title": "cheap $5", "source": "from here", "caption": "c", "spec_hashes": ["0" * 64]}
AXES = {"x": "training.length", "series": "student.start.scale"}
CELLS = [
    Cell(k, s, "completed", (10.0**-k * s, 2.0, 3.0), outcomes=("fitted", "fitted", "diverged"))
    for k in (2, 4, 9)
    for s in (0.01, 1.0)
]
CELLS.append(Cell(9, 0.1, "completed", (0.5, 0.5), outcomes=("step_budget_spent",) * 2))


def figures():
    """Every kind of drawing with data, by name."""
    drawn = {
        name: (figure, info_and_result(figure, SPECS["ordinary"])[0])
        for name, figure in FIGURES.items()
    }
    channels = info_and_result(FIGURES["response"], SPECS["channels"])[0]
    lines = panels_of_cells(CELLS, Recipe(**AXES))
    grid = heatmap.of_cells(HEADING, CELLS, Recipe(**AXES, kind="heatmap"))
    return drawn | {
        "channels": (FIGURES["response"], channels),
        "lines": (RECIPE_FIGURES["lines"], panels.of_runs(HEADING, lines)),
        "heatmap": (RECIPE_FIGURES["heatmap"], grid),
    }


KINDS = [*FIGURES, "channels", "lines", "heatmap"]
FORMATS = ["svg", "png", "pdf"]


def problems(**parts) -> list[str]:
    """The pointers and sentences with which a look is refused."""
    with pytest.raises(ValidationError) as caught:
        Look.model_validate(parts)
    return [f"{p.pointer}: {p.message}" for p in explain(caught.value, Look)]


def inches(content: bytes, form: str) -> tuple[float, float]:
    """The width and height of a file, as its format states them."""
    if form == "png":
        width, height = struct.unpack(">II", content[16:24])
        return width / 300, height / 300
    pattern = {
        "svg": rb'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"',
        "pdf": rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]",
    }[form]
    found = re.search(pattern, content)
    return float(found[1]) / 72, float(found[2]) / 72


class TestParts:
    @pytest.mark.parametrize(
        ("part", "given", "sentence"),
        [
            ("width", "icml", "should be 1.5 to 20 inches, or one of neurips, neurips-half, iclr"),
            ("width", 0.1, "should be 1.5 to 20 inches"),
            ("width", "nan", "should be 1.5 to 20 inches"),
            ("width", [5.5], "should be 1.5 to 20 inches"),
            ("height", "40", "should be less than or equal to 20"),
            ("xlim", "5,1", "should be two numbers, the lower one first, such as 1,100"),
            ("xlim", "1", "should be two numbers"),
            ("ylim", [1, "b"], "should be two numbers"),
            ("ylim", "nan,inf", "should be two numbers"),
            ("ylim", [1, 2, 3], "should be two numbers"),
            ("font_size", "x", "should be a valid number"),
            ("font_size", "nan", "should be greater than or equal to 4"),
            ("style", "poster", "should be 'screen', 'paper' or 'talk'"),
            ("cmap", "jet", "should be 'viridis', "),
            ("legend", "left", "should be 'auto', 'inside', 'outside' or 'none'"),
            ("title", "a\x07", "should not contain control characters"),
            ("widht", 3, "unknown field; did you mean 'width'?"),
        ],
    )
    def test_a_bad_part_is_refused_in_one_sentence(self, part, given, sentence):
        (problem,) = problems(**{part: given})
        assert problem.startswith(f"/{part}: {sentence}")

    def test_a_query_string_and_json_say_the_same(self):
        written = Look(width="5.5", height="2", font_size="7", xlim="1, 100", ylim=["-1,1e3"])
        assert written == Look(width=5.5, height=2, font_size=7, xlim=[1, 100], ylim=(-1, 1000))

    def test_json_has_the_parts_that_differ_from_the_defaults(self):
        recipe = Recipe(x="training.length", style="paper", xlim="1,9", legend="auto")
        content = json.loads(recipe.model_dump_json())
        assert {name: content[name] for name in Look.model_fields if name in content} == {
            "style": "paper",
            "xlim": [1.0, 9.0],
        }
        assert Recipe.model_validate(content) == recipe

    def test_the_parts_of_another_look_come_first_where_they_are_set(self):
        recipe = Recipe(x="training.length", style="paper", width="ieee", title="mine", xlim="1,9")
        other = Look(style="screen", title=None, xlim="2,3")
        assert recipe.merged(other) == Look(width="ieee", xlim="2,3")
        assert recipe.merged(SCREEN) == Look(style="paper", width="ieee", title="mine", xlim="1,9")


class TestLimits:
    @pytest.mark.parametrize(
        ("kind", "limits", "reason"),
        [
            ("lines", {"ylim": "0,5"}, "ylim=0,5 should start above 0, as the y-axis is log"),
            ("lines", {"xlim": "10,20"}, "xlim=10,20 shows nothing: the data lie from 2 to 9"),
            ("lines", {"ylim": "1e3,1e9"}, "shows nothing"),
            ("heatmap", {"ylim": "-1,5"}, "ylim=-1,5 should start above 0"),
            ("heatmap", {"xlim": "20,30"}, "shows nothing"),
            ("response", {"xlim": "-9,-3"}, "shows nothing"),
        ],
    )
    def test_limits_that_can_not_be_shown_are_refused(self, kind, limits, reason):
        figure, info = figures()[kind]
        with pytest.raises(NotDrawable, match=reason):
            figure.draw(info, Look(**limits))

    def test_an_axis_without_numbers_takes_no_limits(self):
        cells = [Cell(kind, s, "completed", (1.0,)) for kind in ("gd", "adam") for s in (1, 2)]
        recipe = Recipe(x="optimizer.kind", series="student.dim", kind="heatmap")
        info, figure = heatmap.of_cells(HEADING, cells, recipe), RECIPE_FIGURES["heatmap"]
        with pytest.raises(NotDrawable, match="xlim needs numbers"):
            figure.draw(info, Look(xlim="0,1"))
        assert figure.draw(info, Look(ylim="1,2")).axes[0].get_ylim() == (1.0, 2.0)

    @pytest.mark.parametrize("kind", ["lines", "heatmap", "channels"])
    def test_every_pair_of_axes_has_the_limits(self, kind):
        figure, info = figures()[kind]
        drawn = shown_axes(figure.draw(info, Look(xlim="2,5")))
        axes = [one for one in drawn if not is_colour_bar(one)]
        assert [one.get_xlim() for one in axes] == [(2.0, 5.0)] * len(axes)

    def test_axes_of_equal_units_have_the_limits(self):
        info, _ = info_and_result(FIGURES["weighted_spectrum"], SPECS["complex poles"])
        drawn = FIGURES["weighted_spectrum"].draw(info, Look(xlim="0,1.5", ylim="-1,0.25"))
        drawn.draw_without_rendering()
        (axes, *_) = drawn.axes
        assert (axes.get_aspect(), axes.get_xlim(), axes.get_ylim()) == (1, (0, 1.5), (-1, 0.25))

    def test_no_triangle_lies_beside_the_axes(self):
        cells = [Cell(k, None, "completed", (1.0 if k < 5 else float("inf"),)) for k in (2, 4, 9)]
        lines = panels_of_cells(cells, Recipe(x="training.length"))
        info = panels.PanelsInfo(**HEADING, panels=lines)
        (axes,) = panels_figure(info, Look(xlim="1,5"))
        assert not [
            line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata())
        ]
        (axes,) = panels_figure(info, SCREEN)
        assert [line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata())]


def panels_figure(info, look):
    return RECIPE_FIGURES["lines"].draw(info, look).axes


class TestPaper:
    @pytest.mark.parametrize(
        ("form", "width"),
        [*(("pdf", width) for width in (*WIDTHS, 4.25)), ("svg", "ieee-two"), ("png", "ieee-two")],
    )
    def test_a_file_is_as_wide_and_high_as_asked(self, form, width):
        figure, info = figures()["lines"]
        look = Look(style="paper", width=width, height=2.6)
        shown = inches(figure.file(info, form, look), form)
        assert shown == pytest.approx((WIDTHS.get(width, width), 2.6), abs=1e-6)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_pdf_has_truetype_fonts_only(self, kind):
        figure, info = figures()[kind]
        content = figure.file(info, "pdf", PAPER)
        assert b"/CIDFontType2" in content
        assert b"/Type3" not in content

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_svg_holds_text_as_text(self, kind):
        figure, info = figures()[kind]
        svg = figure.file(info, "svg", PAPER).decode()
        assert svg.count("<text") > 5
        assert 'id="DejaVuSans-' not in svg, "a letter is drawn as a path"

    @pytest.mark.parametrize("kind", KINDS)
    def test_there_is_neither_title_nor_footer_nor_small_print(self, kind):
        figure, info = figures()[kind]
        drawn = figure.draw(info, PAPER)
        assert drawn.texts == []
        texts = [text for text in drawn.findobj(Text) if text.get_visible() and text.get_text()]
        assert min(text.get_fontsize() for text in texts) >= 6

    @pytest.mark.parametrize("form", FORMATS)
    def test_a_figure_drawn_twice_has_the_same_bytes(self, form):
        for kind in ("heatmap", "channels"):
            figure, info = figures()[kind]
            assert figure.file(info, form, PAPER) == figure.file(info, form, PAPER)


def numbers(low, high):
    return st.floats(low, high, allow_nan=False)


def limits():
    pairs = st.one_of(
        st.tuples(numbers(-3, 60), numbers(1e-12, 60)),
        st.tuples(numbers(-LARGEST_LIMIT, LARGEST_LIMIT), numbers(-LARGEST_LIMIT, LARGEST_LIMIT)),
        st.sampled_from([(1, 2), (1e-20, 1e20), (3, 3.0000000000000004), (1e-90, 1e90)]),
    )
    return st.none() | pairs.filter(lambda pair: pair[0] < pair[1])


LOOKS = st.builds(
    Look,
    style=st.sampled_from(["screen", "paper", "talk"]),
    width=st.none() | numbers(1.5, 8) | st.sampled_from([*WIDTHS]),
    height=st.none() | numbers(1.5, 8),
    font_size=st.none() | numbers(4, 48),
    title=st.none() | st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40),
    footer=st.sampled_from([None, "source", "none"]),
    xlim=limits(),
    ylim=limits(),
    cmap=st.sampled_from(["viridis", "RdBu"]),
    legend=st.sampled_from(["auto", "inside", "outside", "none"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KINDS), LOOKS, st.sampled_from(FORMATS))
def test_every_look_is_drawn_or_refused_with_a_sentence(kind, look, form):
    figure, info = figures()[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Glyph .* missing")
        warnings.filterwarnings("ignore", "Matplotlib currently does not support")  # some scripts
        try:
            content, refusal = figure.file(info, form, look), ""
        except NotDrawable as error:
            content, refusal = b"", str(error)
    sized = look.width or look.height
    assert (
        content
        or ("lim" in refusal and (look.xlim or look.ylim))
        or ("no room" in refusal and sized)
    )
