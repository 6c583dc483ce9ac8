"""Figures: their numbers are the result's, and any result renders to the same bytes each time."""

from functools import cache
from html import escape

import numpy as np
import pytest

from core import teachers
from core.evidence import Evidence, RunEvidence
from core.figures import FIGURES, STUDY_FIGURES, NotDrawable
from core.figures.comparisons.comparison import Band
from core.figures.comparisons.ratio import _quotient
from core.figures.info import MANY_SEEDS, SeedLine, diverged_seeds, median_line
from core.panels import ZERO_BASELINE, Line, Panel, quartile_line
from core.result import BaselineResult, Outcome
from core.run import run
from core.spec import ExperimentSpec, spec_hash
from core.studies import STUDIES
from core.systems import impulse_response
from tests.unit.core.test_training import spec_of

EXPLODING = {
    "kind": "linear",
    "dim": 6,
    "structure": "general",
    "start": {"kind": "gaussian", "scale": 2.0},
}
TWO_INPUTS = {
    "kind": "explicit",
    "A": [[0.9, 0], [0, -0.5]],
    "B": [[0.8, 0.3], [-0.2, 0.6]],
    "C": [[1.0, 0.0]],
}
EVERYTHING = {"points": 17, "horizon": 12, "record": ["eigenvalues", "response"]}
GRU = {"kind": "gru", "dim": 4}
SPECS = {
    "ordinary": spec_of(
        name="$\\frac{1$ and $x^2$", evaluation=EVERYTHING
    ),  # not mathematics to matplotlib
    "exploding": spec_of(student=EXPLODING, evaluation=EVERYTHING),
    "channels": spec_of(teacher=TWO_INPUTS, evaluation=EVERYTHING),
    "memoryless": spec_of(teacher={"kind": "memoryless", "gain": 0.0}, evaluation=EVERYTHING),
    "complex poles": spec_of(teacher={"kind": "rotation"}, evaluation=EVERYTHING),
    "many seeds": spec_of(
        seeds=MANY_SEEDS + 1, evaluation=EVERYTHING, optimizer={"lr": 0.02, "steps": 40}
    ),
}


@cache
def result_and_series(spec: ExperimentSpec):
    """The result of a spec, and its recorded points."""
    result = run(spec)
    return result, {name: np.array(column) for name, column in result.series.items()}


def info_and_result(figure, spec: ExperimentSpec):
    result, series = result_and_series(spec)
    return figure.info(spec, result, series), result


def texts(figure) -> str:
    """The legends and the labels of axes of a figure."""
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    entries = [text.get_text() for legend in legends if legend for text in legend.get_texts()]
    return "\n".join([*entries, *(axes.get_xlabel() for axes in figure.axes)])


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_figure_renders_every_result(name, spec):
    info, _ = info_and_result(FIGURES[name], spec)
    assert FIGURES[name].file(info, "svg").startswith(b"<?xml")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_every_format_and_the_same_bytes_every_time(name):
    info, _ = info_and_result(FIGURES[name], SPECS["ordinary"])
    assert FIGURES[name].file(info, "svg") == FIGURES[name].file(info, "svg")
    assert FIGURES[name].file(info, "png").startswith(b"\x89PNG")
    assert FIGURES[name].file(info, "pdf").startswith(b"%PDF")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_renders_extreme_numbers(name, value):
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


@pytest.mark.parametrize("name", FIGURES)
def test_every_file_holds_its_caption_and_the_hash_of_its_spec(name):
    spec = SPECS["ordinary"]
    info, _ = info_and_result(FIGURES[name], spec)
    assert info.spec_hashes == [spec_hash(spec)]
    assert "k = 4" in info.caption
    assert info.caption.endswith(" 0 of 3 seeds fit.")
    svg = FIGURES[name].file(info, "svg").decode()
    assert escape(info.caption, quote=False) in svg
    for file_format in ("svg", "png", "pdf"):
        assert f"spec {spec_hash(spec)}".encode() in FIGURES[name].file(info, file_format)


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


