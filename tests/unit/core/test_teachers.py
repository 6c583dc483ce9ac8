"""Teachers have their documented matrices and responses."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from core import teachers
from core.spec import Teacher
from core.systems import impulse_response


def build(**spec):
    return teachers.build(TypeAdapter(Teacher).validate_python(spec))


def response(horizon=8, **spec):
    return impulse_response(build(**spec), horizon).ravel()


def test_a_balanced_teacher_has_unit_columns_and_nonnegative_weights():
    system = build(kind="balanced", dim=6, seed=3)
    assert np.array_equal(system.B, system.C.T)
    assert np.linalg.norm(system.B) == pytest.approx(1)
    assert np.abs(np.diag(system.A)).max() <= 1


def test_an_unbalanced_teacher_has_unit_columns_that_differ():
    system = build(kind="unbalanced", dim=6, seed=3)
    assert [np.linalg.norm(system.B), np.linalg.norm(system.C)] == pytest.approx([1, 1])
    assert not np.allclose(system.B, system.C.T)


def test_weights_make_the_response_a_sum_of_powers():
    lags = np.arange(8)
    powers = 0.7 * 0.9**lags - 0.5 * (-0.5) ** lags
    spec = {"eigenvalues": {"kind": "list", "values": [0.9, -0.5]}, "weights": [0.7, -0.5]}
    np.testing.assert_allclose(response(kind="unbalanced", **spec), powers, atol=1e-15)


def test_memoryless_delay_and_rotation_have_their_responses():
    np.testing.assert_array_equal(response(4, kind="memoryless", gain=2.5), [2.5, 0, 0, 0])
    np.testing.assert_array_equal(response(5, kind="delay", lag=3), [0, 0, 0, 1, 0])
    lags = np.arange(8)
    np.testing.assert_allclose(
        response(kind="rotation", angle=0.3, radius=0.9), 0.9**lags * np.cos(0.3 * lags), atol=1e-15
    )


def test_a_random_teacher_has_the_spectral_radius_of_the_spec():
    poles = np.linalg.eigvals(build(kind="random", dim=9, spectral_radius=0.8).A)
    assert np.abs(poles).max() == pytest.approx(0.8)


def test_the_seed_of_a_teacher_draws_it():
    assert np.array_equal(build(kind="random", seed=4).A, build(kind="random", seed=4).A)
    assert not np.array_equal(build(kind="random", seed=4).A, build(kind="random", seed=5).A)
