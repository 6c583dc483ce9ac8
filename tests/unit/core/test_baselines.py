"""Methods without gradient descent: exact where theory says so, wrong where it says so."""

import numpy as np
import pytest

from core import teachers
from core.baselines import baselines
from core.baselines.realisation import era
from core.baselines.subspace import identify
from core.baselines.truncation import gramians_of, hankel_values, truncate
from core.result import METRICS
from core.spec import ExperimentSpec
from core.systems import LinearSystem, impulse_response

TWO_POLES = {
    "kind": "balanced",
    "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
    "weights": [0.7, 0.5],
}
TWO_CHANNELS = {
    "kind": "explicit", "A": [[0.9, 0], [0.1, -0.5]], "B": [[0.8, 0.3], [-0.2, 0.6]], "C": [[1, 0], [0.4, 0.2], [0, 1]]
}  # fmt: skip
TEACHERS = [
    (TWO_POLES, 2),
    ({"kind": "unbalanced", "dim": 4}, 4),
    ({"kind": "rotation"}, 2),
    ({"kind": "random", "dim": 3}, 3),
    ({"kind": "delay", "lag": 4}, 5),
    (TWO_CHANNELS, 2),
]


def spec_of(teacher, length, *names, **training):
    return ExperimentSpec.model_validate({
        "teacher": teacher,
        "student": {"kind": "linear", "dim": 9},
        "training": {"length": length, **training},
        "evaluation": {"horizon": length + 20, "baselines": list(names)},
    })  # fmt: skip


def only(teacher, length, name, **training):
    (result,) = baselines(spec_of(teacher, length, name, **training))
    assert result.name == name
    return result


@pytest.mark.parametrize(("teacher", "states"), TEACHERS)
@pytest.mark.parametrize("more", [0, 1, 5])
def test_era_is_exact_from_twice_as_many_lags_as_states(teacher, states, more):
    found = only(teacher, 2 * states + more, "era")
    assert found.order == states
    assert max(found.summary["fit_error"], found.summary["extrapolation_error"]) < 1e-10


@pytest.mark.parametrize("length", [8, 9])
def test_era_of_too_few_lags_is_wrong_even_within_them(length):
    """A delay of 4 has 5 states: with fewer than 10 lags the Hankel matrix has not seen its rank."""
    assert only({"kind": "delay", "lag": 4}, length, "era").summary["fit_error"] == pytest.approx(
        1.0
    )


def test_era_of_a_given_order_keeps_the_largest_singular_values():
    response = impulse_response(teachers.build(spec_of({"kind": "balanced"}, 4).teacher), 20)
    cut, gap = era(response, order=3)
    whole, _ = era(response)
    assert (len(cut.A), len(whole.A)) == (3, 5)
    error = np.abs(impulse_response(cut, 20) - response).max()
    assert 1e-8 < error < 0.05
    assert 1 < gap < 1e6


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_balanced_truncation_keeps_its_bound(order):
    """|h_j - ĥ_j| <= ‖G - Ĝ‖_∞ <= 2 Σ of the dropped Hankel singular values; the order + 1st is a lower bound of it."""
    teacher = teachers.build(
        spec_of({"kind": "random", "dim": 5, "spectral_radius": 0.95}, 4).teacher
    )
    gramians, exact = gramians_of(teacher, 100)
    assert exact
    values = hankel_values(*gramians)
    cut = truncate(teacher, order, *gramians)
    lags = impulse_response(cut, 400) - impulse_response(teacher, 400)
    transfer = np.abs(np.fft.fft(lags.ravel(), 4096)).max()
    assert values[order] * 0.999 <= transfer <= 2 * values[order:].sum() * 1.001
    assert np.abs(lags).max() <= 2 * values[order:].sum()
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(cut.A)).max() < 1, True)


def test_hankel_values_of_the_gramians_are_the_limit_of_the_matrix_of_responses():
    teacher = teachers.build(spec_of(TWO_POLES, 4).teacher)
    gramians, _ = gramians_of(teacher, 10)
    lags = impulse_response(teacher, 800).ravel()
    hankel = lags[np.arange(400)[:, None] + np.arange(400)]
    np.testing.assert_allclose(hankel_values(*gramians), np.linalg.svdvals(hankel)[:2], rtol=1e-10)


