"""The moment problem: what the moments of a nonnegative measure determine, and from how many on."""

import numpy as np
import pytest

from core.theory.moments import measure_of

ATOMS, WEIGHTS = np.array([0.9, -0.5, 0.2]), np.array([0.7, 0.5, 0.4])


def moments_of(atoms, weights, count):
    return np.vander(atoms, count, increasing=True).T @ weights


@pytest.mark.parametrize("count", range(7, 14))
def test_the_measure_is_found_from_more_than_twice_as_many_moments_as_atoms(count):
    found = measure_of(moments_of(ATOMS, WEIGHTS, count))
    assert found.unique
    np.testing.assert_allclose(found.atoms, ATOMS, atol=1e-7)
    np.testing.assert_allclose(found.weights, WEIGHTS, atol=1e-7)
    assert found.gap > 1e6
    np.testing.assert_allclose(found.response(50), moments_of(ATOMS, WEIGHTS, 50), atol=1e-6)


@pytest.mark.parametrize("count", range(1, 7))
def test_fewer_moments_have_many_measures_and_one_of_them_is_given(count):
    moments = moments_of(ATOMS, WEIGHTS, count)
    found = measure_of(moments)
    assert not found.unique
    assert min(found.weights) > 0
    assert found.residual < 1e-12
    np.testing.assert_allclose(found.response(count), moments, atol=1e-12)


def test_of_many_measures_the_one_whose_jacobi_matrix_ends_in_zero_is_given():
    """Its trace is the sum of the atoms, and its first entry the mean h_1 / h_0: of three moments, these are equal."""
    moments = moments_of(ATOMS, WEIGHTS, 3)
    assert sum(measure_of(moments).atoms) == pytest.approx(moments[1] / moments[0])


def test_at_twice_the_atoms_gauss_quadrature_gives_the_smallest_of_the_measures():
    """2 d̂ moments: d̂ atoms are enough, so the teacher itself is among the measures, and not the only one."""
    found = measure_of(moments_of(ATOMS, WEIGHTS, 6))
    np.testing.assert_allclose(found.atoms, ATOMS, atol=1e-10)
    wider = measure_of(
        np.append(moments_of(ATOMS, WEIGHTS, 6), moments_of(ATOMS, WEIGHTS, 7)[6] + 0.1)
    )
    np.testing.assert_allclose(wider.response(6), moments_of(ATOMS, WEIGHTS, 6), atol=1e-12)
    assert len(wider.atoms) == 4


@pytest.mark.parametrize("moments", [[-1.0], [1.0, 0, -0.5], [1.0, 0.9, 0.5, 0.1, 0.3]])
def test_moments_of_no_nonnegative_measure_are_refused(moments):
    with pytest.raises(ValueError, match="negative eigenvalue"):
        measure_of(np.array(moments))


def test_moments_that_would_need_an_atom_at_infinity_are_not_called_determined():
    """(1, 0, 0, 0, 1) is on the boundary of the cone: its Hankel matrix is semidefinite, and no measure's."""
    found = measure_of(np.array([1.0, 0, 0, 0, 1]))
    assert not found.unique
    assert found.residual == pytest.approx(1)


def test_silence_is_the_empty_measure_and_a_memoryless_response_one_atom_at_zero():
    silent = measure_of(np.zeros(5))
    assert (silent.atoms, silent.unique, silent.residual) == ((), True, 0)
    assert not silent.response(9).any()
    memoryless = measure_of(np.array([2.0, 0, 0]))
    assert (memoryless.atoms, memoryless.unique) == ((0.0,), True)
    assert memoryless.weights == pytest.approx((2.0,))


def test_a_measure_survives_json():
    found = measure_of(moments_of(ATOMS, WEIGHTS, 3))
    assert type(found).model_validate_json(found.model_dump_json()).atoms == found.atoms
