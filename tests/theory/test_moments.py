"""The moment problem: how many moments determine a nonnegative measure."""

import numpy as np
import pytest

from core.theory.moments import measure_of

ATOMS, WEIGHTS = np.array([0.9, -0.5, 0.2]), np.array([0.7, 0.5, 0.4])


def moments_of(atoms, weights, count):
    return np.vander(atoms, count, increasing=True).T @ weights


@pytest.mark.parametrize("count", range(7, 14))
def test_more_than_two_moments_per_atom_determine_the_measure(count):
    measure = measure_of(moments_of(ATOMS, WEIGHTS, count))
    assert measure.unique
    np.testing.assert_allclose(measure.atoms, ATOMS, atol=1e-7)
    np.testing.assert_allclose(measure.weights, WEIGHTS, atol=1e-7)
    assert measure.gap > 1e6
    np.testing.assert_allclose(measure.response(50), moments_of(ATOMS, WEIGHTS, 50), atol=1e-6)


@pytest.mark.parametrize("count", range(1, 7))
def test_fewer_moments_give_one_of_many_measures(count):
    moments = moments_of(ATOMS, WEIGHTS, count)
    measure = measure_of(moments)
    assert not measure.unique
    assert min(measure.weights) > 0
    assert measure.residual < 1e-12
    np.testing.assert_allclose(measure.response(count), moments, atol=1e-12)


def test_among_many_measures_the_jacobi_matrix_ends_in_zero():
    """Its trace, the sum of the atoms, then is its first entry, h_1 / h_0, for three moments."""
    moments = moments_of(ATOMS, WEIGHTS, 3)
    assert sum(measure_of(moments).atoms) == pytest.approx(moments[1] / moments[0])


def test_two_moments_per_atom_give_the_measure_with_the_fewest_atoms():
    """d̂ atoms match 2 d̂ moments, by Gauss quadrature, but so do other measures."""
    measure = measure_of(moments_of(ATOMS, WEIGHTS, 6))
    np.testing.assert_allclose(measure.atoms, ATOMS, atol=1e-10)
    wider = measure_of(
        np.append(moments_of(ATOMS, WEIGHTS, 6), moments_of(ATOMS, WEIGHTS, 7)[6] + 0.1)
    )
    np.testing.assert_allclose(wider.response(6), moments_of(ATOMS, WEIGHTS, 6), atol=1e-12)
    assert len(wider.atoms) == 4


@pytest.mark.parametrize("moments", [[-1.0], [1.0, 0, -0.5], [1.0, 0.9, 0.5, 0.1, 0.3]])
def test_moments_that_no_nonnegative_measure_has_are_refused(moments):
    with pytest.raises(ValueError, match="negative eigenvalue"):
        measure_of(np.array(moments))


@pytest.mark.parametrize("moments", [[1.0, 0, 0, 0, 1], [0.0, 0, 1], [1.0, 1, 1, 1, 2], [0.0, 1]])
def test_moments_that_need_an_atom_at_infinity_are_refused(moments):
    """Their Hankel matrices are semidefinite, but every measure misses the last moment by 1."""
    with pytest.raises(ValueError, match="misses them by 1"):
        measure_of(np.array(moments))


def test_rounding_of_the_moments_is_not_refused():
    moments = moments_of(ATOMS, WEIGHTS, 7) + 1e-9 * np.cos(np.arange(7))
    np.testing.assert_allclose(measure_of(moments).response(7), moments, atol=1e-4)


def test_zero_is_the_empty_measure_and_a_memoryless_response_one_atom_at_zero():
    empty = measure_of(np.zeros(5))
    assert (empty.atoms, empty.unique, empty.residual) == ((), True, 0)
    assert not empty.response(9).any()
    memoryless = measure_of(np.array([2.0, 0, 0]))
    assert (memoryless.atoms, memoryless.unique) == ((0.0,), True)
    assert memoryless.weights == pytest.approx((2.0,))


def test_a_measure_round_trips_through_json():
    measure = measure_of(moments_of(ATOMS, WEIGHTS, 3))
    assert type(measure).model_validate_json(measure.model_dump_json()).atoms == measure.atoms