def test_the_response_figure_holds_the_results_numbers():
    info, result = info_and_result(FIGURES["response"], SPECS["ordinary"])
    assert info.teacher == result.teacher_response
    assert info.length == 4
    assert [line.y for line in info.students] == [r.response for r in result.runs]
    np.testing.assert_allclose(
        info.errors[0].y, np.abs(np.subtract(result.runs[0].response, result.teacher_response))
    )


def test_the_training_figure_holds_the_recorded_points():
    info, result = info_and_result(FIGURES["training"], SPECS["ordinary"])
    assert [line.seed for line in info.loss] == [3, 1, 2]
    assert info.loss[0].x[-1] == 300
    assert info.loss[1].y[-1] == result.runs[1].summary["train_loss"]


def test_near_zero_the_imbalance_falls_by_its_law():
    near = {"kind": "linear", "dim": 8, "start": {"kind": "gaussian", "scale": 1e-4}}
    spec = spec_of(
        student=near, optimizer={"lr": 0.01, "steps": 400}, evaluation={"points": 60, "horizon": 12}
    )
    info, _ = info_and_result(FIGURES["imbalance"], spec)
    early = [n for n, step in enumerate(info.law.x) if step <= 200]
    assert len(early) > 10
    measured = dict(
        zip(
            info.imbalance[0].x, np.median([line.y for line in info.imbalance], axis=0), strict=True
        )
    )
    np.testing.assert_allclose(
        [info.law.y[n] for n in early], [measured[info.law.x[n]] for n in early], rtol=0.05
    )
    assert info.law.y[early[-1]] < 0.1 * info.law.y[0]
    assert info_and_result(FIGURES["imbalance"], SPECS["exploding"])[0].law is None


def test_the_spectrum_figure_holds_eigenvalues_and_hankel_values():
    info, result = info_and_result(FIGURES["spectrum"], SPECS["ordinary"])
    assert info.teacher_eigenvalues == pytest.approx([0.9, 0.5])
    assert info.hankel[2].y == result.runs[2].hankel_singular_values


def test_the_marks_of_the_training_figure_come_from_the_recorded_points():
    spec = spec_of(
        optimizer={"steps": 3000, "stop": {"loss_below": 1e-3}},
        evaluation={"points": 60, "horizon": 12},
    )
    info, result = info_and_result(FIGURES["training"], spec)
    assert {fit.seed: fit.step for fit in info.time_to_fit} == {
        r.seed: r.steps for r in result.runs
    }
    loose = spec_of(evaluation={"points": 300, "horizon": 12, "fit_tolerance": 0.3})
    info, result = info_and_result(FIGURES["training"], loose)
    by_seed = {line.seed: dict(zip(line.x, line.y, strict=True)) for line in info.loss}
    _, series = result_and_series(loose)
    for fit in info.time_to_fit:
        fits = (series["seed"] == fit.seed) & (series["fit_error"] < 0.3)  # max |h| is 1
        assert fit.step == series["step"][fits].min()
        assert fit.loss == by_seed[fit.seed][fit.step]
    assert (
        {fit.seed for fit in info.time_to_fit}
        == {r.seed for r in result.runs if r.outcome == "fitted"}
        != set()
    )
    assert all(0 <= plateau.start < plateau.end <= 300 for plateau in info.plateaus)


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.early])
def test_figures_of_the_training_render_while_it_runs(name):
    spec = SPECS["ordinary"]
    result, series = result_and_series(spec)
    info = FIGURES[name].info(spec, None, {name: column[:7] for name, column in series.items()})
    assert "so far" in info.title
    assert FIGURES[name].file(info, "svg").startswith(b"<?xml")
    if name == "trajectory":
        np.testing.assert_allclose(info.teacher, result.teacher_response, rtol=1e-12)
    if name == "training":
        assert info.zero_baseline == pytest.approx(result.runs[0].summary["zero_baseline"])


