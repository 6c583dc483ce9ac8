"""Figures drawn: any result gives a file, with the same bytes each time and the right words."""

import re
from html import escape

import numpy as np
import pytest

from core.figures import FIGURES, STUDY_FIGURES
from core.figures.info import MANY_SEEDS
from core.panels import Line, Panel
from core.result import BaselineResult
from core.spec import spec_hash
from core.studies import STUDIES
from tests.unit.core.figure_cases import (
    GRU,
    SPECS,
    info_and_result,
    result_and_series,
)
from tests.unit.core.test_training import spec_of


def texts(figure) -> str:
    """The legends and the labels of axes of a figure."""
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    entries = [text.get_text() for legend in legends if legend for text in legend.get_texts()]
    return "\n".join([*entries, *(axes.get_xlabel() for axes in figure.axes)])


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("spec", [name for name in SPECS if name != "ordinary"])
def test_every_figure_draws_every_result(name, spec):
    info, _ = info_and_result(FIGURES[name], SPECS[spec])
    assert FIGURES[name].file(info, "svg").startswith(b"<?xml")


@pytest.mark.parametrize("name", FIGURES)
def test_every_format_holds_the_caption_and_the_hash_and_is_the_same_every_time(name):
    spec = SPECS["ordinary"]
    info, _ = info_and_result(FIGURES[name], spec)
    assert info.spec_hashes == [spec_hash(spec)]
    assert "k = 4" in info.caption
    assert " 0 of 3 seeds fit." in info.caption
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    files = {form: FIGURES[name].file(info, form) for form in starts}
    for form, start in starts.items():
        assert files[form].startswith(start)
        assert f"spec {spec_hash(spec)}".encode() in files[form]
    assert escape(info.caption, quote=False) in files["svg"].decode()
    assert FIGURES[name].file(info, "svg") == files["svg"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_extreme_numbers(name, value):
    spec = SPECS["ordinary"]
    result, recorded = result_and_series(spec)
    matrices = {"A": [[value] * 6] * 6, "B": [[value]] * 6, "C": [[value] * 6]}
    runs = [
        r.model_copy(
            update={
                "response": [value] * 12,
                "hankel_singular_values": [value] * 6,
                "eigenvalues": [(value, value)] * 6,
                "parameters": matrices,
                "summary": {**r.summary, "zero_baseline": value},
            }
        )
        for r in result.runs
    ]
    result = result.model_copy(update={"runs": runs, "teacher_response": [value] * 12})
    places = {"seed": np.repeat(spec.seeds, 3), "step": np.tile([0, 10, 300], 3)}
    series = {
        name: np.full((9, *column.shape[1:]), value) for name, column in recorded.items()
    } | places
    info = FIGURES[name].info(spec, result, series)
    assert FIGURES[name].file(info, "png").startswith(b"\x89PNG")
    assert info.model_dump_json()


def test_metadata_omits_characters_that_no_file_can_hold():
    info, _ = info_and_result(FIGURES["response"], SPECS["ordinary"])
    unprintable = info.model_copy(update={"caption": "a\x00b\ud800c\nd\x1b[0m<&>"})
    for file_format, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert FIGURES["response"].file(unprintable, file_format).startswith(start)


def test_a_file_lists_the_first_thousand_hashes_and_counts_the_rest():
    info, _ = info_and_result(FIGURES["response"], SPECS["ordinary"])
    many = info.model_copy(update={"spec_hashes": [f"{n:064d}" for n in range(1234)]})
    svg = FIGURES["response"].file(many, "svg").decode()
    assert svg.count("<rdf:li>spec ") == 1000
    assert "and 234 more" in svg


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.early])
def test_figures_of_the_training_are_drawn_while_it_runs(name):
    spec = SPECS["ordinary"]
    result, series = result_and_series(spec)
    info = FIGURES[name].info(spec, None, {name: column[:7] for name, column in series.items()})
    assert "so far" in info.title
    assert FIGURES[name].file(info, "svg").startswith(b"<?xml")
    if name == "trajectory":
        np.testing.assert_allclose(info.teacher, result.teacher_response, rtol=1e-12)
    if name == "training":
        assert info.zero_baseline == pytest.approx(result.runs[0].summary["zero_baseline"])


