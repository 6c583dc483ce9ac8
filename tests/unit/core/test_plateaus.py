"""Time to fit and plateaus, on made-up losses and on a training with two poles."""

import numpy as np
import pytest

from core.metrics.plateaus import fits_from, plateaus, training_metrics
from core.run import run
from core.spec import ExperimentSpec


def test_a_run_fits_from_its_last_return_within_the_tolerance():
    assert fits_from([1.0, np.nan, 0.2], 0.2) == 2
    assert fits_from([1.0, 0.1, 0.5, 0.1], 0.2) == 3
    assert fits_from([0.1, 0.5], 0.2) is None
    assert fits_from([0.1, np.nan], 0.2) is None


def test_an_exponential_decay_has_no_plateau_and_a_constant_loss_has_one():
    steps = np.arange(1000)
    assert plateaus(steps, np.exp(-steps / 100)) == []
    (plateau,) = plateaus(steps, np.full(1000, 0.3))
    assert (plateau.start, plateau.end, plateau.level) == (0, 999, 0.3)


def test_the_poles_of_a_near_zero_start_appear_one_at_a_time():
    """Two poles on k = 6 lags: the loss rests near zero, then near the best student of one pole."""
    spec = ExperimentSpec.model_validate({
        "teacher": {
            "kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.9]},
            "weights": [1.0, 0.3],
        },
        "student": {"kind": "linear", "dim": 10, "start": {"scale": 1e-5}},
        "training": {"length": 6},
        "optimizer": {"lr": 0.01, "steps": 4000},
        "evaluation": {"record_at": list(range(0, 4000, 10)), "points": 2},
        "seeds": 1,
    })  # fmt: skip
    result = run(spec)
    found_plateaus = plateaus(result.series["step"], result.series["train_loss"])
    zero = float(np.sum(np.square(result.teacher_response[:6])))
    assert len(found_plateaus) >= 2
    assert found_plateaus[0].start == 0
    assert found_plateaus[0].level == pytest.approx(zero, rel=0.05)
    assert 1e-3 * zero < found_plateaus[1].level < 0.5 * zero
    (trained,) = result.runs
    assert trained.summary["steps_to_fit"] > found_plateaus[1].end > found_plateaus[0].end


STEPS = np.arange(8)
FLAT_THEN_FIT = np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 1e-9, 1e-9])


def metrics_of(losses, fit_errors, times=STEPS / 10):
    return training_metrics(STEPS[: len(losses)], times[: len(losses)], losses, fit_errors, 0.01)


def test_steps_to_fit_are_counted_from_the_last_return_within_the_tolerance():
    outside_again = np.array([1, 1e-3, 1, 1, 1e-3, 1e-2, 1e-3, 0])
    metrics = metrics_of(FLAT_THEN_FIT, outside_again)
    assert (metrics["steps_to_fit"], metrics["time_to_fit"]) == (4, 0.4)
    assert metrics_of(FLAT_THEN_FIT, np.zeros(8))["steps_to_fit"] == 0


@pytest.mark.parametrize("last", [1.0, np.nan, np.inf])
def test_a_run_that_does_not_fit_at_its_end_takes_infinitely_long(last):
    fit_errors = np.array([1, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, last])
    metrics = metrics_of(FLAT_THEN_FIT, fit_errors)
    assert (metrics["steps_to_fit"], metrics["time_to_fit"]) == (np.inf, np.inf)
    assert metrics["plateaus"] == 2


def test_plateaus_count_until_the_run_fits_and_the_longest_is_measured():
    fit_errors = np.array([1, 1, 1, 1, 1, 1, 1e-3, 1e-3])
    metrics = metrics_of(FLAT_THEN_FIT, fit_errors)
    assert metrics["plateaus"] == 2
    assert (metrics["plateau_steps"], metrics["plateau_loss"]) == (2, 1.0)
    assert metrics["plateau_time"] == pytest.approx(0.2)
    floor = metrics_of(np.full(8, 1e-9), np.zeros(8))
    assert (floor["plateaus"], floor["plateau_steps"], floor["plateau_time"]) == (0, 0, 0)
    assert np.isnan(floor["plateau_loss"])


def test_times_are_undefined_without_a_training_time():
    metrics = metrics_of(FLAT_THEN_FIT, np.ones(8), times=np.full(8, np.nan))
    assert np.isnan([metrics["time_to_fit"], metrics["plateau_time"]]).all()
    assert metrics["steps_to_fit"] == np.inf