def test_the_eigenvalues_figure_shows_signed_poles_of_symmetric_students_and_moduli_of_others():
    info, result = info_and_result(FIGURES["eigenvalues"], SPECS["ordinary"])
    assert info.signed
    assert info.teacher == pytest.approx([0.9, -0.5])
    last = [pole[-1] for pole in info.students[0].poles]
    assert last == sorted((re for re, _ in result.runs[0].eigenvalues), reverse=True)
    assert info.students[0].steps[-1] == 300
    assert min(last) < 0
    general = spec_of("general", evaluation=EVERYTHING)
    info, result = info_and_result(FIGURES["eigenvalues"], general)
    assert not info.signed
    assert [pole[-1] for pole in info.students[0].poles] == pytest.approx(
        [abs(complex(*value)) for value in result.runs[0].eigenvalues]
    )


@pytest.mark.parametrize("spec", ["ordinary", "channels"])
def test_the_trajectory_figure_runs_from_the_start_to_the_result(spec):
    info, result = info_and_result(FIGURES["trajectory"], SPECS[spec])
    of_first = [line for line in info.students if line.seed == 3]
    assert [line.step for line in of_first] == sorted({line.step for line in of_first})
    assert (of_first[0].step, of_first[-1].step) == (0, 300)
    assert 3 <= len(of_first) <= 7
    p, m = info.entry
    response = np.array(result.runs[0].response).reshape(
        12, *np.shape(result.runs[0].response)[1:] or (1, 1)
    )
    assert of_first[-1].y == response[:, p, m].tolist()


@pytest.mark.parametrize("spec", ["ordinary", "channels"])
def test_weights_and_poles_add_up_to_the_response(spec):
    info, result = info_and_result(FIGURES["weighted_spectrum"], SPECS[spec])
    assert info.signed
    p, m = info.entry
    trained = np.array(result.runs[0].response).reshape(12, -1)[
        :, p + m
    ]  # one of the two is always 0 here
    teacher = impulse_response(teachers.build(SPECS[spec].teacher), 12)[:, p, m]
    for stems, response in ((info.teacher, teacher), (info.students[0], trained)):
        moments = np.array(stems.poles) ** np.arange(12)[:, None] @ np.array(stems.weights)
        np.testing.assert_allclose(moments, response, atol=1e-12)


def test_the_imbalance_figure_holds_the_recorded_points():
    info, result = info_and_result(FIGURES["imbalance"], SPECS["ordinary"])
    assert [line.y[-1] for line in info.imbalance] == [r.summary["imbalance"] for r in result.runs]
    assert [line.y[-1] for line in info.invariant_drift] == [
        r.summary["invariant_drift"] for r in result.runs
    ]


def test_a_trajectory_that_was_not_recorded_names_the_field_that_records_it():
    spec = spec_of(evaluation={"points": 17, "horizon": 12, "record": ["response"]})
    with pytest.raises(NotDrawable, match=r'evaluation.record: \["response", "eigenvalues"\]'):
        FIGURES["eigenvalues"].info(spec, None, {})
    with pytest.raises(NotDrawable, match=r"evaluation\.record"):
        FIGURES["trajectory"].info(spec_of(), None, {})


@pytest.mark.parametrize("name", ["weighted_spectrum", "imbalance", "eigenvalues"])
def test_a_student_without_an_a_has_no_figure_of_it(name):
    with pytest.raises(NotDrawable, match="a GRU student has no A"):
        FIGURES[name].info(spec_of(student=GRU), None, {})


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


def test_a_seed_that_has_ended_keeps_its_last_value_in_the_median_and_nan_counts_as_infinite():
    ended = [SeedLine(seed=seed, x=[0.0, 1.0], y=[4.0, 1.0]) for seed in range(8)]
    running = [
        SeedLine(seed=seed, x=[0.0, 1.0, 2.0], y=[4.0, np.nan, 9.0]) for seed in range(8, 15)
    ]
    overflowing = list(range(8, 15))
    median = median_line([*ended, *running], overflowing, recorded=True)
    assert (median.x, median.y) == ([0, 1, 2], [4, 1, 1])
    assert median_line([*ended[:4], *running], overflowing, recorded=True) is None
    most = [*ended[:6], *running]
    assert median_line(most, overflowing, recorded=True).y == [4, np.inf, 9]
    assert median_line(most, overflowing, recorded=False).y == [np.inf] * 3
    assert np.isnan(median_line(most, [], recorded=True).y[1]), "undefined, not diverged"


