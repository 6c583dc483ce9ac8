"""Errors agree with their definitions, and metrics survive students that overflow."""

import numpy as np
import pytest

from core.caveats import undefined
from core.losses import Target
from core.metrics import Reference, errors, measure, response_metrics
from core.result import SERIES
from core.spec import LinearStudent
from core.systems import LinearSystem, impulse_response

STUDENT = LinearStudent(kind="linear", dim=3, structure="general")


def batch(*matrices):
    """Systems of one input and output with these A."""
    A = np.array(matrices, dtype=float)
    ones = np.ones((*A.shape[:2], 1))
    return LinearSystem(A, ones, ones.swapaxes(1, 2))


def test_errors_depend_on_their_lags_only():
    target = Target(np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1), np.eye(2))
    response = np.array([1.5, 2.0, 3.0, 3.0]).reshape(1, 4, 1, 1)
    assert errors.fit_error(response, target) == [0.5]
    assert errors.extrapolation_error(response, target) == [1.0]
    assert errors.extrapolation_error_rms(response, target) == pytest.approx([np.sqrt(0.5)])
    assert errors.train_loss(response, target) == [0.25]
    assert errors.zero_baseline(target) == 4.0


def test_a_large_error_has_a_finite_rms():
    target = Target(np.zeros((4, 1, 1)), np.eye(2))
    response = np.full((1, 4, 1, 1), 1e200)
    assert errors.extrapolation_error_rms(response, target) == pytest.approx([1e200])
    assert errors.extrapolation_error_rms(0 * response, target) == [0]


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
def test_a_student_that_overflows_does_not_affect_the_others(structure):
    student = STUDENT.model_copy(update={"structure": structure})
    target = Target(np.ones((12, 1, 1)), np.eye(4))
    finite, exploded, huge = np.eye(3) / 2, np.full((3, 3), np.nan), np.full((3, 3), 1e200)
    spectrum = (np.ones(1), np.ones(1))
    in_batch, by_itself = (
        measure(systems, Reference(student, target, start=systems, spectrum=spectrum))
        for systems in (batch(finite, exploded, huge), batch(finite))
    )
    assert in_batch.keys() == {*SERIES, "zero_baseline"} - {"time"}
    for name, values in in_batch.items():
        np.testing.assert_array_equal(values[0], by_itself[name][0], err_msg=name)
    assert np.isnan(in_batch["train_loss"][1])
    for name in ("train_loss", "fit_error", "extrapolation_error", "extrapolation_error_rms"):
        assert np.isinf(in_batch[name][2])


def test_errors_past_the_range_of_float64_are_infinite():
    """Both responses overflow: their difference is not known, but not small either."""
    lags = np.arange(1200)
    with np.errstate(over="ignore"):
        teacher, student = (batch([[pole]]) for pole in (2.0, 1.9999))
        target = Target(impulse_response(teacher, len(lags))[0], np.eye(3))
        response = impulse_response(student, len(lags))
    measured = response_metrics(response, target, 1e-3)
    infinite = {name for name, values in measured.items() if np.isinf(values[0])}
    assert infinite == {"extrapolation_error", "extrapolation_error_rms", "zero_baseline"}
    assert {name for name, values in measured.items() if np.isnan(values[0])} == {
        "relative_extrapolation_error",
        "sequence_extrapolation_error",
    }
    for sentence in undefined({name: values[0] for name, values in measured.items()}):
        assert "relative_extrapolation_error and sequence_extrapolation_error are" in sentence
    assert measured["extrapolation_horizon"] == [5]
    long = Target(target.response, np.eye(1100))
    measured = response_metrics(response, long, 1e-3)
    assert {"train_loss", "fit_error"} <= {
        name for name, values in measured.items() if np.isinf(values[0])
    }


