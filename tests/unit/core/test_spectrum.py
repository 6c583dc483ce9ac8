"""Spectra, Hankel singular values and ranks agree with their definitions."""

import numpy as np
import pytest

from core.metrics import effective_rank
from core.metrics.spectrum import spectral_distance, state_effective_rank
from core.systems import (
    LinearSystem,
    eigenvalues,
    hankel_singular_values,
    impulse_response,
    real_spectrum,
    visible_spectrum,
    weighted_spectrum,
)


def systems_of(structure, channels, seed, dim=4):
    generator = np.random.default_rng(seed)
    m, p = channels
    A, B, C = (
        generator.standard_normal((2, *shape)) / 2 for shape in ((dim, dim), (dim, m), (p, dim))
    )
    if structure == "symmetric":
        A = (A + A.swapaxes(1, 2)) / 2
    return LinearSystem(A * np.eye(dim) if structure == "diagonal" else A, B, C)


def test_the_rank_of_the_hankel_matrix_is_the_order_of_the_system():
    generator = np.random.default_rng(5)
    system = LinearSystem(
        np.diag([0.9, -0.5, 0.3]),
        generator.standard_normal((3, 1)),
        generator.standard_normal((1, 3)),
    )
    values = hankel_singular_values(system, 20)
    assert values.shape == (10,)
    assert (values > 1e-10).sum() == 3


@pytest.mark.parametrize(("dim", "horizon"), [(3, 20), (12, 20), (3, 21), (5, 2)])
@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
def test_hankel_values_are_the_singular_values_of_the_matrix_of_responses(dim, horizon, channels):
    generator = np.random.default_rng([dim, horizon])
    m, p = channels
    shapes = ((2, dim, dim), (2, dim, m), (2, p, dim))
    system = LinearSystem(*(generator.standard_normal(shape) / 2 for shape in shapes))
    response, n = impulse_response(system, horizon), horizon // 2
    expected = [
        np.linalg.svdvals(np.block([[h[r + s] for s in range(n)] for r in range(n)]))
        for h in response
    ]
    np.testing.assert_allclose(
        hankel_singular_values(system, horizon), expected, atol=1e-12 * np.max(expected)
    )


def test_effective_rank_counts_equal_values():
    assert effective_rank(np.array([[2.0, 2.0, 2.0, 0.0]])) == pytest.approx([3])
    assert effective_rank(np.full((1, 2), 1e308)) == pytest.approx([2])
    assert effective_rank(np.zeros((1, 4))) == [0]


@pytest.mark.parametrize("horizon", [2, 30])
def test_state_effective_rank_agrees_with_the_summed_gramian(horizon):
    system = systems_of("general", (2, 1), 4)
    P = sum(
        power @ system.B @ system.B.swapaxes(1, 2) @ power.swapaxes(1, 2)
        for power in (np.linalg.matrix_power(system.A, s) for s in range(horizon))
    )
    expected = effective_rank(np.maximum(np.linalg.eigvalsh(P), 0))
    np.testing.assert_allclose(state_effective_rank(system, horizon), expected, rtol=1e-9)


def test_eigenvalues_fall_in_absolute_value():
    values = eigenvalues(np.array([[[0.0, -2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, -3.0]]]))
    np.testing.assert_allclose(values, [[-3, 2j, -2j]], atol=1e-12)


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
def test_poles_and_weights_give_the_response(structure, channels):
    system = systems_of(structure, channels, 3)
    poles, weights = weighted_spectrum(system)
    powers = poles[:, None] ** np.arange(9)[:, None]
    response = np.einsum("sji,siom->sjom", powers, weights)
    np.testing.assert_allclose(response, impulse_response(system, 9), atol=1e-12)
    np.testing.assert_allclose(np.abs(poles), np.abs(eigenvalues(system.A)), rtol=1e-10)
    assert (np.diff(np.abs(poles)) <= 0).all()


def test_a_real_spectrum_does_not_depend_on_the_coordinates():
    basis = np.array([[1.0, 2.0], [1.0, 3.0]])
    A = basis @ np.diag([0.9, -0.5]) @ np.linalg.inv(basis)
    poles, weights = real_spectrum(
        LinearSystem(A, basis @ np.ones((2, 1)), np.array([[2.0, 3.0]]) @ np.linalg.inv(basis))
    )
    np.testing.assert_allclose(poles, [0.9, -0.5])
    np.testing.assert_allclose(weights.ravel(), [2, 3])
    delay = LinearSystem(np.eye(3, k=-1), np.ones((3, 1)), np.ones((1, 3)))
    rotation = LinearSystem(np.array([[0.0, -1.0], [1.0, 0.0]]), np.ones((2, 1)), np.ones((1, 2)))
    assert real_spectrum(delay) is real_spectrum(rotation) is None


def test_the_visible_spectrum_merges_equal_poles_and_omits_invisible_ones():
    system = LinearSystem(
        np.diag([0.5, 0.9, 0.5, 0.3]), np.array([[1.0], [1], [2], [0]]), np.ones((1, 4))
    )
    poles, weights = visible_spectrum(system)
    np.testing.assert_allclose(poles, [0.5, 0.9])
    np.testing.assert_allclose(weights.ravel(), [3, 1])


@pytest.mark.parametrize(
    ("poles", "weights", "expected"),
    [
        ([0.9, -0.5], [2.0, 6.0], 0.0),  # the teacher, with twice the weights
        (
            [0.9, 0.9, -0.5, 0.2],
            [0.5, 0.5, 3.0, 0.0],
            0.0,
        ),  # a repeated pole and an invisible one
        ([0.9, -0.5, 0.9 + 1e-12], [2.0, 3.0, -1.0], 0.0),  # equal poles, weights of both signs
        ([0.7, -0.5], [1.0, 3.0], 0.25 * 0.2),
        ([-0.5], [1.0], 0.25 * 1.4),
        (
            [0.9, -0.5],
            [1.0, -3.0],
            0.75 * 2,
        ),  # opposite sign: 0.75 leaves and 0.75 enters, 1 away on average
    ],
)
def test_spectral_distance_is_the_distance_that_weight_must_travel(poles, weights, expected):
    teacher = np.array([0.9, -0.5]), np.array([1.0, 3.0])
    (distance,) = spectral_distance(np.array([poles]), np.array([weights]), *teacher)
    assert distance == pytest.approx(expected, abs=1e-12)


def test_spectral_distance_of_probability_measures_equals_scipys():
    scipy_stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(1)
    u, v, wu, wv = (
        generator.uniform(-1, 1, 6),
        generator.uniform(-1, 1, 3),
        generator.random(6),
        generator.random(3),
    )
    expected = scipy_stats.wasserstein_distance(u, v, wu, wv)
    assert spectral_distance(u[None], wu[None], v, wv) == pytest.approx([expected], rel=1e-12)
    assert spectral_distance(v[None], -wv[None], u, -wu) == pytest.approx([expected], rel=1e-12)
