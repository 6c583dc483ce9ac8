"""Metrics against their definitions, and against exploded students."""

import numpy as np
import pytest
import torch

from core.losses import Target
from core.metrics import effective_rank, errors, imbalance, measure, sharpness
from core.result import METRICS
from core.spec import LinearStudent
from core.systems import LinearSystem, eigenvalues, hankel_singular_values, impulse_response
from tests.unit.core.test_gradient import CASES, make, naive_loss

STUDENT = LinearStudent(kind="linear", dim=3, structure="general")


def batch(*matrices):
    """Systems of one input and output with these A."""
    A = np.array(matrices, dtype=float)
    ones = np.ones((*A.shape[:2], 1))
    return LinearSystem(A, ones, ones.swapaxes(1, 2))


def test_errors_look_at_their_own_lags_only():
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


def test_the_hankel_matrix_of_a_system_has_its_order_as_rank():
    generator = np.random.default_rng(5)
    system = LinearSystem(
        np.diag([0.9, -0.5, 0.3]), generator.standard_normal((3, 1)), generator.standard_normal((1, 3))
    )
    values = hankel_singular_values(system, 20)
    assert values.shape == (10,)
    assert (values > 1e-10).sum() == 3


@pytest.mark.parametrize(("dim", "horizon"), [(3, 20), (12, 20), (3, 21), (5, 2)])
@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
def test_hankel_values_are_those_of_the_matrix_of_responses(dim, horizon, channels):
    generator = np.random.default_rng([dim, horizon])
    m, p = channels
    shapes = ((2, dim, dim), (2, dim, m), (2, p, dim))
    system = LinearSystem(*(generator.standard_normal(shape) / 2 for shape in shapes))
    response, n = impulse_response(system, horizon), horizon // 2
    wanted = [np.linalg.svdvals(np.block([[h[r + s] for s in range(n)] for r in range(n)])) for h in response]
    np.testing.assert_allclose(hankel_singular_values(system, horizon), wanted, atol=1e-12 * np.max(wanted))


def test_effective_rank_counts_equal_values():
    assert effective_rank(np.array([[2.0, 2.0, 2.0, 0.0]])) == pytest.approx([3])
    assert effective_rank(np.full((1, 2), 1e308)) == pytest.approx([2])
    assert effective_rank(np.zeros((1, 4))) == [0]


def test_eigenvalues_fall_in_absolute_value():
    values = eigenvalues(np.array([[[0.0, -2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, -3.0]]]))
    np.testing.assert_allclose(values, [[-3, 2j, -2j]], atol=1e-12)


def test_imbalance_is_the_distance_of_b_and_c():
    system = LinearSystem(np.zeros((1, 2, 2)), np.array([[[1.0], [2.0]]]), np.array([[[1.0, 0.0]]]))
    assert imbalance(system) == [2.0]


@pytest.mark.parametrize(("structure", "tied", "trained", "channels", "length"), CASES)
def test_sharpness_is_the_top_eigenvalue_of_the_hessian_at_zero_loss(structure, tied, trained, channels, length):
    layout, target, flat = make(structure, tied=tied, trained=trained, channels=channels, length=length, seeds=1)
    systems = layout.systems(flat)
    target = Target(impulse_response(systems, target.horizon)[0], target.M)  # a teacher that the student matches
    hessian = torch.autograd.functional.hessian(lambda leaf: naive_loss(layout, target, leaf).sum(), flat)
    kept = torch.zeros_like(flat)
    for name, view in layout.views(kept).items():
        view.fill_(float(name in trained))
    hessian = hessian.reshape(layout.size, layout.size) * kept.T * kept
    wanted = np.linalg.eigvalsh(hessian.numpy())[-1]
    assert sharpness(systems, layout.student, target) == pytest.approx([wanted], rel=1e-9, abs=1e-12)


def test_an_exploded_student_does_not_hide_its_neighbours():
    target = Target(np.ones((12, 1, 1)), np.eye(4))
    fine, exploded, huge = np.eye(3) / 2, np.full((3, 3), np.nan), np.full((3, 3), 1e200)
    together = measure(batch(fine, exploded, huge), STUDENT, target)
    alone = measure(batch(fine), STUDENT, target)
    assert together.keys() == METRICS.keys()
    for name, values in together.items():
        assert values[0] == pytest.approx(alone[name][0], rel=1e-12), name
    assert np.isnan(together["train_loss"][1])
    assert np.isinf(together["extrapolation_error"][2]) or np.isnan(together["extrapolation_error"][2])
