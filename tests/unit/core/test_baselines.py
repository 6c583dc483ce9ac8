"""Baselines are exact, or wrong, exactly where theory says so."""

import re

import numpy as np
import pytest

from core import teachers
from core.baselines import baselines
from core.baselines.nuclear_norm import complete
from core.baselines.realisation import era
from core.baselines.subspace import identify
from core.baselines.truncation import gramians_of, hankel_values, truncate
from core.cost.baselines import LONGEST
from core.result import METRICS
from core.spec import ExperimentSpec
from core.systems import LinearSystem, impulse_response

TWO_POLES = {
    "kind": "balanced",
    "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
    "weights": [0.7, 0.5],
}
TWO_CHANNELS = {
    "kind": "explicit",
    "A": [[0.9, 0], [0.1, -0.5]],
    "B": [[0.8, 0.3], [-0.2, 0.6]],
    "C": [[1, 0], [0.4, 0.2], [0, 1]],
}
TEACHERS = [
    (TWO_POLES, 2),
    ({"kind": "unbalanced", "dim": 4}, 4),
    ({"kind": "rotation"}, 2),
    ({"kind": "random", "dim": 3}, 3),
    ({"kind": "delay", "lag": 4}, 5),
    (TWO_CHANNELS, 2),
]


def spec_of(teacher, length, *names, **training):
    return ExperimentSpec.model_validate(
        {
            "teacher": teacher,
            "student": {"kind": "linear", "dim": 9},
            "training": {"length": length, **training},
            "evaluation": {"horizon": length + 20, "baselines": list(names)},
        }
    )


def teacher_response(teacher, length):
    return impulse_response(teachers.build(spec_of(teacher, length).teacher), length).ravel()


def baseline(teacher, length, name, **training):
    """The result of one baseline."""
    (result,) = baselines(spec_of(teacher, length, name, **training))
    assert result.name == name
    return result


@pytest.mark.parametrize(("teacher", "states"), TEACHERS)
@pytest.mark.parametrize("more", [0, 1, 5])
def test_era_is_exact_from_two_lags_per_state(teacher, states, more):
    result = baseline(teacher, 2 * states + more, "era")
    assert result.order == states
    assert max(result.summary["fit_error"], result.summary["extrapolation_error"]) < 1e-10


@pytest.mark.parametrize("length", [8, 9])
def test_era_of_too_few_lags_is_wrong_even_within_them(length):
    """A delay of 4 has 5 states; the Hankel matrix of fewer than 10 lags doesn't have its rank."""
    result = baseline({"kind": "delay", "lag": 4}, length, "era")
    assert result.summary["fit_error"] == pytest.approx(1.0)


def test_era_of_a_given_order_keeps_the_largest_singular_values():
    response = impulse_response(teachers.build(spec_of({"kind": "balanced"}, 4).teacher), 20)
    cut, gap = era(response, order=3)
    full, _ = era(response)
    assert (len(cut.A), len(full.A)) == (3, 5)
    error = np.abs(impulse_response(cut, 20) - response).max()
    assert 1e-8 < error < 0.05
    assert 1 < gap < 1e6


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_balanced_truncation_keeps_its_error_bound(order):
    """σ_{order+1} <= ‖G - Ĝ‖_∞ <= 2 Σ of the dropped σ_i, and |h_j - ĥ_j| <= ‖G - Ĝ‖_∞."""
    teacher = teachers.build(
        spec_of({"kind": "random", "dim": 5, "spectral_radius": 0.95}, 4).teacher
    )
    gramians, infinite = gramians_of(teacher, 100)
    assert infinite
    values = hankel_values(*gramians)
    cut = truncate(teacher, order, *gramians)
    lags = impulse_response(cut, 400) - impulse_response(teacher, 400)
    transfer = np.abs(np.fft.fft(lags.ravel(), 4096)).max()
    assert values[order] * 0.999 <= transfer <= 2 * values[order:].sum() * 1.001
    assert np.abs(lags).max() <= 2 * values[order:].sum()
    assert np.abs(np.linalg.eigvals(cut.A)).max() < 1


def test_hankel_values_of_the_gramians_are_those_of_a_large_hankel_matrix():
    teacher = teachers.build(spec_of(TWO_POLES, 4).teacher)
    gramians, _ = gramians_of(teacher, 10)
    lags = impulse_response(teacher, 800).ravel()
    hankel = lags[np.arange(400)[:, None] + np.arange(400)]
    np.testing.assert_allclose(hankel_values(*gramians), np.linalg.svdvals(hankel)[:2], rtol=1e-10)


def test_a_marginally_stable_teacher_is_truncated_without_a_bound():
    result = baseline({"kind": "rotation"}, 6, "balanced_truncation")
    assert "without a bound" in result.note
    assert result.summary["extrapolation_error"] < 1e-10
    assert result.summary["spectral_radius"] == pytest.approx(1)


def test_truncation_only_drops_states_within_the_tolerance():
    result = baseline(
        {
            "kind": "balanced",
            "eigenvalues": {"kind": "list", "values": [0.9, 0.3]},
            "weights": [1, 1e-5],
        },
        4,
        "balanced_truncation",
    )
    assert result.order == 1
    assert 0 < result.summary["fit_error"] <= 1e-3


SAMPLE = {"loss": {"kind": "finite_sample", "sequences": 60}}  # for one input
NOISY = {"loss": {"kind": "finite_sample", "sequences": 60, "noise": 0.05}}