@pytest.mark.parametrize("name", ["response", "training", "spectrum", "trajectory"])
def test_a_student_without_an_a_has_the_other_figures(name):
    evaluation = {"points": 5, "horizon": 12, "record": ["response"], "sequences": 8}
    spec = spec_of(student=GRU, optimizer={"steps": 20}, evaluation=evaluation)
    info, _ = info_and_result(FIGURES[name], spec)
    assert FIGURES[name].file(info, "svg").startswith(b"<?xml")


def test_baselines_are_dashed_lines_of_the_response_figure():
    result, series = result_and_series(SPECS["ordinary"])
    summary = {"fit_error": 0.0}
    fir = BaselineResult(
        name="least_squares",
        order=4,
        response=[*result.teacher_response[:4], *[0.0] * 8],
        eigenvalues=[],
        summary=summary,
        note="",
    )
    info = FIGURES["response"].info(
        SPECS["ordinary"], result.model_copy(update={"baselines": [fir]}), series
    )
    assert info.baselines[0].y == fir.response
    assert info.baseline_errors[0].y == [0.0] * 4 + np.abs(result.teacher_response[4:]).tolist()
    figure = FIGURES["response"].draw(info)
    assert "least squares (order 4)" in texts(figure)
    assert [
        line.get_linestyle()
        for line in figure.axes[0].lines
        if line.get_label().startswith("least")
    ] == ["--"]


def test_more_than_twelve_seeds_share_one_entry_of_the_legend_and_have_a_median():
    spec = SPECS["many seeds"]
    for name in ("response", "training", "spectrum", "imbalance"):
        words = texts(FIGURES[name].draw(info_and_result(FIGURES[name], spec)[0])).splitlines()
        assert words.count(f"{MANY_SEEDS + 1} seeds") == 1
        assert "median" in words
    info, result = info_and_result(FIGURES["training"], spec)
    assert info.median_loss.y[-1] == pytest.approx(
        np.median([r.summary["train_loss"] for r in result.runs])
    )
    assert info_and_result(FIGURES["training"], SPECS["ordinary"])[0].median_loss is None


def test_seeds_that_diverged_are_named():
    result, series = result_and_series(SPECS["exploding"])
    diverged = [r.seed for r in result.runs if r.outcome == "diverged"]
    assert diverged
    for name in ("training", "response", "spectrum", "weighted_spectrum"):
        words = texts(FIGURES[name].draw(FIGURES[name].info(SPECS["exploding"], result, series)))
        named = " ".join(line for line in words.splitlines() if "diverged" in line)
        assert set(map(str, diverged)) <= set(re.findall(r"\d+", named)), name


def test_values_outside_the_plottable_range_are_noted():
    spec = SPECS["ordinary"]
    result, series = result_and_series(spec)
    for value, note in (
        (1e101, "values above 1e+100 not drawn"),
        (0.0, "values below 1e-17 drawn at 1e-17"),
    ):
        loss = series["train_loss"].copy()
        loss[3] = value
        figure = FIGURES["training"].draw(
            FIGURES["training"].info(spec, result, {**series, "train_loss": loss})
        )
        assert note in texts(figure)
        plotted_values = np.concatenate([line.get_ydata() for line in figure.axes[0].lines])
        assert np.nanmax(plotted_values) < 1e3
    assert "drawn" not in texts(
        FIGURES["training"].draw(FIGURES["training"].info(spec, result, series))
    )


@pytest.mark.parametrize("last", [7, 37])
def test_an_axis_of_lags_has_ticks_at_integers_only(last):
    lags = list(range(last))
    panel = Panel(x="lag j", y="h", lines=[Line(label="", x=lags, y=lags)])
    figure = STUDY_FIGURES["extrapolation"].draw(
        STUDY_FIGURES["extrapolation"].info("A study", [panel], [])
    )
    figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_step_0_lies_at_0_on_the_axis():
    figure = FIGURES["training"].draw(info_and_result(FIGURES["training"], SPECS["ordinary"])[0])
    figure.canvas.draw()
    for axes in figure.axes:
        assert axes.get_xlim()[0] == 0
        assert 0 in axes.get_xticks()
        assert min(line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) > 2) == 0


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_the_figure_of_a_study_is_drawn_without_experiments(study):
    info = STUDY_FIGURES["extrapolation"].info(study.title, study.panels("quick", []), [])
    assert STUDY_FIGURES["extrapolation"].file(info, "png").startswith(b"\x89PNG")