def test_before_the_end_a_seed_has_diverged_where_its_loss_says_so():
    spec = SPECS["exploding"]
    result, series = result_and_series(spec)
    assert sorted(diverged_seeds(result)) == diverged_seeds(None, series) != []
    start = {name: column[series["step"] == 0] for name, column in series.items()}
    assert diverged_seeds(None, start) == []


@pytest.mark.parametrize("name", ["response", "spectrum"])
def test_the_median_of_final_curves_counts_a_diverged_seed_as_infinite(name):
    spec = SPECS["many seeds"]
    result, series = result_and_series(spec)
    runs = [
        run.model_copy(update={"outcome": Outcome.DIVERGED}) if i < 7 else run
        for i, run in enumerate(result.runs)
    ]
    info = FIGURES[name].info(spec, result.model_copy(update={"runs": runs}), series)
    lines = (
        [info.median, info.median_error]
        if name == "response"
        else [info.median_eigenvalues, info.median_hankel]
    )
    for line in lines:
        assert set(line.y) == {np.inf}


def test_seeds_that_do_not_fit_are_listed():
    info, result = info_and_result(FIGURES["training"], SPECS["many seeds"])
    listed = [run.seed for run in result.runs if run.outcome == "step_budget_spent"]
    assert listed, "some seeds don't fit in 40 steps"
    for name in ("imbalance", "response", "spectrum", "training", "weighted_spectrum"):
        info, _ = info_and_result(FIGURES[name], SPECS["many seeds"])
        assert info.not_fitted == listed


def test_seeds_that_diverged_are_named():
    result, series = result_and_series(SPECS["exploding"])
    diverged = [r.seed for r in result.runs if r.outcome == "diverged"]
    assert diverged
    for name in ("training", "response", "spectrum", "weighted_spectrum"):
        words = texts(FIGURES[name].draw(FIGURES[name].info(SPECS["exploding"], result, series)))
        assert all(
            str(seed) in line
            for seed in diverged
            for line in words.splitlines()
            if "diverged: " in line
        )
        assert "diverged" in words


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


def test_a_line_of_a_study_is_the_median_and_quartiles_over_seeds():
    def evidence(length, errors):
        runs = tuple(
            RunEvidence(i, "fitted", 1, {"relative_extrapolation_error": e})
            for i, e in enumerate(errors)
        )
        return Evidence(spec_of(training={"length": length}), f"exp_{length}", runs)

    experiments = [
        evidence(5, [5, 1, 3, 2, 4]),
        evidence(3, [1, 1, 1]),
        evidence(4, [np.inf, np.nan, 2]),
    ]
    line = quartile_line("start", experiments, lambda experiment: experiment.spec.training.length)
    assert (line.x, line.y[0], line.y[2], line.lower[2], line.upper[2]) == ([3, 4, 5], 1, 3, 2, 4)
    panel = Panel(x="k", y="error", lines=[line], levels=[ZERO_BASELINE])
    info = STUDY_FIGURES["extrapolation"].info("A study", [panel] * 3, experiments)
    assert info.panels[0].lines[0].label == "start"
    assert STUDY_FIGURES["extrapolation"].file(info, "svg").startswith(b"<?xml")


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_the_figure_of_a_study_renders_without_experiments(study):
    info = STUDY_FIGURES["extrapolation"].info(study.title, study.panels("quick", []), [])
    assert STUDY_FIGURES["extrapolation"].file(info, "png").startswith(b"\x89PNG")


def test_a_ratio_to_an_error_of_zero_or_infinity_is_undefined():
    def band(*median):
        return Band(x=[0.0, 1.0, 2.0, 3.0], median=median, q1=median, q3=median)

    first = band(4.0, 0.0, np.inf, 1.0)
    quotient = _quotient(band(2.0, 3.0, 0.0, np.inf), first, at_shared_x=True)
    np.testing.assert_array_equal(quotient.median, [0.5, np.nan, np.nan, np.inf])