@pytest.mark.parametrize(
    ("teacher", "states", "loss"),
    [
        (*case, loss)
        for case in TEACHERS
        for loss in ({}, SAMPLE)
        if not loss or case[0] is not TWO_CHANNELS
    ],
)
def test_subspace_identification_recovers_the_teacher_without_noise(teacher, states, loss):
    result = baseline(teacher, 2 * states + 2, "subspace", **loss)
    assert result.order == (
        4 if teacher["kind"] == "delay" else states
    )  # D holds what a state of a delay would
    assert max(result.summary["fit_error"], result.summary["extrapolation_error"]) < 1e-8


def test_subspace_identification_recovers_the_matrices_up_to_coordinates():
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
def test_the_fir_equals_the_teacher_up_to_the_length_and_zero_beyond(teacher):
    result = baseline(teacher, 6, "least_squares")
    exact = impulse_response(teachers.build(spec_of(teacher, 6).teacher), 6)
    np.testing.assert_allclose(np.reshape(result.response[:6], exact.shape), exact, atol=1e-14)
    assert not np.any(result.response[6:])
    assert result.summary["relative_extrapolation_error"] == 1


def test_the_fir_of_few_sequences_is_the_least_norm_solution():
    generator = np.random.default_rng(2)
    inputs = generator.standard_normal((4, 8))
    result = baseline(
        TWO_POLES, 8, "least_squares", loss={"kind": "finite_sample", "inputs": inputs.tolist()}
    )
    exact = impulse_response(teachers.build(spec_of(TWO_POLES, 8).teacher), 8).ravel()
    reversed_inputs = inputs[:, ::-1]
    least_norm = np.linalg.pinv(reversed_inputs) @ (reversed_inputs @ exact)
    np.testing.assert_allclose(result.response[:8], least_norm, atol=1e-10)
    assert result.summary["train_loss"] < 1e-14
    assert result.summary["fit_error"] > 0.01


@pytest.mark.parametrize("loss", [{}, SAMPLE])
def test_the_response_of_least_nuclear_norm_is_the_teachers(loss):
    result = baseline(TWO_POLES, 8, "nuclear_norm", **loss)
    assert result.order == 2
    assert max(result.summary["fit_error"], result.summary["extrapolation_error"]) < 1e-6


@pytest.mark.parametrize("kappa", [0.5, 5.0])
def test_no_step_lowers_the_nuclear_norm_and_misfit(kappa):
    generator = np.random.default_rng(3)
    root, labels = generator.standard_normal((4, 4)), generator.standard_normal((4, 2, 1))
    M = root @ root.T
    index = np.add.outer(np.arange(4), np.arange(4))

    def cost(h):
        blocks = h[index].transpose(0, 2, 1, 3).reshape(8, 4)
        error = h[:4] - labels
        return np.linalg.norm(blocks, "nuc") + kappa / 2 * np.einsum(
            "jl,jpm,lpm->", M, error, error
        )

    least = complete(M, labels, kappa, 1e-10)
    for scale in (1e-1, 1e-3):
        for _ in range(50):
            step = scale * generator.standard_normal(least.shape)
            assert cost(least + step) > cost(least) - 1e-8


def test_the_kernel_estimate_smooths_noise_and_decays_past_the_length():
    teacher = {**TWO_POLES, "eigenvalues": {"kind": "list", "values": [0.8, 0.5]}}
    loss = {"kind": "finite_sample", "sequences": 20, "noise": 0.3}
    errors = {}
    for name in ("kernel", "least_squares"):
        result, exact = baseline(teacher, 12, name, loss=loss), teacher_response(teacher, 12)
        errors[name] = np.linalg.norm(np.array(result.response[:12]) - exact)
    assert errors["kernel"] < 0.7 * errors["least_squares"]
    result = baseline(teacher, 12, "kernel", loss=loss)
    decay, correlation = map(float, re.findall(r"= (-?[\d.]+)", result.note))
    later = np.array(result.response[11:])
    np.testing.assert_allclose(later[1:], later[:-1] * np.sqrt(decay) * correlation, rtol=0.01)
    assert baseline(teacher, 12, "kernel").summary["fit_error"] < 1e-6


@pytest.mark.parametrize("name", ["era", "subspace", "nuclear_norm"])
def test_methods_that_choose_an_order_find_it_in_noise(name):
    result = baseline(TWO_POLES, 8, name, **NOISY)
    assert result.order in ({2, 3} if name == "nuclear_norm" else {2})
    assert 1e-4 < result.summary["relative_extrapolation_error"] < 0.2


def test_long_training_lengths_are_refused_by_iterated_methods():
    for name, length in LONGEST.items():
        result = baseline({"kind": "rotation"}, length + 1, name)
        assert "computed up to" in result.note
        assert np.isnan(result.response).all()


def test_baselines_come_in_the_requested_order_and_never_fail_the_experiment():
    names = (
        *("least_squares", "subspace", "era", "balanced_truncation", "nuclear_norm", "kernel"),
    )
    results = baselines(spec_of(TWO_POLES, 1, *names))
    assert [result.name for result in results] == list(names)
    for result in results:
        assert result.summary.keys() <= METRICS.keys()
        assert len(result.response) == 21
    assert np.isnan(results[1].summary["fit_error"])
    assert "k >= 4" in results[1].note
    assert baselines(spec_of(TWO_POLES, 1)) == []


def test_baselines_of_a_zero_teacher_are_zero():
    names = ("era", "balanced_truncation", "subspace", "nuclear_norm")
    for result in baselines(spec_of({"kind": "memoryless", "gain": 0.0}, 6, *names)):
        assert (result.order, set(result.response)) == (0, {0.0})
    (result,) = baselines(spec_of({"kind": "memoryless", "gain": 0.0}, 6, "kernel"))
    assert set(result.response) == {0.0}


def test_era_of_a_zero_response_has_no_states():
    cut, _ = era(np.zeros((6, 1, 1)))
    assert isinstance(cut, LinearSystem)
    assert cut.A.shape == (0, 0)
