"""Statistics over seeds: what a run counts as, and which value each statistic is."""

import math

import numpy as np
import pytest

from core.evidence import Evidence, RunEvidence
from core.panels import quartile_line
from core.result import Outcome
from core.statistics import (
    LARGEST,
    STATISTICS,
    as_counted,
    curves_as_counted,
    last_values,
    most_fit,
    of_columns,
    over_seeds,
    statistic,
    values_of_runs,
)
from tests.unit.core.test_training import spec_of


def run(outcome=Outcome.FITTED, **summary):
    return RunEvidence(0, outcome, 1, summary)


def test_the_median_of_an_even_number_of_seeds_is_the_mean_of_the_two_in_the_middle():
    values = dict(zip(STATISTICS, of_columns(np.arange(1.0, 11.0)[:, None])[:, 0], strict=True))
    assert (values["median"], values["q1"], values["q3"]) == (5.5, 3.0, 8.0)
    assert (values["mean"], values["min"], values["max"]) == (5.5, 1.0, 10.0)
    assert values["standard_error"] == pytest.approx(np.std(range(1, 11), ddof=1) / math.sqrt(10))


def test_a_study_draws_the_median_that_it_judges():
    runs = tuple(run(relative_extrapolation_error=float(error)) for error in range(1, 11))
    evidence = Evidence(spec_of(training={"length": 5}), "exp_5", runs)
    line = quartile_line("start", [evidence], lambda piece: piece.spec.training.length)
    assert line.y == [evidence.median("relative_extrapolation_error")] == [5.5]
    assert (line.lower, line.upper) == ([3.0], [8.0])


def test_a_study_counts_the_seeds_that_fit():
    pieces = [
        Evidence(spec_of(training={"length": length}), "exp_5", tuple(map(run, outcomes)))
        for length, outcomes in (
            (5, [Outcome.FITTED, Outcome.STEP_BUDGET_SPENT]),
            (6, [Outcome.DIVERGED]),
            (5, [Outcome.FITTED]),
        )
    ]
    line = quartile_line("start", pieces, lambda piece: piece.spec.training.length)
    assert (line.x, line.fitted, line.seeds) == ([5.0, 6.0], [2, 0], [3, 1])


def test_a_place_is_unmarked_only_if_more_than_half_of_its_seeds_fit():
    assert [most_fit(fitted, 4) for fitted in range(5)] == [False] * 3 + [True] * 2
    assert most_fit(0, 0), "nothing is known"


def test_a_diverged_run_is_infinite_except_in_what_is_the_teachers():
    runs = [
        run(Outcome.DIVERGED, fit_error=2.0, zero_baseline=0.25),
        run(fit_error=3.0, zero_baseline=0.25),
    ]
    counted = values_of_runs(runs, ["fit_error", "zero_baseline"])
    assert counted.tolist() == [[math.inf, 0.25], [3.0, 0.25]]


def test_a_metric_that_a_run_does_not_have_is_nan_and_so_is_every_statistic():
    counted = values_of_runs([run(), run(imbalance=1.0)], ["imbalance"])
    assert np.isnan(counted[:, 0]).tolist() == [True, False]
    assert np.isnan(of_columns(counted)).all()
    diverged = values_of_runs([run(Outcome.DIVERGED)], ["imbalance"])
    assert diverged.tolist() == [[math.inf]]


def test_numbers_whose_sum_could_overflow_are_infinite():
    numbers = np.array([[LARGEST], [-LARGEST], [0.99 * LARGEST]])
    counted = as_counted(numbers, np.zeros(3, bool), ["fit_error"])
    assert counted[:, 0].tolist() == [math.inf, -math.inf, 0.99 * LARGEST]


def test_no_run_gives_no_row():
    assert values_of_runs([], ["fit_error", "imbalance"]).shape == (0, 2)


def test_one_diverged_seed_stays_one_value():
    values = [1.0, 2.0, 3.0, 4.0, math.inf]
    names = ("median", "q1", "q3", "max", "mean")
    assert [statistic(name, values) for name in names] == [3.0, 2.0, 4.0, math.inf, math.inf]
    assert math.isnan(statistic("mean", [math.inf, -math.inf]))


def test_experiments_with_different_numbers_of_seeds_are_independent():
    arrays = {name: np.arange(float(n))[:, None] for name, n in (("a", 3), ("b", 4), ("c", 3))}
    together = over_seeds(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(together[name], of_columns(array))


def test_a_run_that_has_ended_keeps_its_last_value():
    assert last_values([0, 5], [4.0, 2.0], [0, 4, 5, 99]).tolist() == [4.0, 4.0, 2.0, 2.0]


def test_a_diverged_run_is_infinite_along_its_curves_and_another_is_as_stored():
    stored = np.array([[1.0, math.nan, 3.0]] * 2)
    by_step = curves_as_counted(stored, [True, False], recorded=True)
    np.testing.assert_array_equal(by_step, [[1.0, math.inf, 3.0], [1.0, math.nan, 3.0]])
    by_lag = curves_as_counted(stored, [True, False], recorded=False)
    np.testing.assert_array_equal(by_lag, [[math.inf] * 3, [1.0, math.nan, 3.0]])