def test_a_teacher_that_never_forgets_is_truncated_without_a_bound():
    found = only({"kind": "rotation"}, 6, "balanced_truncation")
    assert "without a bound" in found.note
    assert found.summary["extrapolation_error"] < 1e-10
    assert found.summary["spectral_radius"] == pytest.approx(1)


def test_truncation_drops_states_within_the_tolerance_only():
    found = only({"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, 0.3]}, "weights": [1, 1e-5]}, 4,
                 "balanced_truncation")  # fmt: skip
    assert found.order == 1
    assert 0 < found.summary["fit_error"] <= 1e-3


SAMPLE = {"loss": {"kind": "finite_sample", "sequences": 60}}  # of one input


@pytest.mark.parametrize(
    ("teacher", "states", "loss"),
    [
        (*case, loss)
        for case in TEACHERS
        for loss in ({}, SAMPLE)
        if not loss or case[0] is not TWO_CHANNELS
    ],
)
def test_subspace_identification_finds_the_teacher_without_noise(teacher, states, loss):
    found = only(teacher, 2 * states + 2, "subspace", **loss)
    assert found.order == (
        4 if teacher["kind"] == "delay" else states
    )  # D holds what a state of a delay would
    assert max(found.summary["fit_error"], found.summary["extrapolation_error"]) < 1e-8


def test_subspace_identification_agrees_with_the_systems_own_matrices_up_to_coordinates():
    generator = np.random.default_rng(0)
    system = teachers.build(spec_of(TWO_CHANNELS, 8).teacher)
    inputs, state = generator.standard_normal((40, 8, 2)), np.zeros((40, 2))
    outputs = []
    for t in range(8):
        state = state @ system.A.T + inputs[:, t] @ system.B.T
        outputs.append(state @ system.C.T)
    A, C, D, _ = identify(inputs, np.stack(outputs, axis=1))
    np.testing.assert_allclose(
        np.sort(np.linalg.eigvals(A)), np.sort(np.linalg.eigvals(system.A)), atol=1e-10
    )
    np.testing.assert_allclose(D, system.C @ system.B, atol=1e-10)
    assert C.shape == (3, 2)


@pytest.mark.parametrize("teacher", [TWO_POLES, TWO_CHANNELS])
def test_the_fir_is_the_teacher_up_to_the_length_and_zero_beyond(teacher):
    found = only(teacher, 6, "least_squares")
    exact = impulse_response(teachers.build(spec_of(teacher, 6).teacher), 6)
    np.testing.assert_allclose(np.reshape(found.response[:6], exact.shape), exact, atol=1e-14)
    assert not np.any(found.response[6:])
    assert found.summary["relative_extrapolation_error"] == 1


def test_the_fir_of_few_sequences_is_the_least_norm_solution():
    generator = np.random.default_rng(2)
    inputs = generator.standard_normal((4, 8))
    found = only(
        TWO_POLES, 8, "least_squares", loss={"kind": "finite_sample", "inputs": inputs.tolist()}
    )
    exact = impulse_response(teachers.build(spec_of(TWO_POLES, 8).teacher), 8).ravel()
    reversed_inputs = inputs[:, ::-1]
    wanted = np.linalg.pinv(reversed_inputs) @ (reversed_inputs @ exact)
    np.testing.assert_allclose(found.response[:8], wanted, atol=1e-10)
    assert found.summary["train_loss"] < 1e-14
    assert found.summary["fit_error"] > 0.01


def test_every_method_answers_in_the_order_asked_and_none_fails_the_experiment():
    names = ("least_squares", "subspace", "era", "balanced_truncation")
    results = baselines(spec_of(TWO_POLES, 1, *names))
    assert [result.name for result in results] == list(names)
    for result in results:
        assert result.summary.keys() <= METRICS.keys()
        assert len(result.response) == 21
    assert np.isnan(results[1].summary["fit_error"])
    assert "k >= 4" in results[1].note
    assert baselines(spec_of(TWO_POLES, 1)) == []


def test_a_silent_teacher_has_silent_baselines():
    for result in baselines(
        spec_of({"kind": "memoryless", "gain": 0.0}, 6, "era", "balanced_truncation", "subspace")
    ):
        assert (result.order, set(result.response)) == (0, {0.0})


def test_an_estimate_of_no_states_is_silent():
    cut, _ = era(np.zeros((6, 1, 1)))
    assert isinstance(cut, LinearSystem)
    assert cut.A.shape == (0, 0)
