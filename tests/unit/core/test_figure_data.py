"""The data of figures: their numbers are the result's."""

import numpy as np
import pytest

from core import teachers
from core.evidence import Evidence, RunEvidence
from core.figures import FIGURES, STUDY_FIGURES, NotDrawable
from core.figures.comparisons.comparison import Band
from core.figures.comparisons.ratio import _quotient
from core.figures.info import SeedLine, diverged_seeds, median_line
from core.panels import ZERO_BASELINE, Panel, quartile_line
from core.result import Outcome
from core.systems import impulse_response
from tests.unit.core.figure_cases import EVERYTHING, GRU, SPECS, info_and_result, result_and_series
from tests.unit.core.test_training import spec_of


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


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"steps": 3000, "stop": {"loss_below": 1e-3}}},
        {"evaluation": {"points": 300, "horizon": 12, "fit_tolerance": 0.3}},
    ],
    ids=["stop", "tolerance"],
)
def test_the_marks_of_the_training_figure_are_where_its_metrics_are(changes):
    spec = spec_of(**changes)
    info, result = info_and_result(FIGURES["training"], spec)
    by_seed = {line.seed: dict(zip(line.x, line.y, strict=True)) for line in info.loss}
    assert {fit.seed: fit.step for fit in info.time_to_fit} == {
        r.seed: r.summary["steps_to_fit"]
        for r in result.runs
        if np.isfinite(r.summary["steps_to_fit"])
    }
    for fit in info.time_to_fit:
        assert fit.loss == by_seed[fit.seed][fit.step]
    last = spec.optimizer.steps
    assert all(0 <= plateau.start < plateau.end <= last for plateau in info.plateaus)


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


def test_a_ratio_to_an_error_of_zero_or_infinity_is_undefined():
    def band(*median):
        return Band(x=[0.0, 1.0, 2.0, 3.0], median=median, q1=median, q3=median)

    first = band(4.0, 0.0, np.inf, 1.0)
    quotient = _quotient(band(2.0, 3.0, 0.0, np.inf), first, at_shared_x=True)
    np.testing.assert_array_equal(quotient.median, [0.5, np.nan, np.nan, np.inf])