def test_sequence_errors_are_computed_although_squares_leave_the_range_of_float64():
    teacher, student = (batch([[pole]]) for pole in (1.5, 1.5 * (1 - 1e-4)))
    target = Target(impulse_response(teacher, 1700)[0], np.eye(3))
    relative = errors.sequence_errors(impulse_response(student, 1700), target)[0]
    lags = np.arange(1700)
    # both sums are geometric, and the last 100 terms are all of them to 16 digits
    near = np.array(
        [
            np.average(
                (1 - (1 - 1e-4) ** lags[t - 100 : t + 1]) ** 2, weights=2.25 ** np.arange(101.0)
            )
            for t in range(800, 1700)
        ]
    )
    np.testing.assert_allclose(relative[800:], near, rtol=1e-9)


def test_a_response_of_several_states_overflows_to_infinity():
    rotating = LinearSystem(
        1.1 * np.array([[[0.6, -0.8], [0.8, 0.6]]]), np.ones((1, 2, 1)), np.ones((1, 1, 2))
    )
    with np.errstate(all="ignore"):
        response = impulse_response(rotating, 9000)
        unknown = impulse_response(LinearSystem(rotating.A * np.nan, rotating.B, rotating.C), 5)
    assert np.isinf(response[0, -1])
    assert not np.isnan(response).any()
    assert np.isnan(unknown[0, 1:]).all()


def of_rows(*rows):
    return np.array(rows, dtype=float)[..., None, None]


def test_the_extrapolation_horizon_is_the_first_lag_past_the_tolerance():
    target = Target(of_rows([0.5, 2, 1, 1, 1])[0], np.eye(2))
    response = of_rows(
        [0.5, 2, 1, 1, 1], [0.5, 2, 1, 1.3, 1], [0.5, 2, 1.1, 1.3, 1], [0, 2, 1, 1, 1], [np.nan] * 5
    )
    assert errors.extrapolation_horizon(response, target, 0.1).tolist() == [5, 3, 3, 0, 0]


def test_sequence_errors_agree_with_simulated_gaussian_inputs():
    generator = np.random.default_rng(0)
    teacher, student = generator.standard_normal((2, 5, 2, 3)) / (1 + np.arange(5))[:, None, None]
    x = generator.standard_normal((200_000, 5, 3))
    outputs = [sum(x[:, 4 - j] @ h[j].T for j in range(5)) for h in (student, teacher)]
    simulated = np.mean((outputs[0] - outputs[1]) ** 2) / np.mean(outputs[1] ** 2)
    target = Target(teacher, np.eye(3))
    exact = errors.sequence_errors(student[None], target)
    assert exact[0, 4] == pytest.approx(simulated, rel=0.02)
    assert errors.sequence_fit_error(student[None], target) == exact[:, :3].max()
    assert errors.sequence_extrapolation_error(student[None], target) == exact[:, 3:].max()


def test_sequence_errors_are_undefined_only_if_the_teacher_is_silent_to_the_end():
    delay = Target(of_rows([0, 0, 2, 0])[0], np.eye(2))
    responses = of_rows([0, 0, 2, 0], [1, 0, 2, 0])
    np.testing.assert_array_equal(errors.sequence_errors(responses, delay), [[0] * 4, [0.25] * 4])
    silent = Target(np.zeros((4, 1, 1)), np.eye(2))
    undefined = errors.sequence_errors(of_rows([0] * 4, [0, 1, 0, 0]), silent)
    assert np.isnan(undefined).all()


def test_a_relative_error_without_a_baseline_is_undefined():
    delay = Target(of_rows([0, 2, 0, 0])[0], np.eye(2))
    metrics = response_metrics(of_rows([0, 2, 0, 0], [0, 2, 0, 3], [0, 2, 0, np.inf]), delay, 1e-3)
    assert np.isnan(metrics["relative_extrapolation_error"]).all()
    assert metrics["extrapolation_error"].tolist() == [0, 3, np.inf]
    beyond = Target(of_rows([0, 2, 0, 1e-300])[0], np.eye(2))
    metrics = response_metrics(of_rows([0, 2, 0, 1e300]), beyond, 1e-3)
    assert metrics["relative_extrapolation_error"].tolist() == [np.inf], "too large, not undefined"
